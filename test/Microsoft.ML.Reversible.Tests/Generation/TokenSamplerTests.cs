using Microsoft.ML.Reversible.Generation;

namespace Microsoft.ML.Reversible.Tests.Generation;

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
    [DataRow(-1.0, 0, 1.0, "temperature")]
    [DataRow(double.NaN, 0, 1.0, "temperature")]
    [DataRow(1.0, -1, 1.0, "topK")]
    [DataRow(1.0, 0, 0.0, "topP")]
    [DataRow(1.0, 0, 1.1, "topP")]
    public void OptionsOutOfRangeAreNamed(double temperature, int topK, double topP, string name)
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TokenSampler(temperature, topK, topP).Check());
        Assert.AreEqual(name, e.ParamName);
    }
}
