namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>
/// Searches for the largest and the fastest batch: doubles the batch until it does not fit, then bisects to within an eighth.
/// </summary>
/// <param name="first">The first batch to try, at least 1.</param>
/// <param name="most">The largest batch to try; null if only memory limits it.</param>
internal sealed class BatchSearch(int first, int? most)
{
    /// <summary>The result of a search.</summary>
    /// <param name="Largest">The largest batch that was measured; 0 if none could be.</param>
    /// <param name="Best">The measurement with the most tokens per second; null if there is none.</param>
    /// <param name="Limit">Why there is no larger batch, as in <see cref="BenchRow.Limit"/>.</param>
    public readonly record struct Result(int Largest, BenchRow? Best, string Limit);

    /// <summary>Runs the search.</summary>
    /// <param name="measure">Measures a batch.</param>
    public Result Run(Func<int, BenchRow> measure)
    {
        int good = 0, batch = first;
        int? bad = null;
        BenchRow? best = null;
        string limit = BenchRow.LimitMaxBatch;
        while (bad is null || bad - good > Math.Max(1, good / 8))
        {
            BenchRow row = measure(batch);
            if (row.IsMeasured)
            {
                good = batch;
                if (best is null || row.TokensPerS > best.TokensPerS) best = row;
            }
            else
            {
                bad = batch;
                limit = row.OutOfMemory == true ? BenchRow.LimitMemory : BenchRow.LimitError;
            }
            if (bad is null && good >= most) break;
            batch = bad is { } tooLarge ? (good + tooLarge) / 2 : (int)Math.Min(2L * good, most ?? int.MaxValue);
        }
        return new(good, best, limit);
    }
}
