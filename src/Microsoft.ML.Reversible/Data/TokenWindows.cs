namespace Microsoft.ML.Reversible.Data;

/// <summary>Cuts a stream of tokens into windows: shuffled ones of the training part, consecutive ones of the held-out part.</summary>
/// <remarks>
/// A window has as many inputs as the context, each with the token that follows it as its target. The held-out part is the last fraction
/// of the tokens; with <see cref="DocumentBoundaries.Respect"/>, of whole documents. Held-out windows do not share targets; with
/// <see cref="DocumentBoundaries.PackOver"/> the tokens after the last whole window are left out.
/// </remarks>
internal sealed class TokenWindows
{
    private const int FixedStream = 2;
    private readonly TokenCache _cache;
    private readonly int _context;
    private readonly DocumentBoundaries _boundaries;
    private readonly int _seed;

    // By its number where windows have fixed places, else by its place in the sequence.
    private readonly Func<long, TokenWindow> _training;
    private readonly Func<long, TokenWindow> _heldOut;
    private readonly long _heldOutWindows;

    /// <summary>Divides a stream.</summary>
    /// <param name="cache">The stream; it must outlive the windows.</param>
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

    /// <summary>Inputs of a window.</summary>
    public int Context => _context;

    /// <summary>Number of tokens in the training part.</summary>
    public long TrainingTokens { get; }

    /// <summary>Number of tokens in the held-out part.</summary>
    public long HeldOutTokens => _cache.TokenCount - TrainingTokens;

    /// <summary>Number of training windows that have the same places in every epoch; 0 where they are shifted.</summary>
    public long FixedWindows { get; }

    /// <summary>Tells of all that decides the windows with fixed places, but not of their order.</summary>
    public string Identity =>
        $"{_cache.SourceHash}; {_cache.TokenizerHash}; {_cache.VocabularySize}; {_boundaries}; {TrainingTokens}; {_context}";

    /// <summary>
    /// Consecutive windows of the endless sequence that goes through the training part in one shuffled epoch after the other. They depend
    /// on the seed and their places alone.
    /// </summary>
    /// <param name="firstWindow">The first window's place in the sequence, at least 0.</param>
    /// <param name="rows">How many windows to take, at least 1.</param>
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
    /// The training windows with fixed places by their numbers, in batches of at most <paramref name="rows"/>; none where they are shifted.
    /// </summary>
    public IEnumerable<TokenBatch> InOrder(int rows)
    {
        for (long first = 0; first < FixedWindows; first += rows)
        {
            int count = (int)Math.Min(rows, FixedWindows - first);
            yield return Read(_training, first, count) with { Windows = [.. Enumerable.Range(0, count).Select(row => first + row)] };
        }
    }

    /// <summary>
    /// The held-out part's windows in order, in batches of at most <paramref name="rows"/>; empty where nothing is held out.
    /// </summary>
    /// <param name="rows">The most windows in a batch.</param>
    /// <param name="most">The most windows in all.</param>
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

    /// <summary>The last row from which on there are at least so many tokens; never the first.</summary>
    private long FirstHeldOutRow(long heldOutTokens)
    {
        if (_cache.RowCount == 1)
            throw new InvalidOperationException(
                "The data has one document, which cannot be both trained on and held out. " +
                "Give more documents, a ValidationFraction of 0 or pack over the documents' borders.");
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
            "Give longer documents, another ValidationFraction or pack over the documents' borders.");
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
