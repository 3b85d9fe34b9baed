using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The Hamiltonian scheme: attention and MLP act on two hidden states in turn.</summary>
    public static Scheme Hamiltonian { get; } = new Hamiltonian();
}

/// <summary>
/// The Hamiltonian scheme, equations 2.8 and 2.9 of arXiv 2512.02056, with two hidden states q and p, both starting from the embedding:
/// <code>
///     q⁺ = q + Attn(LN₁ p)       p⁺ = p + Mlp(LN₂ q⁺)          p = p⁺ - Mlp(LN₂ q⁺)       q = q⁺ - Attn(LN₁ p)
/// </code>
/// Written as one sequence x₀ = q, x₁ = p, x₂ = q⁺, x₃ = p⁺, ... it is the two-step recurrence
/// <code>
///     x⁺ = x⁻ + F(x)
/// </code>
/// whose functions F are alternately the attention and MLP halves of the blocks. It runs in this form, and p is the output.
/// For scalars, with halves Attn = A p and Mlp = M q, it is bounded in both directions if -4 &lt; AM &lt; 0, or if A and M are both 0. If
/// only one of them is 0, or if AM = -4, the root is double and errors grow linearly. It is exact on a grid and stores no remainders.
/// </summary>
public sealed record Hamiltonian : Scheme
{
    /// <inheritdoc/>
    public override string Name => "hamiltonian";

    internal override int FunctionsPerBlock => 2;

    internal override IReadOnlyList<Block> Functions(IReadOnlyList<Block> blocks) =>
        [.. blocks.SelectMany(block => block is ITwoPartBlock { Attention: var attention, Mlp: var mlp }
            ? new[] { attention, mlp }
            : throw new ArgumentException(
                $"The Hamiltonian scheme needs blocks of two parts, and {block.GetName()} is not one.",
                nameof(blocks)))];

    /// <inheritdoc/>
    public override Coefficients At(int layer) => new(1, 0, 1);
}

/// <summary>A block whose attention and MLP, each with its own norm before it, can be run by themselves.</summary>
public interface ITwoPartBlock
{
    /// <summary>p ↦ Attn(LN₁ p), from [batch, context, width] to the same shape.</summary>
    Block Attention { get; }

    /// <summary>q ↦ Mlp(LN₂ q), from [batch, context, width] to the same shape.</summary>
    Block Mlp { get; }
}
