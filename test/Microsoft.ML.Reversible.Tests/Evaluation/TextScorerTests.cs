using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class TextScorerTests
{
    [TestMethod]
    [DataRow(1, 4)]
    [DataRow(4, 4)]
    [DataRow(5, 4)]
    [DataRow(11, 4)]
    [DataRow(12, 4)]
    [DataRow(3, 1)]
    public void EveryTokenIsScoredOnceFromAsMuchContextAsFits(int count, int context)
    {
        var scored = new List<int>();
        foreach (TextScorer.Window window in TextScorer.Windows(count, context))
        {
            Assert.IsLessThanOrEqualTo(context, window.Length);
            Assert.IsGreaterThanOrEqualTo(0, window.Start);
            int end = window.Start + window.Length;
            Assert.AreEqual(Math.Min(context, end), window.Length, "a window reaches back as far as it can");
            scored.AddRange(Enumerable.Range(end - window.Scored, window.Scored));
        }
        CollectionAssert.AreEqual(Enumerable.Range(0, count).ToArray(), scored);
    }

    [TestMethod]
    public void NoTokensNeedNoWindow() => Assert.AreEqual(0, TextScorer.Windows(0, 4).Count());
}
