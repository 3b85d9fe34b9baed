using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>A block whose attention and MLP, each with a norm before it, can run separately.</summary>
public interface ITwoPartBlock
{
    /// <summary>p ↦ Attn(LN₁ p), from [batch, context, width] to the same shape.</summary>
    Block Attention { get; }

    /// <summary>q ↦ Mlp(LN₂ q), from [batch, context, width] to the same shape.</summary>
    Block Mlp { get; }
}
