using Microsoft.ML.Reversible.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Generation;

[TestClass]
public sealed class GenerateTests
{
    private static readonly MLContext Ml = new(seed: 1);
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
            Tensor last = _model.Network.forward(tensor(IdsOf(text[..at]), [1, at]))[0, at - 1];
            Assert.AreEqual(IdsOf(text)[at], last.argmax().item<long>());
        }

        static long[] IdsOf(string text) =>
            [.. LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0).Encode(text).Select(id => (long)id)];
    }

    [TestMethod]
    public void GoesOnBeyondTheContext() =>
        Assert.IsGreaterThan(16, _model.Generate("the red fox number 1 jumps", maxTokens: 60, temperature: 0.5).Length);

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
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void CancellationEndsIt()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => _model.Generate("the", cancellationToken: source.Token));
    }

    [TestMethod]
    public void BadArgumentsAreRefused()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.Generate(null!));
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
}
