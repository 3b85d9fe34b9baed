using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Views;

/// <summary>
/// Computes rows together, ahead of the row that is asked for: a few at first, so that a look at the first rows costs little, then ever
/// more. Rows that nobody asks for are passed over where they begin a batch.
/// </summary>
/// <param name="cursor">Stands before the rows; disposed of with this.</param>
/// <param name="columns">How the rows are computed.</param>
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
    private bool _standsOnUnread;
    private ExceptionDispatchInfo? _failure;

    /// <summary>The values of the rows on which another cursor over the same data stands.</summary>
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

    /// <summary>Computes some rows, beginning with the one that is wanted.</summary>
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
                // The row says what is wrong with it when it is asked for, and not before.
                _standsOnUnread = true;
                break;
            }
            _ids.Add(Current());
        }
        _values = columns.Compute(items);
        _rows = Math.Min(2 * _rows, MostRows);
    }

    private bool Advance()
    {
        bool stands = _standsOnUnread || cursor.MoveNext();
        _standsOnUnread = false;
        return stands;
    }

    private DataViewRowId Current()
    {
        DataViewRowId id = default;
        _id(ref id);
        return id;
    }
}
