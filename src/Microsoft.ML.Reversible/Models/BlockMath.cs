using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The operations that blocks are made of, in the precision in which they compute; parameters stay float32.</summary>
internal readonly struct BlockMath(GptConfiguration configuration, ScalarType compute)
{
    /// <summary>Layer norm over the last dimension.</summary>
    public Tensor Norm(Tensor x, Tensor weight, Tensor bias) =>
        nn.functional.layer_norm(Cast(x), [configuration.Width], Cast(weight), Cast(bias), configuration.LayerNormEpsilon);

    /// <summary>x Wᵀ + b.</summary>
    public Tensor Linear(Tensor x, Tensor weight, Tensor bias) => nn.functional.linear(x, Cast(weight), Cast(bias));

    private Tensor Cast(Tensor x) => x.dtype == compute ? x : x.to(compute);
}
