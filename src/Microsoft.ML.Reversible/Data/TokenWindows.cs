using System.Buffers;
using System.Globalization;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Cuts the tokens of a cache into windows: shuffled ones of the training part, consecutive ones of the held-out part.</summary>
/// <remarks>
/// A window has as many inputs as the context, each with the token that follows it as its target. The held-out part is the last fraction
/// of the tokens; with <see cref="DocumentBoundaries.Respect"/>, of whole documents. Held-out windows do not share targets; with
/// <see cref="DocumentBoundaries.PackOver"/> the tokens after the last whole window are left out.
/// </remarks>
internal sealed class TokenWindows : ITokenSource
{
    private const int FixedStream = 2;
    private readonly TokenCache _cache;
    private readonly int _context;
    private readonly DocumentBoundaries _boundaries;
    private readonly int _seed;

    // The argument is a window's number if windows have fixed positions, else its place in the sequence.
    private readonly Func<long, TokenWindow> _training;
    private readonly Func<long, TokenWindow> _heldOut;
    private readonly long _heldOutWindows;

    /// <summary>Divides the tokens into the two parts.</summary>
    /// <param name="cache">The tokens; the cache must outlive the windows.</param>
    /// <param name="context">Inputs of a window, positive.</param>
    /// <param name="heldOutFraction">The part held out, within [0, 1).</param>
    /// <param name="boundaries">What a window does where a document ends.</param>
    /// <param name="seed">Seeds the order of the training windows.</param>
    /// <param name="fixedPlaces">
    /// Whether training windows lie at the same places in every epoch, as they always do with <see cref="DocumentBoundaries.Respect"/>.
    /// </param>
    /// <exception cref="InvalidOperationException">A part does not hold one window.</exception>
    public TokenWindows(
        TokenCache cache, int context, double heldOutFraction, DocumentBoundaries boundaries = DocumentBoundaries.PackOver, int seed = 0,
        bool fixedPlaces = false)
    {
        (_cache, _context, _boundaries, _seed) = (cache, context, boundaries, seed);
        long heldOutTokens = (long)(cache.TokenCount * heldOutFraction);
        if (boundaries == DocumentBoundaries.PackOver)
        {
            TrainingTokens = cache.TokenCount - heldOutTokens;
            CheckPart("training", TrainingTokens);
            if (heldOutFraction > 0) CheckPart("held-out", HeldOutTokens);
            var shifted = new TokenWindowsPacked(TrainingTokens, context, seed);
            _training = fixedPlaces ? number => new(number * context, context) : place => shifted[place];
            if (fixedPlaces) FixedWindows = (TrainingTokens - 1) / context;
            _heldOut = index => new(TrainingTokens + index * context, context);
            _heldOutWindows = Math.Max(0, (HeldOutTokens - 1) / context);
            return;
        }

        long heldOutRow = heldOutFraction > 0 ? FirstHeldOutRow(heldOutTokens) : cache.RowCount;
        TrainingTokens = cache.RowStart(heldOutRow);
        TokenWindowsOfDocuments documents = Documents("training", 0, heldOutRow);
        _training = number => documents[number];
        FixedWindows = documents.Count;
        _heldOut = _ => throw new InvalidOperationException("Nothing is held out.");
        if (heldOutFraction == 0) return;
        TokenWindowsOfDocuments heldOut = Documents("held-out", heldOutRow, cache.RowCount);
        _heldOut = index => heldOut[index];
        _heldOutWindows = heldOut.Count;
    }

    /// <inheritdoc/>
    public string SourceHash => _cache.SourceHash;

    /// <inheritdoc/>
    public string TokenizerHash => _cache.TokenizerHash;

    /// <inheritdoc/>
    public string Description =>
        string.Create(CultureInfo.InvariantCulture, $"{_cache.TokenCount:N0} tokens, {TrainingTokens:N0} of them to train on");

