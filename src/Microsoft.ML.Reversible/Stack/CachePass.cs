using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// One evaluation of a stack whose attention is told what its tokens see. With a <see cref="KeyValueCache"/> these are either the first
/// tokens of some rows, or one more of every row.
/// </summary>
internal abstract class CachePass : IDisposable
{
    /// <summary>
    /// The positions of the new tokens, int64, [rows, tokens], or [rows] where each row has one; null where they begin at 0.
    /// </summary>
    public virtual Tensor? Positions => null;

    /// <summary>Keeps the new tokens' keys and values, and attends with their queries to all tokens that are kept.</summary>
    /// <param name="attention">The attention in its stack, counted over all functions.</param>
    /// <param name="query">Of shape [rows, heads, tokens, size].</param>
    /// <param name="key">Of shape [rows, heads of keys, tokens, size].</param>
    /// <param name="value">Of the key's shape.</param>
    /// <returns>
    /// The mixed values, of the query's shape; null where there are no earlier tokens and the attention is the ordinary one.
    /// </returns>
    public abstract Tensor? Attend(int attention, Tensor query, Tensor key, Tensor value);

    public virtual void Dispose()
    {
    }
}

/// <summary>A pass at one attention of the stack.</summary>
internal readonly record struct CacheLayer(CachePass Pass, int Index)
{
    /// <summary>The pass so many attentions further on.</summary>
    public CacheLayer Behind(int attentions) => this with { Index = Index + attentions };

    /// <inheritdoc cref="CachePass.Positions"/>
    public Tensor? Positions => Pass.Positions;

    /// <inheritdoc cref="CachePass.Attend"/>
    public Tensor? Attend(Tensor query, Tensor key, Tensor value) => Pass.Attend(Index, query, key, value);
}
