namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class GenerateBatchTests
{
    private static readonly string[] Prompts = ["the red", "", "the blue fox number 3 jumps over the", "f", "the brown fox num"];
    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 150);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void EachPromptIsContinuedAsItWouldBeAlone()
    {
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 0 };
        CollectionAssert.AreEqual(
            Prompts.Select(prompt => _model.Generate(prompt, options)).ToArray(), _model.Generate(Prompts, options).ToArray());
    }

    [TestMethod]
    public void RowsEndByThemselves()
    {
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 0, StopStrings = ["mber", "ue"] };
        string[] texts = [.. _model.Generate(Prompts, options)];
        CollectionAssert.AreEqual(Prompts.Select(prompt => _model.Generate(prompt, options)).ToArray(), texts);
        Assert.IsGreaterThan(1, texts.Zip(Prompts, (text, prompt) => text.Length - prompt.Length).Distinct().Count());
    }

    [TestMethod]
    public void EachRowHasItsOwnRandomGenerator()
    {
        var options = new GenerationOptions { MaxTokens = 20, Temperature = 3, Seed = 2 };
        string[] three = [.. _model.Generate(["the", "the", "the"], options)], two = [.. _model.Generate(["the", "fox"], options)];
        CollectionAssert.AllItemsAreUnique(three);
        Assert.AreEqual(_model.Generate("the", options), three[0]);
        Assert.AreEqual(three[0], two[0], "a row does not depend on the others");
    }

    [TestMethod]
    public void NoPromptsGiveNoTexts() => Assert.IsEmpty(_model.Generate([], new GenerationOptions()));

    [TestMethod]
    public void TwoCallsAtOnceGiveWhatTheyGiveOneAfterTheOther()
    {
        var options = new GenerationOptions { MaxTokens = 30, Seed = 1 };
        string[] expected = [.. Prompts.Select(prompt => _model.Generate(prompt, options))];
        var actual = new string[8 * Prompts.Length];
        Parallel.For(0, actual.Length, i => actual[i] = _model.Generate(Prompts[i % Prompts.Length], options));
        for (int i = 0; i < actual.Length; i++) Assert.AreEqual(expected[i % Prompts.Length], actual[i]);
    }
}
