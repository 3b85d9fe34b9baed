using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// One evaluation of whole sequences that keeps nothing. Sequences may share a row, where a mask says which tokens see each other. What a
/// scheme draws is one and the same for all rows.
/// </summary>
/// <param name="positions">
/// The tokens' positions, int64, [rows, tokens], owned by the pass; null where each row is one sequence.
/// </param>
/// <param name="mask">
/// What is added to the attention of one token to another, in the type of the queries, [rows, 1, tokens, tokens]: 0, or -∞ where it does
/// not see it. Tokens see none behind them. Owned by the pass; null where each row is one sequence.
/// </param>
internal sealed class TreePass(Tensor? positions = null, Tensor? mask = null) : CachePass
{
    // Queries that a CPU takes together: what stands behind them isn't computed to be masked, which saves nearly half of the work.
    private const long ProcessorQueries = 64;

    private Tensor? _rows;

    /// <inheritdoc/>
    public override Tensor? Positions => positions;

    /// <inheritdoc/>
    public override Tensor? Attend(int layer, Tensor query, Tensor key, Tensor value)
    {
        if (mask is null) return null;
        using var scope = NewDisposeScope();
        long rows = query.shape[0], heads = query.shape[1], tokens = query.shape[2], size = query.shape[3], groups = key.shape[1];
        // The query heads that share a head of keys and values stand side by side as its queries, so that those aren't repeated.
        long group = heads / groups, together = query.device.type == DeviceType.CPU ? ProcessorQueries : tokens;
        Tensor queries = query.reshape(rows, groups, group, tokens, size).transpose(2, 3).reshape(rows, groups, tokens * group, size);
        _rows ??= mask.repeat_interleave(group, 2).DetachFromDisposeScope();
        var parts = new List<Tensor>();
        for (long start = 0; start < tokens; start += together)
        {
            long count = Math.Min(together, tokens - start), seen = start + count;
            Tensor mixed = nn.functional.scaled_dot_product_attention(
                queries.narrow(2, start * group, count * group), key.narrow(2, 0, seen), value.narrow(2, 0, seen),
                attn_mask: _rows.narrow(2, start * group, count * group).narrow(3, 0, seen));
            parts.Add(mixed.transpose(1, 2).reshape(rows, count, group, groups, size).transpose(2, 3));
        }
        return cat(parts, 1).reshape(rows, tokens, heads, size).transpose(1, 2).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        positions?.Dispose();
        mask?.Dispose();
        _rows?.Dispose();
    }
}
