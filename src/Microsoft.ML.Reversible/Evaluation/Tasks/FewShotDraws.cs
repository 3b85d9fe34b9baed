namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// The examples drawn for each row. One stream of draws runs over the rows in their order, as in lm-evaluation-harness; those of
/// earlier rows are kept, so that rows may come in any order and from several threads.
/// </summary>
internal sealed class FewShotDraws(int seed, int exampleCount, int count)
{
    /// <summary>Far beyond any benchmark; a row number like this is a mistake, and the draws up to it would fill the memory.</summary>
    private const long MostRows = 10_000_000;

    private readonly PythonRandom _random = new(seed);
    private readonly List<int[]> _drawn = [];

    /// <summary>The examples of a row, in their order.</summary>
    /// <exception cref="InvalidDataException">There are too many rows.</exception>
    public int[] For(long row)
    {
        if (row is < 0 or >= MostRows)
            throw new InvalidDataException($"Row {row} has no examples: they are drawn for {MostRows} rows. Score the data in parts.");
        lock (_drawn)
        {
            while (_drawn.Count <= row) _drawn.Add(_random.Sample(exampleCount, count));
            return _drawn[(int)row];
        }
    }
}
