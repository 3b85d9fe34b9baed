using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// Computes rows in batches, ahead of the row that is asked for. The first batch is small, so that reading only the first rows costs
/// little; each next one is twice as large, up to a limit. A batch begins with the row that is asked for; rows before it are skipped.
/// </summary>
/// <param name="cursor">A cursor before the first row, in which the dependencies are active.</param>
/// <param name="dependencies">The names of the columns that the computation reads.</param>
/// <param name="columns">The computation.</param>
/// <param name="memory">
/// The rows that other cursors have computed. Once it knows that cursors of the input differ, each row is computed alone.
/// </param>
internal sealed class ReadAhead<TItem, TOut>(
    DataViewRowCursor cursor, IReadOnlyList<string> dependencies, BatchedColumns<TItem, TOut> columns, RowMemory<TOut> memory)
{
    private const int FirstRows = 4;
    private const int MostRows = 1024;

    private readonly Func<RowKey> _key = RowKey.Start(cursor, dependencies);
    private readonly Func<TItem> _read = columns.Start(cursor);
    private readonly List<RowKey> _keys = [];
    private IReadOnlyList<TOut> _values = [];
    private int _next;
    private int _rows = FirstRows;
    private bool _isOnUnread;
    private long _rowsRead;
    private bool _lacksRow;
    private (RowKey Row, ExceptionDispatchInfo Error)? _failure;

    /// <summary>Returns a computation that gives the values of the current row of another cursor over the same data.</summary>
    public RowComputation<TOut> Follow(DataViewRow row)
    {
        Func<RowKey> key = RowKey.Start(row, dependencies);
        Func<TItem> read = columns.Start(row);
        return (ref TOut value) => value = ValueOf(key(), read);
    }

    /// <summary>
    /// Throws if the other cursor has ended early: the input can be read only once, and this object's cursor has taken its rows.
    /// </summary>
    /// <param name="rows">The number of rows of the other cursor.</param>
    /// <exception cref="InvalidOperationException">It has.</exception>
    public void CheckEnd(long rows)
    {
        if (_lacksRow && rows < _rowsRead)
            throw new InvalidOperationException(
                $"A cursor over the input has ended after {rows} rows, but a second one has {_rowsRead}: the input can be read only " +
                "once, or changes. Put AppendCacheCheckpoint(mlContext) in front of the model, or mlContext.Data.Cache around the data.");
    }

    private TOut ValueOf(RowKey wanted, Func<TItem> read)
    {
        if (_failure is { } last && last.Row == wanted) last.Error.Throw();
        if (memory.TryGet(wanted, out TOut? known)) return known!;
        while (_next < _keys.Count)
            if (_keys[_next++] == wanted) return _values[_next - 1];
        try
        {
            if (!memory.HasOtherOrder && Find(wanted))
            {
                ComputeBatch(wanted);
                return _values[0];
            }
        }
        catch (Exception e)
        {
            // The rows after it may be sound.
            _failure = (wanted, ExceptionDispatchInfo.Capture(e));
            _keys.Clear();
            throw;
        }
        memory.FindOtherOrder();
        TOut alone = columns.Compute([read()])[0];
        memory.Add(wanted, alone, this);
        return alone;
    }

    /// <summary>Moves the cursor to the row; returns whether there is such a row.</summary>
    private bool Find(RowKey wanted)
    {
        while (Advance())
            if (_key() == wanted) return true;
        _lacksRow = true;
        return false;
    }

    /// <summary>Computes a batch of rows that begins with the one that the cursor is on.</summary>
    private void ComputeBatch(RowKey first)
    {
        _keys.Clear();
        _keys.Add(first);
        var items = new List<TItem> { _read() };
        while (items.Count < _rows && Advance())
        {
            RowKey key = _key();
            if (memory.TryGet(key, out _)) continue;
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
            _keys.Add(key);
        }
        _values = columns.Compute(items);
        for (int i = 0; i < _keys.Count; i++) memory.Add(_keys[i], _values[i], this);
        _next = 1;
        _rows = Math.Min(2 * _rows, MostRows);
    }

    private bool Advance()
    {
        if (_isOnUnread)
        {
            _isOnUnread = false;
            return true;
        }
        if (!cursor.MoveNext()) return false;
        _rowsRead++;
        return true;
    }
}
