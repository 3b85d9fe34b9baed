using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// softmax(Q Kᵀ / √d + mask) V, where a token attends to itself and those before it. Queries, keys and values are of shape
/// [batch, heads, tokens, d], in the same type.
/// </summary>
internal static class CausalAttention
{
    /// <summary>
    /// The mixed values, of the same shape; where a pass is to repeat to the bit, by <see cref="OrderedAttention"/>, and where gradients
    /// are differentiated, by <see cref="ComposedAttention"/>.
    /// </summary>
    public static Tensor Of(Tensor query, Tensor key, Tensor value)
    {
        if (ComposedAttention.IsInUse) return ComposedAttention.Of(query, key, value);
        return query.device_type == DeviceType.CUDA && GraphCuts.Current is { } cuts
            ? cuts.Apply(OrderedAttention.Instance, query, key, value)
            : nn.functional.scaled_dot_product_attention(query, key, value, is_casual: true);
    }
}
