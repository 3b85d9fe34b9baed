using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>A computation of columns for several rows at once.</summary>
/// <param name="Start">Starts reading the computation's inputs from a row or cursor in which the dependencies are active.</param>
/// <param name="Compute">Computes one value for each of several rows.</param>
/// <param name="SizeOf">Returns the approximate size of a value in memory, bytes.</param>
internal sealed record BatchedColumns<TItem, TOut>(
    Func<DataViewRow, Func<TItem>> Start, Func<IReadOnlyList<TItem>, IReadOnlyList<TOut>> Compute, Func<TOut, long> SizeOf)
{
    /// <summary>Starts the same computation for one row at a time.</summary>
    public RowComputation<TOut> StartAlone(DataViewRow row)
    {
        Func<TItem> read = Start(row);
        return (ref TOut output) => output = Compute([read()])[0];
    }
}