    /// <summary>Inputs of a window.</summary>
    public int Context => _context;

    /// <summary>Number of tokens in the training part.</summary>
    public long TrainingTokens { get; }

    /// <summary>Number of tokens in the held-out part.</summary>
    public long HeldOutTokens => _cache.TokenCount - TrainingTokens;

    /// <summary>Number of training windows if they have the same positions in every epoch; 0 if they are shifted.</summary>
    public long FixedWindows { get; }

    /// <summary>Number of training windows in an epoch; where they are shifted, an epoch may have one less.</summary>
    public long WindowsPerEpoch => FixedWindows > 0 ? FixedWindows : (TrainingTokens - 1) / _context;

    /// <summary>Describes everything that decides the windows with fixed positions, except their order.</summary>
    public string Identity =>
        $"{_cache.SourceHash}; {_cache.TokenizerHash}; {_cache.VocabularySize}; {_boundaries}; {TrainingTokens}; {_context}";

    /// <inheritdoc/>
    public TokenBatch Training(long firstWindow, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstWindow);
        if (FixedWindows == 0) return Read(_training, firstWindow, rows);
        var numbers = new long[rows];
        for (int row = 0; row < rows; row++)
        {
            (long epoch, long place) = Math.DivRem(firstWindow + row, FixedWindows);
            numbers[row] = new WindowOrder(FixedWindows, _seed, FixedStream, epoch)[place];
        }
        return Read(row => _training(numbers[row]), 0, rows) with { Windows = numbers };
    }

    /// <summary>
    /// Returns the training windows in order, in batches of at most <paramref name="rows"/>; none if they are shifted between epochs.
    /// </summary>
    public IEnumerable<TokenBatch> InOrder(int rows)
    {
        for (long first = 0; first < FixedWindows; first += rows)
        {
            int count = (int)Math.Min(rows, FixedWindows - first);
            yield return Read(_training, first, count) with { Windows = [.. Enumerable.Range(0, count).Select(row => first + row)] };
        }
    }

    /// <inheritdoc/>
    public IEnumerable<TokenBatch> HeldOut(int rows, long most = long.MaxValue)
    {
        long end = Math.Min(most, _heldOutWindows);
        for (long first = 0; first < end; first += rows) yield return Read(_heldOut, first, (int)Math.Min(rows, end - first));
    }

    private TokenBatch Read(Func<long, TokenWindow> windows, long first, int rows)
    {
        var inputs = new long[rows * _context];
        var targets = new long[inputs.Length];
        Array.Fill(targets, TokenBatch.Ignored);
        var tokens = new long[_context + 1];
        for (int row = 0; row < rows; row++)
        {
            TokenWindow window = windows(first + row);
            Span<long> read = tokens.AsSpan(0, window.Targets + 1);
            _cache.Read(window.Start, read);
            read[..^1].CopyTo(inputs.AsSpan(row * _context));
            read[1..].CopyTo(targets.AsSpan(row * _context));
        }
        return new(inputs, targets, rows);
    }

    /// <summary>Finds the last row from whose start at least this many tokens follow; never the first row.</summary>
    private long FirstHeldOutRow(long heldOutTokens)
    {
        if (_cache.RowCount == 1)
            throw new InvalidOperationException(
                "The data has one document, which cannot be both trained on and held out. " +
                "Give more documents, set ValidationFraction to 0, or set DocumentBoundaries to PackOver.");
        (long first, long last) = (1, _cache.RowCount - 1);
        while (first < last)
        {
            long middle = first + (last - first + 1) / 2;
            if (_cache.TokenCount - _cache.RowStart(middle) >= heldOutTokens) first = middle;
            else last = middle - 1;
        }
        return first;
    }

    private TokenWindowsOfDocuments Documents(string part, long firstRow, long endRow)
    {
        var documents = new TokenWindowsOfDocuments(_cache, firstRow, endRow, _context);
        return documents.Count > 0 ? documents : throw new InvalidOperationException(
            $"The {endRow - firstRow} documents of the {part} part have one token each, which leaves nothing to predict. " +
            "Give longer documents, another ValidationFraction, or set DocumentBoundaries to PackOver.");
    }

    private void CheckPart(string part, long length)
    {
        if (length > _context) return;
        throw new InvalidOperationException(
            $"The text gives {_cache.TokenCount} tokens, {length} of them in the {part} part, but a window needs {_context + 1L} " +
            "(ContextLength and one to predict). " +
            "Give more text, a smaller ContextLength or another ValidationFraction.");
    }
}

