using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests that models trained elsewhere generate what their references generate.</summary>
[TestClass]
public sealed class TrainedModelTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    public void ALlamaContinuesAsTheReferenceDoes()
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(TestData.Require("stories260k/hf-llama-form"));
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(TestData.Require("stories260k/golden.json")));
        int[] expected = [.. golden.RootElement.GetProperty("greedy_from_bos_64").EnumerateArray().Select(id => id.GetInt32())];
        CollectionAssert.AreEqual(expected, model.GenerateIds([1], new GenerationOptions { MaxTokens = 64, Temperature = 0 }).ToArray());
    }

    [TestMethod]
    public async Task ALlamaTellsTheReferencesStory()
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(
            TestData.Require("stories260k/hf-llama-form"), tokenizerPath: TestData.Require("stories260k/tok512.model"));
        string expected = File.ReadAllText(TestData.Require("stories260k/expected-greedy-200.txt")).TrimEnd('\n');
        var options = new GenerationOptions { MaxTokens = 200, Temperature = 0 };
        Assert.AreEqual(expected, model.Generate("", options));

        Assert.AreEqual(expected, model.Generate("Once upon a", options)[..expected.Length], "a prompt's text begins after the same token");
        var streamed = new System.Text.StringBuilder();
        await foreach (string piece in model.GenerateAsync("", options)) streamed.Append(piece);
        Assert.AreEqual(expected, streamed.ToString());
    }

    [TestMethod]
    public void AGptCopiesAWord()
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(TestData.Require("trax-copy-gpt/hf-gpt2-form"));
        int[] word = [3, 7, 5, 3, 2, 4];
        CollectionAssert.AreEqual(
            word, model.GenerateIds([0, 0, .. word, 0], new GenerationOptions { MaxTokens = word.Length, Temperature = 0 }).ToArray());
    }

    [TestMethod]
    public void AModelWithoutATokenizerContinuesNoText()
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(TestData.Require("trax-copy-gpt/hf-gpt2-form"));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => model.Generate("a")).Message, "tokenizer");
    }
}
