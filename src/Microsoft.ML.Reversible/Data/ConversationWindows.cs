using System.Globalization;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Cuts conversations into windows: one conversation in each, or several packed together.</summary>
/// <remarks>
/// Conversations are packed once, in the order of the data, each into the first window that has room for it, so conversations share a
/// window in every epoch. An epoch takes each training window once, in an order that depends on the seed and the epoch. A batch's windows
/// are padded to the longest of them; the targets of the padding are ignored.
/// </remarks>
internal sealed class ConversationWindows : ITokenSource
{
    private const int OrderStream = 3;
    private readonly ConversationTokens _conversations;
    private readonly int _heldOutFrom;
    private readonly bool _crosses;
    private readonly int _seed;
    private readonly int[][] _training;
    private readonly int[][] _heldOut;

    /// <summary>Packs the conversations.</summary>
    /// <param name="conversations">The conversations; they must outlive the windows.</param>
    /// <param name="heldOutFrom">The number of the first conversation that is held out; their count if none is.</param>
    /// <param name="context">The most inputs of a window, at least as many as the longest conversation has.</param>
    /// <param name="tokenizerHash">The hash of the tokenizer and of the chat format.</param>
    /// <param name="packing">Whether a window has several conversations.</param>
    /// <param name="crosses">Whether tokens of one conversation of a window see those of another.</param>
    /// <param name="seed">Seeds the order of the training windows.</param>
    public ConversationWindows(
        ConversationTokens conversations, int heldOutFrom, int context, string tokenizerHash, bool packing, bool crosses, int seed)
    {
        (_conversations, _heldOutFrom, _crosses, _seed, TokenizerHash) = (conversations, heldOutFrom, crosses, seed, tokenizerHash);
        SourceHash = $"{conversations.Hash()}-{heldOutFrom.ToString(CultureInfo.InvariantCulture)}";
        _training = Windows(0, heldOutFrom);
        _heldOut = Windows(heldOutFrom, conversations.Count);

        int[][] Windows(int first, int end)
        {
            int[] numbers = [.. Enumerable.Range(first, end - first)];
            return packing
                ? FirstFit.Pack(Array.ConvertAll(numbers, conversations.InputsOf), context, first)
                : Array.ConvertAll(numbers, number => new[] { number });
        }
    }

    /// <inheritdoc/>
    public string SourceHash { get; }

    /// <inheritdoc/>
    public string TokenizerHash { get; }

    /// <inheritdoc/>
    public string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{_conversations.Count:N0} conversations, {_heldOutFrom:N0} of them to train on in {WindowsPerEpoch:N0} windows");

    /// <inheritdoc/>
    public long WindowsPerEpoch => _training.Length;

    /// <inheritdoc/>
    public TokenBatch Training(long firstWindow, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstWindow);
        var windows = new int[rows][];
        for (int row = 0; row < rows; row++)
        {
            (long epoch, long place) = Math.DivRem(firstWindow + row, WindowsPerEpoch);
            windows[row] = _training[new WindowOrder(WindowsPerEpoch, _seed, OrderStream, epoch)[place]];
        }
        return Read(windows);
    }

    /// <inheritdoc/>
    public IEnumerable<TokenBatch> HeldOut(int rows, long most = long.MaxValue)
    {
        for (long first = 0, end = Math.Min(most, _heldOut.Length); first < end; first += rows)
            yield return Read(_heldOut.AsSpan((int)first, (int)Math.Min(rows, end - first)));
    }

    private TokenBatch Read(ReadOnlySpan<int[]> windows)
    {
        int length = 0;
        foreach (int[] window in windows) length = Math.Max(length, window.Sum(_conversations.InputsOf));
        var inputs = new long[windows.Length * length];
        var targets = new long[inputs.Length];
        var documents = new int[inputs.Length];
        Array.Fill(targets, TokenBatch.Ignored);
        bool isPacked = false;
        for (int row = 0; row < windows.Length; row++)
        {
            int at = row * length, end = at + length;
            for (int i = 0; i < windows[row].Length; i++)
            {
                int count = _conversations.InputsOf(windows[row][i]);
                _conversations.Read(windows[row][i], inputs.AsSpan(at, count), targets.AsSpan(at, count));
                documents.AsSpan(at, count).Fill(i);
                at += count;
            }
            // The padding repeats the last token, so that exact hidden states stay in range.
            inputs.AsSpan(at, end - at).Fill(inputs[at - 1]);
            documents.AsSpan(at, end - at).Fill(windows[row].Length);
            isPacked |= windows[row].Length > 1;
        }
        return new(inputs, targets, windows.Length) { Documents = isPacked && !_crosses ? documents : null };
    }
}
