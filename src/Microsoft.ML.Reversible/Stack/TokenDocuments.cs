using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>The documents that share the rows of a batch. Tokens attend only within their document, whose positions begin at 0.</summary>
internal sealed class TokenDocuments
{
    private readonly List<TokenDocument>[] _rows;

    private TokenDocuments(List<TokenDocument>[] rows, int tokens) => (_rows, Tokens) = (rows, tokens);

    /// <summary>The number of tokens of a row.</summary>
    public int Tokens { get; }

    /// <summary>The number of rows.</summary>
    public int Rows => _rows.Length;

    /// <summary>Reads the documents of a batch.</summary>
    /// <param name="numbers">
    /// The number of each token's document, row by row. Neighbouring tokens of a row with the same number are one document; padding is one
    /// of its own.
    /// </param>
    /// <param name="tokens">The number of tokens of a row.</param>
    /// <returns>The documents; null if each row is one document, so that ordinary attention applies.</returns>
    /// <exception cref="ArgumentException">The tokens are not whole rows.</exception>
    public static TokenDocuments? Of(ReadOnlySpan<int> numbers, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        if (numbers.Length % tokens != 0)
            throw new ArgumentException($"{numbers.Length} document numbers are not whole rows of {tokens} tokens.", nameof(numbers));
        var rows = new List<TokenDocument>[numbers.Length / tokens];
        for (int row = 0; row < rows.Length; row++) rows[row] = DocumentsOf(numbers.Slice(row * tokens, tokens));
        return rows.All(row => row.Count == 1) ? null : new(rows, tokens);
    }

    /// <summary>Returns each token's position in its document, int64, of shape [rows, tokens], in the current dispose scope.</summary>
    public Tensor Positions(Device device)
    {
        long[] positions = new long[(long)Rows * Tokens];
        for (int row = 0; row < Rows; row++)
        {
            foreach (TokenDocument document in _rows[row])
            {
                for (int t = 0; t < document.Length; t++) positions[row * Tokens + document.Start + t] = t;
            }
        }
        return tensor(positions, [Rows, Tokens], device: device);
    }

    /// <summary>Returns the documents of some rows, arranged for attention; null if each of these rows is one document.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="device">The device of the hidden states.</param>
    public DocumentGroups? Groups(RowRange rows, Device device)
    {
        ArraySegment<List<TokenDocument>> own = new(_rows, (int)rows.First, (int)rows.Count);
        return own.All(row => row.Count == 1) ? null : new(own, Tokens, device);
    }

    private static List<TokenDocument> DocumentsOf(ReadOnlySpan<int> row)
    {
        List<TokenDocument> documents = [];
        for (int start = 0, end = 1; start < row.Length; end++)
        {
            if (end < row.Length && row[end] == row[start]) continue;
            documents.Add(new(start, end - start));
            start = end;
        }
        return documents;
    }
}

/// <summary>A document's tokens within a row.</summary>
/// <param name="Start">The first token.</param>
/// <param name="Length">The number of tokens.</param>
internal readonly record struct TokenDocument(int Start, int Length);

/// <summary>
/// The documents of some rows in groups of nearly one length. Attention then computes a group as a batch of short rows, each padded behind
/// its document, where causal attention never looks. No mask is needed, and no score of two documents is computed.
/// </summary>
/// <remarks>It owns its tensors, outside every dispose scope.</remarks>
internal sealed class DocumentGroups : IDisposable
{
    private readonly List<DocumentGroup> _groups = [];
    private readonly long[] _sizes;
    private readonly Tensor _order;
    private readonly Tensor _places;

    /// <summary>Arranges documents.</summary>
    /// <param name="rows">The documents of each row.</param>
    /// <param name="tokens">The number of tokens of a row.</param>
    /// <param name="device">The device of the hidden states.</param>
    public DocumentGroups(IReadOnlyList<List<TokenDocument>> rows, int tokens, Device device)
    {
        // For each token of the groups, the token of the rows that it is; and for each token of the rows, where it is in the groups.
        var order = new List<long>();
        long[] places = new long[(long)rows.Count * tokens];
        var byLength =
            from row in Enumerable.Range(0, rows.Count)
            from document in rows[row]
            group (First: (long)row * tokens + document.Start, document.Length) by Math.Min(Padded(document.Length), tokens) into same
            orderby same.Key descending
            select same;
        foreach (var group in byLength)
        {
            var firstTokens = new List<long>();
            foreach ((long first, int length) in group)
            {
                for (int t = 0; t < length; t++) places[first + t] = order.Count + t;
                // Padding repeats the last token. The gradients of its repetitions are 0, so their order in a sum does not matter.
                for (int t = 0; t < group.Key; t++) order.Add(first + Math.Min(t, length - 1));
                firstTokens.Add(first);
            }
            _groups.Add(new(_groups.Count, group.Key, [.. group.Select(document => document.Length)], firstTokens));
        }
        _sizes = [.. _groups.Select(group => (long)group.Lengths.Count * group.Tokens)];
        using var scope = NewDisposeScope();
        _order = tensor(order.ToArray(), device: device).DetachFromDisposeScope();
        _places = tensor(places, device: device).DetachFromDisposeScope();
    }

    /// <summary>The groups, the longest documents first.</summary>
    public IReadOnlyList<DocumentGroup> Groups => _groups;

    /// <summary>Computes a function of each group and puts the results in the order of the rows.</summary>
    /// <param name="x">Of shape [rows, tokens, ..].</param>
    /// <param name="function">Maps [documents, padded tokens, ..] to [documents, padded tokens, numbers].</param>
    /// <returns>A tensor of shape [rows, tokens, numbers], in the caller's dispose scope.</returns>
    public Tensor ForEach(Tensor x, Func<Tensor, DocumentGroup, Tensor> function)
    {
        using var scope = NewDisposeScope();
        long[] shape = x.shape;
        List<Tensor> results = [.. Split(x).Zip(_groups).Select(of => function(of.First, of.Second).flatten(0, 1))];
        return cat(results, 0).index_select(0, _places).view(shape[0], shape[1], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the tokens of each group, padded, in the current dispose scope.</summary>
    /// <param name="x">Of shape [rows, tokens, ..].</param>
    /// <returns>For each group, a tensor of shape [documents, padded tokens, ..].</returns>
    public IEnumerable<Tensor> Split(Tensor x)
    {
        long[] numbers = x.shape[2..];
        // One gather for all groups: the gradient of each would be a tensor of the size of x.
        Tensor[] parts = x.flatten(0, 1).index_select(0, _order).split(_sizes, 0);
        return parts.Zip(_groups).Select(of => of.First.view([of.Second.Lengths.Count, of.Second.Tokens, .. numbers]));
    }

    /// <summary>
    /// Rounds a length up to one of four steps between powers of two: few groups, and at most a quarter of padding.
    /// </summary>
    public static int Padded(int length)
    {
        int step = 1;
        while (step * 8 < length) step *= 2;
        return (length + step - 1) / step * step;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _order.Dispose();
        _places.Dispose();
    }
}

/// <summary>Documents that are computed together.</summary>
/// <param name="Index">The group's place among the groups.</param>
/// <param name="Tokens">The number of tokens of each with its padding.</param>
/// <param name="Lengths">The number of tokens of each without it.</param>
/// <param name="FirstTokens">The first token of each: its row times the tokens of a row, plus its place in the row.</param>
internal sealed record DocumentGroup(int Index, int Tokens, IReadOnlyList<int> Lengths, IReadOnlyList<long> FirstTokens);
