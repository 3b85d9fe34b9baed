using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The function of one pre-LN transformer layer without its outer skip connection:
/// <code>
///     f(p) = Attn(LN₁ p) + Mlp(LN₂(p + Attn(LN₁ p)))          so that p + f(p) is the standard layer
/// </code>
/// from p of shape [batch, context, width] to the same shape.
/// </summary>
public sealed class GptBlock : nn.Module<Tensor, Tensor>, ITwoPartBlock
{
    private readonly AttentionPart _attention;
    private readonly MlpPart _mlp;

    internal GptBlock(GptConfiguration configuration, ScalarType compute, ParameterFactory make) : base(nameof(GptBlock))
    {
        _attention = new AttentionPart(configuration, compute, make);
        _mlp = new MlpPart(configuration, compute, make);
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

    /// <summary>The parameters under Hugging Face's names.</summary>
    internal IEnumerable<GptWeight> Weights() => [.. _attention.Weights(), .. _mlp.Weights()];
}
