using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class PythonRandomTests
{
    /// <summary>What <c>r = random.Random(seed)</c> and two <c>r.sample(range(bound), count)</c> give in CPython.</summary>
    [TestMethod]
    [DataRow(1234, 1000, new[] { 989, 796, 451, 119, 7 }, new[] { 92, 932, 965, 961, 826 })]
    [DataRow(1234, 5, new[] { 3, 0, 4, 2, 1 }, new[] { 0, 4, 1, 3, 2 })]
    [DataRow(0, 10, new[] { 6, 9, 0 }, new[] { 4, 8, 7 })]
    [DataRow(-7, 100, new[] { 41, 19, 50, 83, 6, 9, 68, 12 }, new[] { 46, 74, 7, 64, 27, 4, 11, 55 })]
    [DataRow(int.MaxValue, 30, new[] { 10, 29 }, new[] { 26, 3 })]
    [DataRow(1234, 86, new[] { 56, 14, 0, 11, 74, 4 }, new[] { 85, 10, 12, 45, 30, 2 })]
    [DataRow(1234, 85, new[] { 56, 14, 0, 11, 74, 4 }, new[] { 10, 12, 45, 30, 2, 3 })]
    public void Draws_what_Python_draws(int seed, int bound, int[] first, int[] second)
    {
        var random = new PythonRandom(seed);
        CollectionAssert.AreEqual(first, random.Sample(bound, first.Length));
        CollectionAssert.AreEqual(second, random.Sample(bound, second.Length));
    }

    [TestMethod]
    public void Goes_on_as_Python_does_after_its_state_is_used_up()
    {
        var random = new PythonRandom(5);
        int[] last = [];
        for (int i = 0; i < 1000; i++) last = random.Sample(1000, 3);
        CollectionAssert.AreEqual(new[] { 91, 233, 242 }, last);
    }

    [TestMethod]
    public void Rows_get_the_same_draws_in_any_order()
    {
        var forward = new FewShotDraws(1234, 50, 4);
        var backward = new FewShotDraws(1234, 50, 4);
        int[][] rows = [.. Enumerable.Range(0, 20).Select(row => forward.For(row))];
        for (int row = 19; row >= 0; row--) CollectionAssert.AreEqual(rows[row], backward.For(row));
        CollectionAssert.AreNotEqual(rows[0], rows[1]);
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(10_000_000)]
    public void A_row_beyond_any_benchmark_is_refused(long row) =>
        Assert.ThrowsExactly<InvalidDataException>(() => new FewShotDraws(1234, 50, 4).For(row));
}
