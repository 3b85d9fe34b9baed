using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class PreferencePairsTests
{
    [TestMethod]
    public void APairIsTwoRowsWhoseAnswersAreTheTargets()
    {
        using var pairs = new PreferencePairs(context: 10, "", seed: 1);
        pairs.Add(Tokens([1, 2, 3], [4, 5]), Tokens([1, 2, 3], [6]));
        TokenBatch batch = pairs.Training(0, 1);
        Assert.AreEqual(2, batch.Rows);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4, 1, 2, 3, 3 }, batch.Inputs);
        CollectionAssert.AreEqual(new long[] { -100, -100, 4, 5, -100, -100, 6, -100 }, batch.Targets);
        Assert.AreEqual((9L, 3L, 0, 0), (pairs.TokenCount, pairs.AnswerTokenCount, pairs.Truncated, pairs.Dropped));
    }

    [TestMethod]
    public void ALongPromptLosesItsBeginningInBothRows()
    {
        using var pairs = new PreferencePairs(context: 4, "", seed: 1);
        pairs.Add(Tokens([1, 2, 3, 4], [5, 6]), Tokens([1, 2, 3, 4], [7]));
        TokenBatch batch = pairs.Training(0, 1);
        CollectionAssert.AreEqual(new long[] { 2, 3, 4, 5, 2, 3, 4, 4 }, batch.Inputs);
        CollectionAssert.AreEqual(new long[] { -100, -100, 5, 6, -100, -100, 7, -100 }, batch.Targets);
        Assert.AreEqual(1, pairs.Truncated);
    }

    [TestMethod]
    public void ALongAnswerLosesItsEndAndOneTokenOfThePromptStays()
    {
        using var pairs = new PreferencePairs(context: 3, "", seed: 1);
        pairs.Add(Tokens([1, 2], [5, 6, 7, 8, 9]), Tokens([1, 2], [4]));
        TokenBatch batch = pairs.Training(0, 1);
        CollectionAssert.AreEqual(new long[] { 2, 5, 6, 2, 2, 2 }, batch.Inputs);
        CollectionAssert.AreEqual(new long[] { 5, 6, 7, 4, -100, -100 }, batch.Targets);
        Assert.AreEqual((1, 0), (pairs.Truncated, pairs.Dropped));
        // What differs is beyond the context.
        pairs.Add(Tokens([1, 2], [5, 6, 7, 8]), Tokens([1, 2], [5, 6, 7, 9]));
        Assert.AreEqual((1, 1), (pairs.Truncated, pairs.Dropped));
    }

    [TestMethod]
    public void EqualAnswersAndAnswersWithoutATokenAreLeftOut()
    {
        using var pairs = new PreferencePairs(context: 9, "", seed: 1);
        pairs.Add(Tokens([1, 2], [3]), Tokens([1, 2], [3]));
        pairs.Add(Tokens([1, 2], []), Tokens([1, 2], [3]));
        pairs.Add(Tokens([1, 2], [3]), Tokens([1, 2], []));
        Assert.AreEqual((0, 3), (pairs.Count, pairs.Dropped));
    }

    [TestMethod]
    public void AnEpochTakesEachTrainingPairOnceAndTheLastAreHeldOut()
    {
        using var pairs = new PreferencePairs(context: 9, "", seed: 1);
        for (int i = 0; i < 10; i++) pairs.Add(Tokens([0], [2 * i + 1]), Tokens([0], [2 * i + 2]));
        pairs.HoldOutFrom(7);
        Assert.AreEqual(7, pairs.WindowsPerEpoch);
        long[][] epochs = [.. new[] { 0, 7 }.Select(first => pairs.Training(first, 7).Targets)];
        foreach (long[] epoch in epochs) CollectionAssert.AreEquivalent(Enumerable.Range(1, 14).Select(id => (long)id).ToArray(), epoch);
        CollectionAssert.AreNotEqual(epochs[0], epochs[1]);
        CollectionAssert.AreEqual(
            Enumerable.Range(15, 6).Select(id => (long)id).ToArray(), pairs.HeldOut(2).SelectMany(batch => batch.Targets).ToArray());
        using var other = new PreferencePairs(context: 9, "", seed: 1);
        for (int i = 0; i < 10; i++) other.Add(Tokens([0], [2 * i + 1]), Tokens([0], [2 * i + 2]));
        Assert.AreNotEqual(pairs.SourceHash, other.SourceHash);
        other.HoldOutFrom(7);
        Assert.AreEqual(pairs.SourceHash, other.SourceHash);
    }

    [TestMethod]
    [DataRow("llama2")]
    [DataRow("zephyr")]
    public void OnlyTheLastTurnIsTheAnswer(string format)
    {
        var encoder = new ChatEncoder(Chats.Model.Model.Tokenizer, ChatFormat.Parse(format));
        ChatTurn[] prompt = [new("user", "a"), new("assistant", "bbbb"), new("user", "c")];
        AnswerTokens tokens = AnswerTokens.Of(encoder, prompt, "dd");
        string answer = Decode(tokens, tokens.IsAnswer), rest = Decode(tokens, [.. tokens.IsAnswer.Select(one => !one)]);
        StringAssert.Contains(answer, "dd");
        Assert.IsFalse(answer.Contains('b'));
        StringAssert.Contains(rest, "bbbb");
        Assert.AreEqual(tokens.First + tokens.Count, Array.LastIndexOf(tokens.IsAnswer, true) + 1, "the answer has a hole");
        Assert.AreEqual(tokens.Count - 2, AnswerTokens.Of(encoder, prompt, "").Count, "an empty answer is what ends it");

        static string Decode(AnswerTokens tokens, bool[] which) =>
            Chats.Model.Model.Tokenizer.Decode([.. tokens.Ids.Where((_, i) => which[i])], continuation: true);
    }

    private static AnswerTokens Tokens(int[] prompt, int[] answer) =>
        new([.. prompt, .. answer], [.. prompt.Select(_ => false), .. answer.Select(_ => true)]);
}
