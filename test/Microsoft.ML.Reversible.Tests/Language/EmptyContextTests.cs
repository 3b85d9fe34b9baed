using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>An empty context is the tokenizer's bos_token, even one that is never put before a text, as in lm-evaluation-harness.</summary>
[TestClass]
public sealed class EmptyContextTests
{
    private const int Begin = 256;
    private const int End = 257;

    private static readonly LanguageModelTokenizer _tokenizer = new(
        new Vocabulary(TextTokenization.Byte, [.. Vocabulary.OfBytes().Tokens.SkipLast(1), "<s>", "</s>"], [], "</s>") { Prefix = "<s>" });

    [TestMethod]
    public void AContinuationOfNothingFollowsTheBeginning()
    {
        using LanguageModel model = Make();

        ContinuationScore[] scores = [.. new LogLikelihoodScorer(model).Score([new("", "text"), new("a", "text")], null, default)];

        AssertScore(model, [Begin, .. _tokenizer.Encode("text")], 4, scores[0].LogLikelihood);
        AssertScore(model, _tokenizer.Encode("atext"), 4, scores[1].LogLikelihood);
    }

    [TestMethod]
    public void AWholeTextFollowsTheBeginning()
    {
        using LanguageModel model = Make();

        int[] ids = [Begin, .. _tokenizer.Encode("text")];
        AssertScore(model, ids, 4, new LogLikelihoodScorer(model).ScoreRolling(["text"], null, default)[0].LogLikelihood);
        AssertScore(model, ids, 4, new TextScorer(model).Score("text").LogLikelihood);
    }

    [TestMethod]
    public void AnEmptyPromptIsTheBeginning()
    {
        using LanguageModel model = Make();

        CollectionAssert.AreEqual(new[] { Begin }, Prompt.Of(model, "").Ids.ToArray());
        CollectionAssert.AreEqual(_tokenizer.Encode("text"), Prompt.Of(model, "text").Ids.ToArray());
    }

    private static LanguageModel Make() => new(
        TestModels.Make(TestModels.Small with { VocabularySize = End + 1 }, Scheme.Midpoint, BackwardMode.Reversible), _tokenizer);

    private static void AssertScore(LanguageModel model, int[] ids, int scored, double actual)
    {
        double expected = OneAtATime.Score(model.Network, ids, scored).LogLikelihood;
        Assert.AreEqual(expected, actual, 1e-4);
        int[] afterEnd = [End, .. ids[^scored..]];
        Assert.AreNotEqual(OneAtATime.Score(model.Network, afterEnd, scored).LogLikelihood, actual, 1e-4);
    }
}
