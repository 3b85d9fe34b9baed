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

    private static readonly ScriptFunction EmbeddingFunction = new(
        "embedding",
        """
        def embedding(weight, ids):
            return torch.embedding(weight, ids)
        """);

    /// <summary>
    /// The rows of a matrix at the ids, of the ids' shape and the rows' length. On CUDA its gradient adds up the rows of an id in one
    /// order for up to 3,072 ids, and for more of a large vocabulary, where that of <c>index_select</c> always takes them as they come.
    /// </summary>
    public static Tensor? Embedding(Tensor weight, Tensor ids) => EmbeddingFunction.TryInvoke(weight, ids);

    /// <summary>The tanh approximation of GELU, of which only x is kept for the gradient.</summary>
    public static Tensor? GeluTanh(Tensor x) => GeluTanhFunction.TryInvoke(x);
}
