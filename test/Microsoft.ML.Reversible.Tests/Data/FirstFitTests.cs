using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public sealed class FirstFitTests
{
    [TestMethod]
    public void ItPacksAsASearchThroughAllBinsDoes()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            int capacity = random.Next(1, 40);
            int[] sizes = [.. Enumerable.Range(0, random.Next(0, 60)).Select(_ => random.Next(1, capacity + 1))];
            int[][] bins = FirstFit.Pack(sizes, capacity, firstItem: 5);
            int[][] expected = Reference(sizes, capacity, firstItem: 5);
            Assert.AreEqual(Text(expected), Text(bins), $"capacity {capacity}, sizes {string.Join(' ', sizes)}");
        }
    }

    [TestMethod]
    public void AnItemLargerThanABinIsRefused() =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FirstFit.Pack([3, 5], 4));

    private static int[][] Reference(int[] sizes, int capacity, int firstItem)
    {
        List<List<int>> bins = [];
        for (int item = 0; item < sizes.Length; item++)
        {
            List<int>? bin = bins.Find(items => items.Sum(other => sizes[other - firstItem]) + sizes[item] <= capacity);
            if (bin is null) bins.Add(bin = []);
            bin.Add(firstItem + item);
        }
        return [.. bins.Select(bin => bin.ToArray())];
    }

    private static string Text(int[][] bins) => string.Join(" | ", bins.Select(bin => string.Join(' ', bin)));
}
