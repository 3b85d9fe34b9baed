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
/// Which tokens see which, bool, [rows, 1, tokens, tokens], owned by the pass; null where each row is one sequence.
/// </param>
internal sealed class TreePass(Tensor? positions = null, Tensor? mask = null) : CachePass
{
    /// <inheritdoc/>
    public override Tensor? Positions => positions;

    /// <inheritdoc/>
    public override Tensor? Attend(int layer, Tensor query, Tensor key, Tensor value)
    {
        if (mask is null) return null;
        using var scope = NewDisposeScope();
        return nn.functional.scaled_dot_product_attention(
            query, ForEachQuery(key, query), ForEachQuery(value, query), attn_mask: mask).MoveToOuterDisposeScope();
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
