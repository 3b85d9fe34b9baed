namespace Microsoft.ML.Reversible.Text;

/// <summary>Cuts a stream of tokens into windows: random ones of the training part, consecutive ones of the held-out part.</summary>
/// <remarks>
/// The held-out part is the last fraction of the stream. A window takes context + 1 tokens: context inputs, each with the token that
/// follows it as its target. Held-out windows do not share targets; tokens after the last whole window are left out.
/// </remarks>
internal sealed class TokenWindows
{
    private readonly int[] _tokens;
    private readonly int _context;
    private readonly int _trainingLength;

    /// <summary>Divides a stream.</summary>
    /// <param name="tokens">The stream.</param>
    /// <param name="context">Tokens that a window's inputs hold, positive.</param>
    /// <param name="heldOutFraction">The part held out, within [0, 1).</param>
    /// <exception cref="InvalidOperationException">A part does not hold one window.</exception>
    public TokenWindows(int[] tokens, int context, double heldOutFraction)
    {
        _tokens = tokens;
        _context = context;
        _trainingLength = tokens.Length - (int)(tokens.Length * heldOutFraction);
        CheckPart("training", _trainingLength);
        if (heldOutFraction > 0) CheckPart("held-out", tokens.Length - _trainingLength);
    }

    /// <summary>Number of tokens in the training part.</summary>
    public int TrainingTokens => _trainingLength;

    /// <summary>Windows that start anywhere in the training part with equal odds.</summary>
    public TokenBatch Sample(Random random, int rows)
    {
        var starts = new int[rows];
        for (int i = 0; i < rows; i++) starts[i] = random.Next(_trainingLength - _context);
        return Cut(starts);
    }

    /// <summary>
    /// The held-out part's windows in order, in batches of at most <paramref name="rows"/>; empty where nothing is held out.
    /// </summary>
    public IEnumerable<TokenBatch> HeldOut(int rows)
    {
        int windows = Math.Max(0, (_tokens.Length - _trainingLength - 1) / _context);
        for (int first = 0; first < windows; first += rows)
        {
            var batch = Enumerable.Range(first, Math.Min(rows, windows - first));
            yield return Cut([.. batch.Select(w => _trainingLength + w * _context)]);
        }
    }

    private TokenBatch Cut(int[] starts)
    {
        var inputs = new long[starts.Length * _context];
        var targets = new long[inputs.Length];
        for (int row = 0, at = 0; row < starts.Length; row++)
        {
            for (int i = 0; i < _context; i++, at++)
            {
                inputs[at] = _tokens[starts[row] + i];
                targets[at] = _tokens[starts[row] + i + 1];
            }
        }
        return new(inputs, targets, starts.Length);
    }

    private void CheckPart(string part, int length)
    {
        if (length > _context) return;
        throw new InvalidOperationException(
            $"The text gives {_tokens.Length} tokens, {length} of them in the {part} part, but a window needs {_context + 1L} " +
            "(ContextLength and one to predict). " +
            "Give more text, a smaller ContextLength or another ValidationFraction.");
    }
}
