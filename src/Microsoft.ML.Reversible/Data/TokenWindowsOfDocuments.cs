using System.Buffers;

namespace Microsoft.ML.Reversible.Data;

/// <summary>The windows of consecutive rows of a token cache, none of which holds tokens of two rows.</summary>
internal sealed class TokenWindowsOfDocuments
{
    // The windows before every so many rows are kept in memory; those of the rows between are counted when they are asked for.
    private const int RowsKept = 256;
    private readonly TokenCache _cache;
    private readonly long _firstRow;
    private readonly long _endRow;
    private readonly int _context;
    private readonly List<long> _windowsBefore = [];

    /// <summary>Counts the windows of the rows from the first up to, but without, the end.</summary>
    public TokenWindowsOfDocuments(TokenCache cache, long firstRow, long endRow, int context)
    {
        (_cache, _firstRow, _endRow, _context) = (cache, firstRow, endRow, context);
        var starts = new long[RowsKept + 1];
        for (long row = firstRow; row < endRow; row += RowsKept)
        {
            _windowsBefore.Add(Count);
            ReadOnlySpan<long> read = ReadStarts(row, starts);
            for (int i = 0; i + 1 < read.Length; i++) Count += WindowsOf(read[i + 1] - read[i]);
        }
    }

    /// <summary>Number of windows.</summary>
    public long Count { get; }

    /// <summary>A window, the first being 0.</summary>
    public TokenWindow this[long index]
    {
        get
        {
            int block = BlockOf(index);
            long left = index - _windowsBefore[block];
            long[] buffer = ArrayPool<long>.Shared.Rent(RowsKept + 1);
            try
            {
                ReadOnlySpan<long> starts = ReadStarts(_firstRow + (long)block * RowsKept, buffer.AsSpan(0, RowsKept + 1));
                int row = 0;
                for (; WindowsOf(starts[row + 1] - starts[row]) is var count && left >= count; row++) left -= count;
                long start = starts[row] + left * _context;
                return new(start, (int)Math.Min(_context, starts[row + 1] - 1 - start));
            }
            finally
            {
                ArrayPool<long>.Shared.Return(buffer);
            }
        }
    }

    /// <summary>The last block of rows before which there are no more windows than that.</summary>
    private int BlockOf(long index)
    {
        (int first, int last) = (0, _windowsBefore.Count - 1);
        while (first < last)
        {
            int middle = first + (last - first + 1) / 2;
            if (_windowsBefore[middle] <= index) first = middle;
            else last = middle - 1;
        }
        return first;
    }

    private ReadOnlySpan<long> ReadStarts(long row, Span<long> buffer)
    {
        Span<long> starts = buffer[..(int)Math.Min(buffer.Length, _endRow + 1 - row)];
        _cache.ReadRowStarts(row, starts);
        return starts;
    }

    private long WindowsOf(long tokens) => (tokens - 1 + _context - 1) / _context;
}
