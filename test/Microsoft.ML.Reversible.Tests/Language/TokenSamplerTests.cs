using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class TokenSamplerTests
{
    private static readonly float[] Logits = [1f, 3f, 2f, -1f, 3f];

    private static double[] Frequencies(TokenSampler sampler, int draws = 40_000)
    {
        var random = new Random(1);
        var counts = new double[Logits.Length];
        for (int i = 0; i < draws; i++) counts[sampler.Draw(Logits, random)] += 1.0 / draws;
        return counts;
    }

    private static double[] Softmax(double temperature, params int[] kept)
    {
        double total = kept.Sum(i => Math.Exp(Logits[i] / temperature));
        return [.. Enumerable.Range(0, Logits.Length).Select(i => kept.Contains(i) ? Math.Exp(Logits[i] / temperature) / total : 0)];
    }

    private static void AreNear(double[] expected, double[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] == 0) Assert.AreEqual(0, actual[i]);
            Assert.AreEqual(expected[i], actual[i], 0.015, $"token {i}");
        }
    }

    [TestMethod]
    public void ZeroTemperatureTakesTheFirstOfTheLargest() => Assert.AreEqual(1, new TokenSampler(0, 0, 1).Draw(Logits, new Random(1)));

    [TestMethod]
    [DataRow(1.0)]
    [DataRow(0.5)]
    [DataRow(3.0)]
    public void FrequenciesFollowTheSoftmaxAtTheTemperature(double temperature) =>
        AreNear(Softmax(temperature, 0, 1, 2, 3, 4), Frequencies(new TokenSampler(temperature, 0, 1)));

    [TestMethod]
    public void TopKKeepsTheKMostLikely()
    {
        AreNear(Softmax(1, 1), Frequencies(new TokenSampler(1, 1, 1), 100));
        AreNear(Softmax(1, 1, 4, 2), Frequencies(new TokenSampler(1, 3, 1)));
        AreNear(Softmax(1, 0, 1, 2, 3, 4), Frequencies(new TokenSampler(1, 100, 1)));
    }

    [TestMethod]
    public void TopPKeepsTheFewestThatReachIt()
    {
        AreNear(Softmax(1, 1, 4), Frequencies(new TokenSampler(1, 0, 0.5)));
        AreNear(Softmax(1, 1), Frequencies(new TokenSampler(1, 0, 1e-9), 100));
    }

    [TestMethod]
    public void TopPCountsWithinTopK() => AreNear(Softmax(1, 1, 4), Frequencies(new TokenSampler(1, 3, 0.8)));

    [TestMethod]
    [DataRow(1000, 0, 0.9)]
    [DataRow(1000, 0, 0.1)]
    [DataRow(1000, 7, 1.0)]
    [DataRow(1000, 300, 0.7)]
    [DataRow(1000, 999, 1.0)]
    [DataRow(3, 2, 0.99)]
    public void KeepsTheTokensThatAFullSortKeeps(int vocabulary, int topK, double topP)
    {
        var random = new Random(vocabulary + topK);
        for (int round = 0; round < 5; round++)
        {
            // Few distinct values, so that there are ties at the cuts.
            float[] logits = [.. Enumerable.Range(0, vocabulary).Select(_ => random.Next(-20, 20) / 4f)];
            HashSet<int> expected = [.. Kept(logits, topK, topP)], drawn = [];
            var sampler = new TokenSampler(1, topK, topP);
            for (int i = 0; i < 4000; i++) drawn.Add(sampler.Draw(logits, random));
            Assert.IsTrue(drawn.IsSubsetOf(expected));
            int[] likely = [.. expected.Where(id => logits[id] >= logits.Max() - 2)];
            Assert.IsGreaterThan(0.9 * likely.Length, likely.Count(drawn.Contains));
        }
    }

    private static IEnumerable<int> Kept(float[] logits, int topK, double topP)
    {
        int[] order = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id])];
        if (topK > 0) order = order[..Math.Min(topK, order.Length)];
        double total = order.Sum(id => Math.Exp(logits[id])), reached = 0;
        foreach (int id in order)
        {
            yield return id;
            reached += Math.Exp(logits[id]);
            if (reached >= topP * total * (1 - 1e-12)) yield break;
        }
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(1.0)]
    public void LogitsThatAreNoNumbersAreRefused(double temperature)
    {
        var sampler = new TokenSampler(temperature, 0, 1);
        float[] diverged = [float.NaN, float.NaN], nothing = [float.NegativeInfinity, float.NegativeInfinity];
        Assert.ThrowsExactly<InvalidOperationException>(() => sampler.Draw(diverged, new Random(1)));
        Assert.ThrowsExactly<InvalidOperationException>(() => sampler.Draw(nothing, new Random(1)));
    }
}
