using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The keys and values of the tokens that some sequences hold so far, for every attention of a stack. Every scheme is a
/// recurrence over the layers whose streams are local to a token, so that nothing else of earlier tokens is ever needed.
/// </summary>
/// <remarks>
/// Rows are independent: each has its own length, and its token t is at position t. Rows of different lengths are filled with padding
/// behind their tokens, where causal attention never looks; the slots that it leaves are masked and then overwritten. Use no_grad, and
/// throw a cache away whose pass has failed.
/// </remarks>
internal sealed class KeyValueCache : IDisposable
{
    private readonly (TokenSlots Keys, TokenSlots Values)[] _attentions;
    private int[] _lengths;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="stack">The stack whose functions will use it.</param>
    /// <param name="rows">Number of sequences.</param>
    /// <param name="context">The most tokens that a sequence holds.</param>
    public KeyValueCache(LayerStack stack, int rows, int context)
    {
        _attentions = [.. Enumerable.Range(0, stack.Blocks.Sum(f => f.AttentionCount()))
            .Select(_ => (new TokenSlots(context), new TokenSlots(context)))];
        _lengths = new int[rows];
    }

    /// <summary>Begins a pass over the first tokens of some rows; what these rows held is forgotten.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="lengths">Number of tokens of each; shorter rows are padded behind to the longest.</param>
    public CachePass Fill(int[] rows, int[] lengths)
    {
        for (int i = 0; i < rows.Length; i++) _lengths[rows[i]] = lengths[i];
        return new FillPass(this, rows);
    }

    /// <summary>Begins a pass over one more token of every row.</summary>
    public CachePass Step(Device device)
    {
        var before = new RowLengths(_lengths);
        _lengths = [.. _lengths.Select(length => length + 1)];
        return new StepPass(this, before, device);
    }

    /// <summary>Forgets all tokens of a row.</summary>
    public void Clear(int row) => _lengths[row] = 0;

    /// <summary>Keeps some rows, in this order.</summary>
    public void Keep(int[] rows, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor index = tensor(Array.ConvertAll(rows, row => (long)row), device: device);
        foreach (var (keys, values) in _attentions)
        {
            keys.Keep(index);
            values.Keep(index);
        }
        _lengths = [.. rows.Select(row => _lengths[row])];
    }

    public void Dispose()
    {
        foreach (var (keys, values) in _attentions)
        {
            keys.Dispose();
            values.Dispose();
        }
    }

    private sealed class FillPass(KeyValueCache cache, int[] rows) : CachePass
    {
        public override Tensor? Attend(int attention, Tensor query, Tensor key, Tensor value)
        {
            cache._attentions[attention].Keys.Fill(cache._lengths.Length, rows, key);
            cache._attentions[attention].Values.Fill(cache._lengths.Length, rows, value);
            return null;
        }
    }

    private sealed class StepPass : CachePass
    {
        private readonly KeyValueCache _cache;
        private readonly RowLengths _before;
        private readonly Tensor? _mask;

        public StepPass(KeyValueCache cache, RowLengths before, Device device)
        {
            using var scope = NewDisposeScope();
            _cache = cache;
            _before = before;
            Positions = tensor(before.ToLongs(), device: device).DetachFromDisposeScope();
            if (!before.AreEqual)
                _mask = arange(before.Longest + 1, dtype: ScalarType.Int64, device: device)
                    .le(Positions.view(-1, 1, 1, 1)).DetachFromDisposeScope();
        }

        public override Tensor Positions { get; }

        public override Tensor Attend(int attention, Tensor query, Tensor key, Tensor value)
        {
            using var scope = NewDisposeScope();
            var (keys, values) = _cache._attentions[attention];
            keys.Append(_before, Positions, key);
            values.Append(_before, Positions, value);
            // The query heads that share a head of keys and values stand in the place of its queries, so that the cache isn't repeated.
            long slots = _before.Longest + 1, rows = query.shape[0], heads = query.shape[1], size = query.shape[3], groups = key.shape[1];
            return nn.functional.scaled_dot_product_attention(
                query.reshape(rows, groups, heads / groups, size), keys.Read(slots), values.Read(slots), attn_mask: _mask)
                .reshape(rows, heads, 1, size).MoveToOuterDisposeScope();
        }

        public override void Dispose()
        {
            Positions.Dispose();
            _mask?.Dispose();
        }
    }
}
