using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class GenerateTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly LanguageModelTokenizer Bytes = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);
    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => o.MaxSteps = 150);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void ContinuesThePromptWithTheSameTextForTheSameSeed()
    {
        string text = _model.Generate("the ", maxTokens: 40, seed: 3);
        StringAssert.StartsWith(text, "the ");
        Assert.IsGreaterThan("the ".Length, text.Length);
        Assert.AreEqual(text, _model.Generate("the ", maxTokens: 40, seed: 3));
        Assert.AreNotEqual(text, _model.Generate("the ", maxTokens: 40, seed: 4, temperature: 2));
    }

    [TestMethod]
    public void ZeroTemperatureTakesTheMostLikelyTokenEachTime()
    {
        using var scope = NewDisposeScope();
        string text = _model.Generate("the", maxTokens: 6, temperature: 0);
        for (int at = 3; at < text.Length; at++)
        {
            Tensor last = _model.Network.forward(tensor(LongIdsOf(text[..at]), [1, at]))[0, at - 1];
            Assert.AreEqual(LongIdsOf(text)[at], last.argmax().item<long>());
        }
    }

    [TestMethod]
    public void ArgumentsAndOptionsGiveTheSameText()
    {
        var options = new GenerationOptions { MaxTokens = 30, Temperature = 1.5, TopK = 20, TopP = 0.9, Seed = 7 };
        string text = _model.Generate("the", maxTokens: 30, temperature: 1.5, topK: 20, topP: 0.9, seed: 7);
        Assert.AreEqual(text, _model.Generate("the", options));
        Assert.AreEqual(text, _model.Generate(["the"], options).Single());
    }

    [TestMethod]
    public void IdsGiveWhatTheTextOfTheirTokensGives()
    {
        var options = new GenerationOptions { MaxTokens = 20, Temperature = 0.5, Seed = 6 };
        IReadOnlyList<int> added = _model.GenerateIds(Bytes.Encode("the red"), options);
        Assert.IsGreaterThan(0, added.Count);
        Assert.AreEqual(_model.Generate("the red", options), "the red" + Bytes.Decode(added.ToArray()));
    }

    [TestMethod]
    public void ABeginningThatOnlyTheConfigurationNamesStandsBeforeNoPrompt()
    {
        using var scratch = new ScratchFolder();
        _model.SavePretrained(scratch.File("model"));
        string config = Path.Combine(scratch.File("model"), "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"bos_token_id\": 256", "\"bos_token_id\": 7"));
        using ReversibleLmTransformer named = Ml.Reversible().LoadPretrained(scratch.File("model"));
        Assert.AreEqual(7, named.Model.SpecialTokens.BeginOfText);
        Assert.AreEqual(
            _model.Generate("the red", maxTokens: 30, temperature: 0), named.Generate("the red", maxTokens: 30, temperature: 0));
    }

    [TestMethod]
    public void IdsThatCannotBeContinuedAreRefused()
    {
        var options = new GenerationOptions();
        Assert.ThrowsExactly<ArgumentException>(() => _model.GenerateIds([], options));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.GenerateIds([257], options));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.GenerateIds([-1], options));
        var e = Assert.ThrowsExactly<ArgumentException>(() => _model.GenerateIds([1], new GenerationOptions { StopStrings = ["."] }));
        StringAssert.Contains(e.Message, "StopStrings");
    }

    [TestMethod]
    public void AStopStringOfSeveralTokensCutsTheText()
    {
        string whole = _model.Generate("the red fox", maxTokens: 40, temperature: 0);
        string stop = whole.Substring(25, 4);
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 0, StopStrings = ["never", stop] };
        int at = whole.IndexOf(stop, "the red fox".Length, StringComparison.Ordinal);
        Assert.AreEqual(whole[..at], _model.Generate("the red fox", options));
        Assert.AreEqual(
            "the red fox", _model.Generate("the red fox", new GenerationOptions { MaxTokens = 0, StopStrings = ["red"] }),
            "the prompt's own text stays");
    }

    [TestMethod]
    public void ARepetitionPenaltyChangesWhatIsLikelyAndOneChangesNothing()
    {
        string plain = _model.Generate("the red", new GenerationOptions { MaxTokens = 30, Temperature = 0 });
        Assert.AreEqual(
            plain, _model.Generate("the red", new GenerationOptions { MaxTokens = 30, Temperature = 0, RepetitionPenalty = 1 }));
        string varied = _model.Generate("the red", new GenerationOptions { MaxTokens = 30, Temperature = 0, RepetitionPenalty = 1e6 });
        int[] ids = Bytes.Encode(varied);
        Assert.HasCount(ids.Length - 1, ids.Distinct(), "only the e of the prompt itself comes twice");
    }

    [TestMethod]
    public void GoesOnBeyondTheContext() =>
        Assert.IsGreaterThan(60, _model.Generate("the red fox number 1 jumps", maxTokens: 60, temperature: 0.5).Length);

    [TestMethod]
    public void WhatCouldOutgrowTheContextIsRefusedWhereTheOptionsSaySo()
    {
        var options = new GenerationOptions { MaxTokens = 10, ContextOverflow = ContextOverflow.Refuse };
        Assert.HasCount(10, _model.GenerateIds(Bytes.Encode("123456"), options), "16 tokens fill the context of 16");
        var e = Assert.ThrowsExactly<ArgumentException>(() => _model.Generate(["1", "1234567"], options));
        foreach (string part in new[] { "7", "MaxTokens", "10", "16", "ContextOverflow" }) StringAssert.Contains(e.Message, part);
        options.MaxTokens = int.MaxValue;
        Assert.ThrowsExactly<ArgumentException>(() => _model.Generate("1", options));
    }

    [TestMethod]
    public void AnEmptyPromptStartsAText() => Assert.IsGreaterThan(0, _model.Generate("", maxTokens: 5).Length);

    [TestMethod]
    public void NoTokensGiveThePrompt() => Assert.AreEqual("the", _model.Generate("the", maxTokens: 0));

    [TestMethod]
    public void LeavesNoTensors()
    {
        _model.Generate("the", maxTokens: 3);
        long before = TestModels.LiveTensors();
        _model.Generate("the", maxTokens: 20);
        _model.Generate(["the", "the red fox jumps over"], new GenerationOptions { MaxTokens = 20, StopStrings = [" "] });
        _model.GenerateIds([1, 2], new GenerationOptions { MaxTokens = 2 });
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void CancellationEndsItAndLeavesNoTensors()
    {
        long before = TestModels.LiveTensors();
        using var source = new CancellationTokenSource();
        source.CancelAfter(TimeSpan.FromMilliseconds(50));
        Assert.ThrowsExactly<OperationCanceledException>(
            () => _model.Generate("the", maxTokens: int.MaxValue, topK: 1, cancellationToken: source.Token));
        Assert.ThrowsExactly<OperationCanceledException>(() => _model.Generate("the", cancellationToken: source.Token));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void BadArgumentsAreRefused()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.Generate(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.Generate("the", null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.Generate((string[])null!, new GenerationOptions()));
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.Generate([null!], new GenerationOptions()));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.Generate("the", maxTokens: -1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.Generate("the", temperature: -1));
    }

    [TestMethod]
    public void ACharacterThatTheVocabularyLacksIsNamed()
    {
        using ReversibleLmTransformer characters = Corpus.Train(Ml, o => (o.Tokenization, o.MaxSteps) = (TextTokenization.Character, 2));
        var e = Assert.ThrowsExactly<ArgumentException>(() => characters.Generate("the é"));
        StringAssert.Contains(e.Message, "U+00E9");
    }

    private static long[] LongIdsOf(string text) => [.. Bytes.Encode(text).Select(id => (long)id)];
}
