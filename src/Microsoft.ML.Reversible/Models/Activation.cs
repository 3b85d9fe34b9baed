using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The elementwise function between the two layers of a block's MLP.</summary>
public enum Activation
{
    /// <summary>x Φ(x) with the exact normal distribution function; Hugging Face's <c>gelu</c>.</summary>
    Gelu,

    /// <summary>The tanh approximation of GELU that GPT-2 was trained with; Hugging Face's <c>gelu_new</c>.</summary>
    GeluTanh,

    /// <summary>max(x, 0); Hugging Face's <c>relu</c>.</summary>
    Relu,
}

internal static class ActivationExtensions
{
    /// <summary>Applies the activation elementwise.</summary>
    public static Tensor Apply(this Activation activation, Tensor x) => activation switch
    {
        Activation.Gelu => nn.functional.gelu(x),
        Activation.GeluTanh => nn.functional.gelu(x, GELU.Approximate.tanh),
        Activation.Relu => nn.functional.relu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };
}
