using System.Numerics;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Packs items into bins of one size: each into the first bin that has room for it.</summary>
internal static class FirstFit
{
    /// <summary>Returns the items of each bin in their order; bins are in the order of their first items.</summary>
    /// <param name="sizes">The items' sizes, at most <paramref name="capacity"/>.</param>
    /// <param name="capacity">The size of a bin.</param>
    /// <param name="firstItem">The number of the first item; the others' numbers follow.</param>
    /// <remarks>
    /// A tree holds the greatest free space of the bins below each node, also of bins that are still empty, so an item's bin is found in
    /// as many steps as the tree has levels.
    /// </remarks>
    public static int[][] Pack(IReadOnlyList<int> sizes, int capacity, int firstItem = 0)
    {
        if (sizes.Count == 0) return [];
        int leaves = (int)BitOperations.RoundUpToPowerOf2((uint)sizes.Count);
        var free = new int[2 * leaves];
        Array.Fill(free, capacity);
        List<List<int>> bins = [];
        for (int item = 0; item < sizes.Count; item++)
        {
            int size = sizes[item];
            ArgumentOutOfRangeException.ThrowIfGreaterThan(size, capacity, nameof(sizes));
            int node = 1;
            while (node < leaves) node = free[2 * node] >= size ? 2 * node : 2 * node + 1;
            int bin = node - leaves;
            if (bin == bins.Count) bins.Add([]);
            bins[bin].Add(firstItem + item);
            free[node] -= size;
            while ((node /= 2) > 0) free[node] = Math.Max(free[2 * node], free[2 * node + 1]);
        }
        return [.. bins.Select(bin => bin.ToArray())];
    }
}
