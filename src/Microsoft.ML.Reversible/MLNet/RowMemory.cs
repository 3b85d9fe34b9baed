namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// Remembers the computed values of a view's rows, so that a trainer that reads the view several times computes them once. Rows are
/// remembered until their values take a given number of bytes; the others are computed again by each cursor. Safe to use from several
/// threads.
/// </summary>
/// <param name="sizeOf">Returns the approximate size of a value in memory, bytes.</param>
/// <param name="onRecomputation">Called once, when a second cursor computes rows that no longer fit.</param>
/// <param name="onOtherOrder">Called once, when two cursors of the input give different rows.</param>
/// <param name="mostBytes">The maximum size of the values and their keys, bytes.</param>
internal sealed class RowMemory<TOut>(Func<TOut, long> sizeOf, Action onRecomputation, Action onOtherOrder, long mostBytes)
{
    public const long DefaultBytes = 256 << 20;

    /// <summary>The size of a dictionary entry without its value: the key, the hash, the link and the share of the buckets.</summary>
    private const int BytesOfEntry = 40;

    private readonly Dictionary<RowKey, TOut> _values = [];
    private long _bytes;
    private object? _firstBeyond;
    private bool _toldOfRecomputation;
    private volatile bool _hasOtherOrder;

    /// <summary>Whether two cursors of the input gave different rows or another order.</summary>
    public bool HasOtherOrder => _hasOtherOrder;

    /// <summary>Returns whether the row's value is remembered.</summary>
    public bool TryGet(in RowKey key, out TOut? value)
    {
        lock (_values) return _values.TryGetValue(key, out value);
    }

    /// <summary>Remembers the value of a row if there is room.</summary>
    /// <param name="key">The row.</param>
    /// <param name="value">Its value.</param>
    /// <param name="cursor">An object that stands for the cursor that computed it.</param>
    public void Add(in RowKey key, TOut value, object cursor)
    {
        lock (_values)
        {
            long size = BytesOfEntry + sizeOf(value);
            if (_bytes + size <= mostBytes)
            {
                if (_values.TryAdd(key, value)) _bytes += size;
                return;
            }
            _firstBeyond ??= cursor;
            if (_toldOfRecomputation || ReferenceEquals(_firstBeyond, cursor)) return;
            _toldOfRecomputation = true;
        }
        onRecomputation();
    }

    /// <summary>Records that two cursors of the input gave different rows or another order.</summary>
    public void FindOtherOrder()
    {
        lock (_values)
        {
            if (_hasOtherOrder) return;
            _hasOtherOrder = true;
        }
        onOtherOrder();
    }
}
