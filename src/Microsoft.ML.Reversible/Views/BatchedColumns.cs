using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Views;

/// <summary>How columns are computed for several rows together.</summary>
/// <param name="Start">Starts reading what a row is computed from, off a row or cursor in which the dependencies are active.</param>
/// <param name="Compute">Computes some rows, one value for each.</param>
internal sealed record BatchedColumns<TItem, TOut>(
    Func<DataViewRow, Func<TItem>> Start, Func<IReadOnlyList<TItem>, IReadOnlyList<TOut>> Compute)
{
    /// <summary>The same for one row at a time.</summary>
    public RowComputation<TOut> StartAlone(DataViewRow row)
    {
        Func<TItem> read = Start(row);
        return (ref TOut output) => output = Compute([read()])[0];
    }
}
