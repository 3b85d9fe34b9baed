using Microsoft.ML.Reversible.Schemes;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// One evaluation of a stack in which attention reads other tokens than those of the input alone. With a <see cref="KeyValueCache"/> the
/// new tokens are either the first tokens of some rows, or one more token of every row.
/// </summary>
internal abstract class CachePass : EvaluationContext
{
    private int _attentions;

    /// <summary>
    /// The positions of the new tokens, int64, [rows, tokens], or [rows] where each row has one; null where they begin at 0.
    /// </summary>
    public virtual Tensor? Positions => null;

    /// <summary>
    /// The number of tokens of each row's sequence, which some rotary positions depend on; null where each row ends with its sequence, or
    /// has one more token of it.
    /// </summary>
    public virtual IReadOnlyList<int>? Lengths => null;

    /// <summary>
    /// Stores the new tokens' keys and values, and attends with their queries to all tokens that are stored. A stack evaluates its
    /// functions in the same order in every pass, so the n-th call of a pass belongs to the same attention as that of any other.
    /// </summary>
    /// <param name="query">Queries, of shape [rows, heads, tokens, size].</param>
    /// <param name="key">Keys, of shape [rows, heads of keys, tokens, size].</param>
    /// <param name="value">Values, of the key's shape.</param>
    /// <param name="limits">The attention's limits.</param>
    /// <returns>
    /// The attention's result, of the query's shape; null where there are no earlier tokens and the ordinary attention applies.
    /// </returns>
    public Tensor? Attend(Tensor query, Tensor key, Tensor value, AttentionLimits limits = default) =>
        Attend(_attentions++, query, key, value, limits);

    private protected abstract Tensor? Attend(int attention, Tensor query, Tensor key, Tensor value, AttentionLimits limits);
}

/// <summary>
/// The keys and values of the tokens of some sequences, for every attention of a stack. Every scheme is a recurrence over the layers whose
/// hidden states are local to a token, so nothing else of earlier tokens is ever needed.
/// </summary>
/// <remarks>
/// Rows are independent: each has its own length, and its token t is at position t. Shorter rows are padded behind their tokens, where
/// causal attention never looks; the slots of the padding are masked and later overwritten. Use no_grad, and dispose of a cache after a
/// pass has failed.
/// </remarks>
/// <param name="rows">Number of sequences.</param>
/// <param name="context">The most tokens that a sequence holds.</param>
internal sealed class KeyValueCache(int rows, int context) : IDisposable
{
    private readonly List<(TokenSlots Keys, TokenSlots Values)> _attentions = [];
    private int[] _lengths = new int[rows];

    /// <summary>Begins a pass over the first tokens of some rows; what these rows held is forgotten.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="lengths">Number of tokens of each; shorter rows are padded at the end to the longest.</param>
    public CachePass Fill(int[] rows, int[] lengths)
    {
        for (int i = 0; i < rows.Length; i++) _lengths[rows[i]] = lengths[i];
        return new FillPass(this, rows, lengths);
    }

