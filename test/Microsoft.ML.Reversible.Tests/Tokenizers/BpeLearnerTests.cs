using System.Text.Json;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class BpeLearnerTests
{
    [TestMethod]
    public void LearnsTheReferenceMergesAndTokens()
    {
        string text = File.ReadAllText(TestData.Require("cs336-fixtures/corpus.en"));
        string[] merges = File.ReadAllLines(TestData.Require("cs336-fixtures/train-bpe-reference-merges.txt"));
        using var tokens = File.OpenRead(TestData.Require("cs336-fixtures/train-bpe-reference-vocab.json"));

        var vocabulary = BpeLearner.Learn([text], 500);

        CollectionAssert.AreEqual(merges, vocabulary.Merges.ToArray());
        CollectionAssert.AreEquivalent(JsonSerializer.Deserialize<Dictionary<string, int>>(tokens)!.Keys, vocabulary.Tokens.ToArray());
    }

    [TestMethod]
    public void TheBytesComeFirstThenTheMergesAndEndOfTextLast()
    {
        var vocabulary = BpeLearner.Learn(["aab aab"], 259);

        CollectionAssert.AreEqual(new[] { "a b", "a ab" }, vocabulary.Merges.ToArray());
        Assert.AreEqual("a", vocabulary.Tokens['a']);
        CollectionAssert.AreEqual(new[] { "ab", "aab", "<|endoftext|>" }, vocabulary.Tokens.Skip(256).ToArray());
    }

    [TestMethod]
    public void AmongEquallyFrequentPairsTheGreatestBytesWin()
    {
        CollectionAssert.AreEqual(new[] { "y z", "a b" }, BpeLearner.Learn(["ab", "yz"], 259).Merges.ToArray());
        CollectionAssert.AreEqual(new[] { "a b", "y z" }, BpeLearner.Learn(["ab", "yz", "ab"], 259).Merges.ToArray());
    }

    [TestMethod]
    [DataRow("aaaa", new[] { "a a", "aa aa" })]
    [DataRow("aaaaa", new[] { "a a", "aa aa", "aaaa a" })]
    [DataRow("ababab", new[] { "a b", "ab ab", "abab ab" })]
    public void RepeatedPairsMergeFromTheLeft(string text, string[] merges) =>
        CollectionAssert.AreEqual(merges, BpeLearner.Learn([text], 257 + merges.Length).Merges.ToArray());

    [TestMethod]
    public void AgreesWithCountingEveryPairAnewOnRandomText()
    {
        var random = new Random(3);
        for (int round = 0; round < 20; round++)
        {
            string[] rows = [.. Enumerable.Range(0, 12).Select(_ => new string(random.GetItems<char>("aabc ", 20)))];
            var vocabulary = BpeLearner.Learn(rows, 275);
            CollectionAssert.AreEqual(SlowBpe.Learn(rows, vocabulary.Merges.Count), vocabulary.Merges.ToArray());
        }
    }

    [TestMethod]
    public void TheRowsAreReadOnce()
    {
        int reads = 0;
        IEnumerable<string> Rows()
        {
            reads++;
            yield return "some text";
        }

        BpeLearner.Learn(Rows(), 260);

        Assert.AreEqual(1, reads);
    }

    [TestMethod]
    public void MoreTokensThanTheTextAllowsAreRefusedWithTheNumberItAllows()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => BpeLearner.Learn(["abc"], 1000));

        StringAssert.Contains(e.Message, "VocabularySize is 1000");
        StringAssert.Contains(e.Message, "allows only 259 tokens");
        Assert.HasCount(259, BpeLearner.Learn(["abc"], 259).Tokens);
    }

    [TestMethod]
    public void ASizeBelowTheBytesAndEndOfTextIsRefused()
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => BpeLearner.Learn(["abc"], 256));

        StringAssert.Contains(e.Message, "VocabularySize must be at least 257");
    }

    [TestMethod]
    [DataRow(new string[0])]
    [DataRow(new[] { "", "" })]
    public void NoTextIsRefused(string[] rows)
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => BpeLearner.Learn(rows, 300));

        StringAssert.Contains(e.Message, "no rows");
    }

    [TestMethod]
    public void LearningIsCancelledBetweenTwoMerges()
    {
        using var source = new CancellationTokenSource();

        Assert.ThrowsExactly<OperationCanceledException>(() => BpeLearner.Learn(Rows(), 260, source.Token));

        IEnumerable<string> Rows()
        {
            yield return "abc abc";
            source.Cancel();
        }
    }
}
