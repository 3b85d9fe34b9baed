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

    /// <summary>x Wᵀ + b over the last dimension.</summary>
    /// <remarks>TorchSharp's <c>linear</c> adds the bias of an input of more than two dimensions in a pass of its own.</remarks>
    public Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null)
    {
        if (bias is null) return nn.functional.linear(x, Cast(weight));
        using var scope = NewDisposeScope();
        long[] shape = x.shape;
        Tensor result = addmm(Cast(bias), x.reshape(-1, shape[^1]), Cast(weight).t(), 1, 1);
        shape[^1] = weight.shape[0];
        return result.view(shape).MoveToOuterDisposeScope();
    }

    private Tensor Cast(Tensor x) => x.dtype == compute ? x : x.to(compute);
}