    /// <summary>Begins a pass over one more token of every row.</summary>
    public CachePass Step(Device device)
    {
        int[] before = _lengths;
        _lengths = [.. before.Select(length => length + 1)];
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

    private (TokenSlots Keys, TokenSlots Values) Slots(int attention)
    {
        if (attention == _attentions.Count) _attentions.Add((new TokenSlots(context), new TokenSlots(context)));
        return _attentions[attention];
    }

    private sealed class FillPass(KeyValueCache cache, int[] rows, int[] lengths) : CachePass
    {
        /// <inheritdoc/>
        public override IReadOnlyList<int> Lengths => lengths;

        private protected override Tensor? Attend(int attention, Tensor query, Tensor key, Tensor value, AttentionLimits limits)
        {
            var (keys, values) = cache.Slots(attention);
            keys.Fill(cache._lengths.Length, rows, key);
            values.Fill(cache._lengths.Length, rows, value);
            return null;
        }
    }

    private sealed class StepPass : CachePass
    {
        private readonly KeyValueCache _cache;
        private readonly int _longest;
        private readonly bool _even;
        private readonly Dictionary<long, Tensor> _masks = [];

        /// <param name="cache">The cache.</param>
        /// <param name="before">Number of tokens that each row holds already.</param>
        /// <param name="device">The device of the new tokens.</param>
        public StepPass(KeyValueCache cache, int[] before, Device device)
        {
            using var scope = NewDisposeScope();
            _cache = cache;
            _longest = before.Length == 0 ? 0 : before.Max();
            _even = before.All(length => length == _longest);
            Positions = tensor(Array.ConvertAll(before, length => (long)length), device: device).DetachFromDisposeScope();
        }

        public override Tensor Positions { get; }

        private protected override Tensor Attend(int attention, Tensor query, Tensor key, Tensor value, AttentionLimits limits)
        {
            using var scope = NewDisposeScope();
            var (keys, values) = _cache.Slots(attention);
            Tensor? positions = _even ? null : Positions;
            keys.Append(_longest, positions, key);
            values.Append(_longest, positions, value);
            // The query heads that share a head of keys and values become its queries, so the cache is not copied for each of them.
            long slots = _longest + 1, rows = query.shape[0], heads = query.shape[1], size = query.shape[3], groups = key.shape[1];
            long seen = Math.Min(limits.Window ?? slots, slots), first = _even ? slots - seen : 0;
            return DotProductAttention.Masked(
                query.reshape(rows, groups, heads / groups, size), keys.Read(first, slots), values.Read(first, slots),
                _even ? null : Mask(seen), limits.Cap)
                .reshape(rows, heads, 1, size).MoveToOuterDisposeScope();
        }

        public override void Dispose()
        {
            Positions.Dispose();
            foreach (Tensor mask in _masks.Values) mask.Dispose();
        }

        /// <summary>Returns which slots the rows' new tokens attend to, of shape [rows, 1, 1, slots]; the pass owns it.</summary>
        /// <param name="window">The most slots, the new token's included.</param>
        private Tensor Mask(long window)
        {
            if (_masks.TryGetValue(window, out Tensor? known)) return known;
            using var scope = NewDisposeScope();
            Tensor back = Positions.view(-1, 1, 1, 1) - arange(_longest + 1, dtype: ScalarType.Int64, device: Positions.device);
            return _masks[window] = back.ge(0).logical_and_(back.lt(window)).DetachFromDisposeScope();
        }
    }

    /// <summary>
    /// One tensor of keys or of values, [rows, heads, slots, size]; token t of a row is in slot t. It grows with the sequences, outside
    /// every dispose scope.
    /// </summary>
    /// <param name="context">The most slots that are ever needed.</param>
    private sealed class TokenSlots(int context) : IDisposable
    {
        private const int Spare = 64;

        private Tensor? _values;

        private long Capacity => _values?.shape[2] ?? 0;

        /// <summary>Stores the first tokens of some rows.</summary>
        /// <param name="rowCount">Number of rows of the cache.</param>
        /// <param name="rows">The rows to fill.</param>
        /// <param name="values">Values, of shape [rows to fill, heads, tokens, size].</param>
        public void Fill(int rowCount, ReadOnlySpan<int> rows, Tensor values)
        {
            using var scope = NewDisposeScope();
            long tokens = values.shape[2];
            Reserve(rowCount, tokens, values);
            for (int i = 0; i < rows.Length; i++) _values!.select(0, rows[i]).narrow(1, 0, tokens).copy_(values.select(0, i));
        }

        /// <summary>Stores one token of every row.</summary>
        /// <param name="longest">Number of tokens that the longest row holds already.</param>
        /// <param name="positions">The number of each row, int64, [rows]; null if all rows have the same length.</param>
        /// <param name="values">Values, of shape [rows, heads, 1, size].</param>
        public void Append(int longest, Tensor? positions, Tensor values)
        {
            using var scope = NewDisposeScope();
            Reserve(values.shape[0], longest + 1, values);
            if (positions is null)
                _values!.narrow(2, longest, 1).copy_(values);
            else
                _values!.scatter_(2, positions.view(-1, 1, 1, 1).expand(values.shape), values);
        }

        /// <summary>Returns a view of the slots of a range, in the caller's dispose scope.</summary>
        public Tensor Read(long first, long end) => _values!.narrow(2, first, end - first);

        /// <summary>Keeps some rows, in this order.</summary>
        public void Keep(Tensor rows)
        {
            if (_values is not null) Replace(_values.index_select(0, rows));
        }

        public void Dispose() => _values?.Dispose();

        private void Reserve(long rows, long slots, Tensor like)
        {
            if (Capacity >= slots) return;
            long capacity = Math.Min(context, Math.Max(slots + Spare, 2 * Capacity));
            // Zeros, not uninitialized memory: a masked slot has weight 0, and 0 times NaN is NaN.
            Tensor grown = zeros([rows, like.shape[1], capacity, like.shape[3]], dtype: like.dtype, device: like.device);
            if (_values is not null) grown.narrow(2, 0, Capacity).copy_(_values);
            Replace(grown);
        }

        private void Replace(Tensor values)
        {
            _values?.Dispose();
            _values = values.DetachFromDisposeScope();
        }
    }
}

/// <summary>
/// One evaluation of whole sequences that stores nothing. Sequences may share a row; a mask then says which tokens see each other. What a
/// scheme draws is the same for all rows.
/// </summary>
/// <param name="lengths">The number of tokens of each row's longest sequence.</param>
/// <param name="positions">
/// The tokens' positions, int64, [rows, tokens], owned by the pass; null where each row is one sequence.
/// </param>
/// <param name="mask">
/// What is added to the attention scores, in the type of the queries, [rows, 1, tokens, tokens]: 0, or -∞ where a token does not see
/// another one. No token sees a later one. Owned by the pass; null where each row is one sequence.
/// </param>
internal sealed class TreePass(IReadOnlyList<int> lengths, Tensor? positions = null, Tensor? mask = null) : CachePass
{
    // Queries that a CPU computes together. Keys after them are left out instead of masked, which saves nearly half of the work.
    private const long CpuQueries = 64;

