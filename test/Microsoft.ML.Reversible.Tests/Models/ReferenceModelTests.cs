using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests folders that others have made against the outputs of their models.</summary>
[TestClass]
public sealed class ReferenceModelTests
{
    private const double Tolerance = 1e-4;

    [TestMethod]
    public void ATrainedLlamaGivesTheReferenceLogits()
    {
        using LanguageModel model = TestFolders.Load(TestData.Require("stories260k/hf-llama-form"));
        Golden golden = Read<Golden>("stories260k/golden.json");
        int vocabulary = model.Network.Configuration.VocabularySize;

        float[] logits = TestFolders.Logits(model.Network, golden.input_ids);

        AssertClose(golden.logits_last, logits[^vocabulary..]);
        for (int t = 0; t < golden.top5.Length; t++)
        {
            float[] row = logits[(t * vocabulary)..((t + 1) * vocabulary)];
            CollectionAssert.AreEqual(
                golden.top5[t], Enumerable.Range(0, vocabulary).OrderByDescending(id => row[id]).Take(5).ToArray(), $"top 5 at {t}");
            if (t < golden.nll.Length) Assert.AreEqual(golden.nll[t], Nats(row, golden.input_ids[t + 1]), Tolerance, $"nats at {t}");
        }
    }

    [TestMethod]
    public void ATrainedLlamaContinuesAsTheReferenceDoes()
    {
        using LanguageModel model = TestFolders.Load(TestData.Require("stories260k/hf-llama-form"));
        Golden golden = Read<Golden>("stories260k/golden.json");
        CollectionAssert.AreEqual(golden.greedy_from_bos_64, TestFolders.Greedy(model.Network, [1], 64));
    }

    [TestMethod]
    public void ATrainedLlamaWritesTheReferenceTextToTheCharacter()
    {
        using ReversibleLmTransformer model = Stories();
        string expected = File.ReadAllText(TestData.Require("stories260k/expected-greedy-200.txt"));
        Assert.AreEqual(expected, model.Generate("", maxTokens: 200, temperature: 0) + "\n");
    }

