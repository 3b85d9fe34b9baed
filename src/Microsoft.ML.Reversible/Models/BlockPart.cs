using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>One half of a block, with its own norm before it, from [batch, context, width] to the same shape.</summary>
internal abstract class BlockPart(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>The parameters under the names that they have in Hugging Face's files within a layer.</summary>
    public abstract IEnumerable<NamedWeight> Weights();
}