/// <summary>The position of a window in the tokens.</summary>
/// <param name="Start">Its first input.</param>
/// <param name="Targets">Number of inputs, each with the token after it as its target; at least 1.</param>
internal readonly record struct TokenWindow(long Start, int Targets);

/// <summary>The endless sequence of shuffled training windows that are cut without regard to documents.</summary>
/// <remarks>
/// An epoch is a grid of adjacent windows in shuffled order, so a token is a target at most once, and less than one window is missed at
/// either end. The grids of successive epochs are shifted against each other. A cycle of as many epochs as a window has inputs uses every
/// shift once, in shuffled order, and so has every possible window exactly once.
/// </remarks>
/// <param name="tokens">Number of tokens, more than the context.</param>
/// <param name="context">Inputs of a window.</param>
/// <param name="seed">Seeds the orders.</param>
internal sealed class TokenWindowsPacked(long tokens, int context, int seed)
{
    private const int ShiftStream = 0;
    private const int WindowStream = 1;

    // Every start of a window occurs once in a cycle of epochs. With few tokens, there is no window for the greater shifts.
    private readonly long _cycleLength = tokens - context;
    private readonly int _epochs = (int)Math.Min(context, tokens - context);
    private Cycle? _cycle;

    /// <summary>Returns a window of the sequence.</summary>
    public TokenWindow this[long index]
    {
        get
        {
            (long number, long place) = Math.DivRem(index, _cycleLength);
            Cycle cycle = _cycle is { } known && known.Number == number ? known : _cycle = Enter(number);
            int epoch = Array.BinarySearch(cycle.Ends, place + 1);
            if (epoch < 0) epoch = ~epoch;
            long shift = cycle.Shifts[epoch];
            long count = WindowsAt(shift);
            var order = new WindowOrder(count, seed, WindowStream, number * _epochs + epoch);
            return new(shift + order[place - (cycle.Ends[epoch] - count)] * context, context);
        }
    }

    private long WindowsAt(long shift) => (tokens - 1 - shift) / context;

    private Cycle Enter(long number)
    {
        var order = new WindowOrder(_epochs, seed, ShiftStream, number);
        var cycle = new Cycle(number, order, new long[_epochs]);
        long end = 0;
        for (int epoch = 0; epoch < _epochs; epoch++) cycle.Ends[epoch] = end += WindowsAt(order[epoch]);
        return cycle;
    }

    /// <summary>The shifts of the epochs of one cycle, and the number of windows up to the end of each.</summary>
    private sealed record Cycle(long Number, WindowOrder Shifts, long[] Ends);
}

/// <summary>The windows of consecutive rows of a token cache, each within one row.</summary>
internal sealed class TokenWindowsOfDocuments
{
    // The number of windows before every 256th row is kept in memory; windows of the rows between are counted on demand.
    private const int RowsKept = 256;
    private readonly TokenCache _cache;
    private readonly long _firstRow;
    private readonly long _endRow;
    private readonly int _context;
    private readonly List<long> _windowsBefore = [];

    /// <summary>Counts the windows of the rows from the first row up to, but not including, the end row.</summary>
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

    /// <summary>Returns a window by its number from 0.</summary>
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

    /// <summary>Finds the block of rows that holds a window.</summary>
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
