using Microsoft.ML.Reversible.Models;
using TorchSharp;
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
        Activation.GeluTanh => GeluTanh(x),
        Activation.Relu => nn.functional.relu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };

    private static Tensor GeluTanh(Tensor x) => FusedOperations.GeluTanh(x) ?? ComposedGeluTanh(x);

    /// <summary>
    /// x/2 (1 + tanh u) = x σ(2u) with u = √(2/π) (x + 0.044715 x³); TorchSharp before 0.107 has no operation of its own.
    /// </summary>
    internal static Tensor ComposedGeluTanh(Tensor x)
    {
        double twice = 2 * Math.Sqrt(2 / Math.PI);
        return x * (x * (x.square() * (twice * 0.044715) + twice)).sigmoid();
    }
}
