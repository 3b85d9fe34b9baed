using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The function of one transformer layer with norms before its halves, without its outer skip connection:
/// <code>
///     f(p) = Attn(Norm₁ p) + Mlp(Norm₂(p + Attn(Norm₁ p)))          so that p + f(p) is the standard layer
/// </code>
/// from p of shape [batch, context, width] to the same shape.
/// </summary>
public sealed class TransformerBlock : nn.Module<Tensor, Tensor>, ITwoPartBlock, ICachedFunction
{
    private readonly BlockPart _attention;
    private readonly BlockPart _mlp;

    internal TransformerBlock(BlockPart attention, BlockPart mlp) : base(nameof(TransformerBlock))
    {
        _attention = attention;
        _mlp = mlp;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Attention => _attention;

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Mlp => _mlp;

    /// <summary>f(p).</summary>
    /// <param name="input">p, of shape [batch, context, width].</param>
    /// <returns>f(p), of the same shape, in the precision in which the blocks compute.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor attention = _attention.call(input);
        return (attention + _mlp.call(input + attention)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    Tensor ICachedFunction.Forward(Tensor input, CacheLayer? at)
    {
        using var scope = NewDisposeScope();
        Tensor attention = _attention is ICachedFunction function ? function.Forward(input, at) : _attention.call(input);
        return (attention + _mlp.call(input + attention)).MoveToOuterDisposeScope();
    }

    /// <summary>The parameters under the names that they have in Hugging Face's files within a layer.</summary>
    internal IEnumerable<NamedWeight> Weights() => [.. _attention.Weights(), .. _mlp.Weights()];
}
