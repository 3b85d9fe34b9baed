using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Operations that are one pass over memory in libtorch and several through TorchSharp's methods; null where this libtorch cannot run them.
/// </summary>
internal static class FusedOperations
{
    private static readonly ScriptFunction GeluTanhFunction = new(
        "gelu_tanh",
        """
        def gelu_tanh(x):
            return torch.gelu(x, approximate="tanh")
        """);

    /// <summary>The tanh approximation of GELU, of which only x is kept for the gradient.</summary>
    public static Tensor? GeluTanh(Tensor x) => GeluTanhFunction.TryInvoke(x);
}
