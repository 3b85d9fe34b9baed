using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public class TokenWindowsOfDocumentsTests
{
    /// <summary>
    /// An epoch holds each target of each training document once. Its windows are those of cutting each document by itself.
    /// </summary>
    [TestMethod]
    public void AnEpochIsThePlainCutOfEachDocument()
    {
        var random = new Random(11);
        for (int round = 0; round < 60; round++)
        {
            int context = random.Next(1, 12);
            int[][] rows = TokenCaches.RandomRows(random, random.Next(2, 700), random.Next(2, 40));
            if (rows.All(row => row.Length == 1)) continue;
            using TokenCache cache = TokenCaches.Of(rows);
            string[] expected = [.. rows.SelectMany(row => PlainCut(row, context)).Order()];
            var windows = new TokenWindows(cache, context, 0, DocumentBoundaries.Respect, round);

            for (int epoch = 0; epoch < 3; epoch++)
            {
                TokenBatch batch = windows.Training((long)epoch * expected.Length, expected.Length);
                CollectionAssert.AreEqual(expected, Written(batch, context).Order().ToArray());
                Assert.AreEqual(rows.Sum(row => row.Length - 1), batch.TargetCount);
            }
        }
    }

    [TestMethod]
    public void TheLastDocumentsThatReachTheFractionAreHeldOut()
    {
        var random = new Random(12);
        for (int round = 0; round < 60; round++)
        {
            int context = random.Next(1, 12);
            int[][] rows = TokenCaches.RandomRows(random, random.Next(2, 60), 30);
            rows = [.. rows.Select(row => row.Length > 1 ? row : [.. row, .. row])];
            using TokenCache cache = TokenCaches.Of(rows);
            double fraction = random.NextDouble();
            var windows = new TokenWindows(cache, context, fraction, DocumentBoundaries.Respect, round);

            int first = rows.Length - 1;
            while (first > 1 && rows[first..].Sum(row => row.Length) < (long)(cache.TokenCount * fraction)) first--;
            Assert.AreEqual(rows[first..].Sum(row => row.Length), windows.HeldOutTokens);
            Assert.AreEqual(rows[..first].Sum(row => row.Length), windows.TrainingTokens);
            string[] expected = [.. rows[first..].SelectMany(row => PlainCut(row, context))];
            CollectionAssert.AreEqual(expected, windows.HeldOut(4).SelectMany(batch => Written(batch, context)).ToArray());
            string[] trained = [.. rows[..first].SelectMany(row => PlainCut(row, context)).Order()];
            CollectionAssert.AreEqual(trained, Written(windows.Training(0, trained.Length), context).Order().ToArray());
        }
    }

    [TestMethod]
    public void RowsWithoutATargetHaveNoWindow()
    {
        int[][] rows = [.. Enumerable.Range(0, 2000).Select(row => row == 1234 ? new[] { 7, 8 } : [5])];
        using TokenCache cache = TokenCaches.Of(rows);
        TokenBatch batch = new TokenWindows(cache, 3, 0, DocumentBoundaries.Respect).Training(0, 2);

        CollectionAssert.AreEqual(new long[] { 7, 0, 0, 7, 0, 0 }, batch.Inputs);
        CollectionAssert.AreEqual(
            new[] { 8, TokenBatch.Ignored, TokenBatch.Ignored, 8, TokenBatch.Ignored, TokenBatch.Ignored }, batch.Targets);
        Assert.AreEqual(2, batch.TargetCount);
    }

    [TestMethod]
    public void OneDocumentCannotBeDivided()
    {
        using TokenCache cache = TokenCaches.Counting(100);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new TokenWindows(cache, 7, 0.1, DocumentBoundaries.Respect));
        StringAssert.Contains(e.Message, "ValidationFraction");
    }

    [TestMethod]
    [DataRow(0.0, "1 documents of the training")]
    [DataRow(0.3, "held-out")]
    public void DocumentsWithNothingToPredictAreRefused(double heldOut, string message)
    {
        using TokenCache cache = heldOut > 0 ? TokenCaches.Of([1, 2, 3], [4]) : TokenCaches.Of([4]);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new TokenWindows(cache, 7, heldOut, DocumentBoundaries.Respect));
        StringAssert.Contains(e.Message, message);
    }

    private static IEnumerable<string> PlainCut(int[] row, int context)
    {
        for (int start = 0; start < row.Length - 1; start += context)
        {
            int end = Math.Min(start + context, row.Length - 1);
            IEnumerable<int> padding = Enumerable.Repeat(0, context - (end - start));
            yield return string.Join(' ', row[start..end].Concat(padding)) + " > "
                + string.Join(' ', row[(start + 1)..(end + 1)].Concat(padding.Select(_ => -100)));
        }
    }

    private static IEnumerable<string> Written(TokenBatch batch, int context) => Enumerable.Range(0, batch.Rows).Select(row =>
        string.Join(' ', batch.Inputs.Skip(row * context).Take(context)) + " > "
        + string.Join(' ', batch.Targets.Skip(row * context).Take(context)));
}
