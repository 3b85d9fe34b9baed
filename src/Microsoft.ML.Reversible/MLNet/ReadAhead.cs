using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// Computes rows in batches, ahead of the row that is asked for. The first batch is small, so that reading only the first rows costs
/// little; each next one is twice as large, up to a limit. A batch begins with the row that is asked for; rows before it are skipped.
/// </summary>
/// <param name="cursor">A cursor before the first row, which is disposed with this object.</param>
/// <param name="columns">The computation.</param>
internal sealed class ReadAhead<TItem, TOut>(DataViewRowCursor cursor, BatchedColumns<TItem, TOut> columns) : IDisposable
{
    private const int FirstRows = 4;
    private const int MostRows = 256;

    private readonly ValueGetter<DataViewRowId> _id = cursor.GetIdGetter();
    private readonly Func<TItem> _read = columns.Start(cursor);
    private readonly List<DataViewRowId> _ids = [];
    private IReadOnlyList<TOut> _values = [];
    private int _next;
    private int _rows = FirstRows;
    private bool _isOnUnread;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Returns a computation that gives the values of the current row of another cursor over the same data.</summary>
    public RowComputation<TOut> Follow(DataViewRow row)
    {
        ValueGetter<DataViewRowId> id = row.GetIdGetter();
        return (ref TOut value) =>
        {
            DataViewRowId wanted = default;
            id(ref wanted);
            value = ValueOf(wanted);
        };
    }

    public void Dispose() => cursor.Dispose();

    private TOut ValueOf(DataViewRowId wanted)
    {
        _failure?.Throw();
        while (_next < _ids.Count)
            if (_ids[_next++].Equals(wanted)) return _values[_next - 1];
        try
        {
            Compute(wanted);
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            throw;
        }
        _next = 1;
        return _values[0];
    }

    /// <summary>Computes a batch of rows that begins with the wanted one.</summary>
    private void Compute(DataViewRowId wanted)
    {
        _ids.Clear();
        do
        {
            if (!Advance())
                throw new InvalidOperationException(
                    "Two cursors over the input do not give the same rows in the same order, so rows cannot be computed together. " +
                    "Cache the input in front of this transformer.");
        }
        while (!Current().Equals(wanted));

        var items = new List<TItem> { _read() };
        _ids.Add(wanted);
        while (items.Count < _rows && Advance())
        {
            try
            {
                items.Add(_read());
            }
            catch (Exception)
            {
                // The failure is thrown when that row is asked for, and not before.
                _isOnUnread = true;
                break;
            }
            _ids.Add(Current());
        }
        _values = columns.Compute(items);
        _rows = Math.Min(2 * _rows, MostRows);
    }

    private bool Advance()
    {
        bool isOnRow = _isOnUnread || cursor.MoveNext();
        _isOnUnread = false;
        return isOnRow;
    }

    private DataViewRowId Current()
    {
        DataViewRowId id = default;
        _id(ref id);
        return id;
    }
}
