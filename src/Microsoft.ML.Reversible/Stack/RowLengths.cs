namespace Microsoft.ML.Reversible;

/// <summary>How many tokens each row of a cache holds.</summary>
internal readonly struct RowLengths(int[] lengths)
{
    /// <summary>Number of rows.</summary>
    public int Count => lengths.Length;

    /// <summary>The longest row's tokens.</summary>
    public int Longest { get; } = lengths.Length == 0 ? 0 : lengths.Max();

    /// <summary>Whether all rows hold the same number of tokens.</summary>
    public bool AreEqual { get; } = lengths.AsSpan().IndexOfAnyExcept(lengths.Length == 0 ? 0 : lengths[0]) < 0;

    /// <summary>The number of each row.</summary>
    public long[] ToLongs() => Array.ConvertAll(lengths, length => (long)length);
}
