using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The operations that blocks are made of, in the precision in which they compute; parameters stay float32.</summary>
internal readonly struct BlockMath(LanguageModelConfiguration configuration, ScalarType compute)
{
    /// <summary>Layer norm over the last dimension.</summary>
    public Tensor LayerNorm(Tensor x, Tensor weight, Tensor bias) =>
        nn.functional.layer_norm(Cast(x), [configuration.Width], Cast(weight), Cast(bias), configuration.NormEpsilon);

    /// <summary>w x / √(mean x² + ε) over the last dimension.</summary>
    public Tensor RmsNorm(Tensor x, Tensor weight)
    {
        using var scope = NewDisposeScope();
        // The mean square of a bfloat16 stream would keep three digits.
        Tensor wide = x.dtype == ScalarType.Float64 ? x : x.to(ScalarType.Float32);
        Tensor scale = wide.square().mean([-1], keepdim: true).add(configuration.NormEpsilon).rsqrt();
        return (Cast(wide * scale) * Cast(weight)).MoveToOuterDisposeScope();
    }

    /// <summary>x Wᵀ + b.</summary>
    public Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null) =>
        bias is null ? nn.functional.linear(x, Cast(weight)) : nn.functional.linear(x, Cast(weight), Cast(bias));

    private Tensor Cast(Tensor x) => x.dtype == compute ? x : x.to(compute);
}