    /// <summary>426 is the full stop: transformers' generate stops at the ids of generation_config.json.</summary>
    [TestMethod]
    public void GenerationEndsAtTheIdsOfGenerationConfigAlsoAfterASave()
    {
        using var scratch = new ScratchFolder();
        string folder = scratch.File("model"), saved = scratch.File("saved");
        Directory.CreateDirectory(folder);
        foreach (string file in new[] { "hf-llama-form/config.json", "hf-llama-form/model.safetensors" })
            File.Copy(TestData.Require($"stories260k/{file}"), Path.Combine(folder, Path.GetFileName(file)));
        File.Copy(TestData.Require("stories260k/tok512.model"), Path.Combine(folder, "tokenizer.model"));
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), """{"bos_token_id": 1, "eos_token_id": [2, 426]}""");
        using (ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(folder))
        {
            StringAssert.EndsWith(model.Generate("Once upon a time", maxTokens: 60, temperature: 0), "named Lily");
            model.SavePretrained(saved);
        }
        using ReversibleLmTransformer again = new MLContext().Reversible().LoadPretrained(saved);
        StringAssert.EndsWith(again.Generate("Once upon a time", maxTokens: 60, temperature: 0), "named Lily");

        File.WriteAllText(Path.Combine(folder, "generation_config.json"), """{"eos_token_id": "2"}""");
        InvalidDataException e = Assert.ThrowsExactly<InvalidDataException>(
            () => new MLContext().Reversible().LoadPretrained(folder));
        StringAssert.Contains(e.Message, "generation_config.json");
    }

    [TestMethod]
    public void ATokenizerInstanceGivesTheSameTextAsItsFile()
    {
        using Stream file = File.OpenRead(TestData.Require("stories260k/tok512.model"));
        var tokenizer = LlamaTokenizer.Create(file, addBeginOfSentence: false);
        using ReversibleLmTransformer own = new MLContext().Reversible()
            .LoadPretrained(TestData.Require("stories260k/hf-llama-form"), tokenizer);
        using ReversibleLmTransformer model = Stories();
        Assert.AreEqual(
            model.Generate("Lily saw", maxTokens: 20, temperature: 0), own.Generate("Lily saw", maxTokens: 20, temperature: 0));

        using var scratch = new ScratchFolder();
        own.SavePretrained(scratch.File("m"));
        CollectionAssert.AreEquivalent(
            new[] { "config.json", "model.safetensors" }, Directory.GetFiles(scratch.File("m")).Select(Path.GetFileName).ToArray());
        model.SavePretrained(scratch.File("m"));
        using ReversibleLmTransformer again = new MLContext().Reversible().LoadPretrained(scratch.File("m"));
        Assert.AreEqual(model.Generate("One day", maxTokens: 20, temperature: 0), again.Generate("One day", maxTokens: 20, temperature: 0));
    }

    [TestMethod]
    public void IdsAreContinuedWithoutATokenizer()
    {
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(TestData.Require("trax-copy-gpt/hf-gpt2-form"));
        CollectionAssert.AreEqual(
            new[] { 3, 7, 5, 3, 2, 4 },
            model.GenerateIds([0, 0, 3, 7, 5, 3, 2, 4, 0], new GenerationOptions { MaxTokens = 6, Temperature = 0 }).ToArray());
    }

    [TestMethod]
    public void ATrainedLlamaHasThePublishedLossOnStories()
    {
        using ReversibleLmTransformer model = Stories();
        var scorer = new TextScorer(model.Model);

        // The first ten stories of the file, each after the begin of a text. A blank line parts paragraphs, a single line end stories.
        string file = File.ReadAllText(TestData.Require("tinystories-sample/tiny_stories.txt"));
        TextScore[] scores = [.. Regex.Split(file, "(?<!\n)\n(?!\n)").Take(10).Select(story => scorer.Score(story))];

        Assert.AreEqual(1.355, -scores.Sum(score => (double)score.LogLikelihood) / scores.Sum(score => score.TokenCount), 0.001);
    }

    [TestMethod]
    public void ATrainedGptWithAnUntiedHeadGivesTheReferenceLogits()
    {
        using LanguageModel model = TestFolders.Load(TestData.Require("trax-copy-gpt/hf-gpt2-form"));
        GoldenCopy golden = Read<GoldenCopy>("trax-copy-gpt/hf-gpt2-form/golden.json");
        AssertClose([.. golden.logits.SelectMany(row => row)], TestFolders.Logits(model.Network, golden.input_ids));
    }

    [TestMethod]
    [DataRow(3, 7, 5, 3, 2, 4)]
    [DataRow(9, 1, 6, 6, 10)]
    [DataRow(8, 2, 5)]
    public void ATrainedGptCopiesAWord(params int[] word)
    {
        using LanguageModel model = TestFolders.Load(TestData.Require("trax-copy-gpt/hf-gpt2-form"));
        long[] symbols = [.. word.Select(symbol => (long)symbol)];
        CollectionAssert.AreEqual(symbols, TestFolders.Greedy(model.Network, [0, 0, .. symbols, 0], word.Length));
    }

    [TestMethod]
    [DataRow("tiny-gpt2-random")]
    [DataRow("trax-copy-gpt/hf-gpt2-form")]
    [DataRow("stories260k/hf-llama-form")]
    public void AFolderLoadsAndSavesBackToTheSameTensors(string name)
    {
        string folder = TestData.Require(name);
        using var scratch = new ScratchFolder();
        using (LanguageModel model = TestFolders.Load(folder)) PretrainedFolder.Save(model, scratch.File("m"));

        using SafeTensorsFile expected = SafeTensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        using SafeTensorsFile actual = SafeTensorsFile.Open(scratch.File("m/model.safetensors"));
        string prefix = expected.Contains("wte.weight") ? "transformer." : "";
        string[] names = [.. expected.Names.Where(tensor => !tensor.EndsWith(".attn.bias"))];
        CollectionAssert.AreEquivalent(names.Select(tensor => prefix + tensor).ToArray(), actual.Names.ToArray());
        foreach (string tensor in names)
        {
            Assert.AreEqual("F32", actual.Info(prefix + tensor).Dtype);
            CollectionAssert.AreEqual(expected.Info(tensor).Shape.ToArray(), actual.Info(prefix + tensor).Shape.ToArray(), tensor);
            CollectionAssert.AreEqual(Bytes(expected, tensor), Bytes(actual, prefix + tensor), tensor);
        }
    }

    private static ReversibleLmTransformer Stories() => new MLContext().Reversible().LoadPretrained(
        TestData.Require("stories260k/hf-llama-form"), tokenizerPath: TestData.Require("stories260k/tok512.model"));

    private static byte[] Bytes(SafeTensorsFile file, string name)
    {
        var bytes = new byte[file.Info(name).Length];
        file.Read(name, bytes);
        return bytes;
    }

    private static double Nats(float[] logits, long target)
    {
        double most = logits.Max();
        return most + Math.Log(logits.Sum(logit => Math.Exp(logit - most))) - logits[target];
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], Tolerance, $"logit {i}");
    }

    private static T Read<T>(string name) => JsonSerializer.Deserialize<T>(File.ReadAllText(TestData.Require(name)))!;

    private sealed record Golden(long[] input_ids, double[] logits_last, int[][] top5, double[] nll, long[] greedy_from_bos_64);

    private sealed record GoldenCopy(long[] input_ids, double[][] logits);
}
