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

    /// <inheritdoc/>
    public override Tensor? Positions => positions;

    /// <inheritdoc/>
    public override Tensor? Attend(int layer, Tensor query, Tensor key, Tensor value)
    {
        if (mask is null) return null;
        using var scope = NewDisposeScope();
        Tensor keys = ForEachQuery(key, query), values = ForEachQuery(value, query);
        long tokens = query.shape[2], together = query.device.type == DeviceType.CPU ? ProcessorQueries : tokens;
        var parts = new List<Tensor>();
        for (long start = 0; start < tokens; start += together)
        {
            long count = Math.Min(together, tokens - start), seen = start + count;
            parts.Add(nn.functional.scaled_dot_product_attention(
                query.narrow(2, start, count), keys.narrow(2, 0, seen), values.narrow(2, 0, seen),
                attn_mask: mask.narrow(2, start, count).narrow(3, 0, seen)));
        }
        return cat(parts, 2).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        positions?.Dispose();
        mask?.Dispose();
    }

    /// <summary>Repeats each head of keys or values for the query heads that share it.</summary>
    private static Tensor ForEachQuery(Tensor x, Tensor query)
    {
        long heads = x.shape[1], group = query.shape[1] / heads;
        if (group == 1) return x;
        long rows = x.shape[0], tokens = x.shape[2], size = x.shape[3];
        return x.unsqueeze(2).expand(rows, heads, group, tokens, size).reshape(rows, heads * group, tokens, size);
    }
}