    private readonly Dictionary<long, Tensor> _masks = [];

    /// <inheritdoc/>
    public override Tensor? Positions => positions;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Lengths => lengths;

    private protected override Tensor? Attend(int attention, Tensor query, Tensor key, Tensor value, AttentionLimits limits)
    {
        if (mask is null) return null;
        using var scope = NewDisposeScope();
        long rows = query.shape[0], heads = query.shape[1], tokens = query.shape[2], size = query.shape[3], groups = key.shape[1];
        // The query heads that share a head of keys and values become its queries, so keys and values are not copied for each of them.
        long group = heads / groups, together = query.device.type == DeviceType.CPU ? CpuQueries : tokens;
        Tensor queries = query.reshape(rows, groups, group, tokens, size).transpose(2, 3).reshape(rows, groups, tokens * group, size);
        Tensor sees = Mask(Math.Min(limits.Window ?? tokens, tokens), group);
        var parts = new List<Tensor>();
        for (long start = 0; start < tokens; start += together)
        {
            long count = Math.Min(together, tokens - start), seen = start + count;
            Tensor mixed = DotProductAttention.Masked(
                queries.narrow(2, start * group, count * group), key.narrow(2, 0, seen), value.narrow(2, 0, seen),
                sees.narrow(2, start * group, count * group).narrow(3, 0, seen), limits.Cap);
            parts.Add(mixed.transpose(1, 2).reshape(rows, count, group, groups, size).transpose(2, 3));
        }
        return cat(parts, 1).reshape(rows, tokens, heads, size).transpose(1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the mask within a window, each row repeated for a group of queries; the pass owns it.</summary>
    /// <param name="window">The most tokens of a sequence that a token sees, itself included.</param>
    /// <param name="group">Number of queries of a token.</param>
    private Tensor Mask(long window, long group)
    {
        if (_masks.TryGetValue(window, out Tensor? known)) return known;
        using var scope = NewDisposeScope();
        Tensor sees = mask!;
        if (window < mask!.shape[2])
            sees = sees.masked_fill((positions!.unsqueeze(2) - positions.unsqueeze(1)).ge(window).unsqueeze(1), double.NegativeInfinity);
        return _masks[window] = sees.repeat_interleave(group, 2).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        positions?.Dispose();
        mask?.Dispose();
        foreach (Tensor sees in _masks.Values) sees.Dispose();
    }
}
