using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The function of one transformer layer, without its outer skip connection:
/// <code>
///     f(p) = A(p) + M(p + A(p))          so that p + f(p) is the standard layer
/// </code>
/// from p of shape [batch, context, width] to the same shape. In most families A = Attn ∘ Norm₁ and M = Mlp ∘ Norm₂; in some the norms
/// come after attention and MLP, or before and after.
/// </summary>
public sealed class TransformerBlock : nn.Module<Tensor, Tensor>, ITwoPartBlock, IContextFunction
{
    private readonly BlockPart _attention;
    private readonly BlockPart _mlp;

    internal TransformerBlock(BlockPart attention, BlockPart mlp) : base(nameof(TransformerBlock))
    {
        _attention = attention;
        _mlp = mlp;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Attention => _attention;

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Mlp => _mlp;

    /// <summary>Computes f(p).</summary>
    /// <param name="input">p, of shape [batch, context, width].</param>
    /// <returns>f(p), of the same shape, in the precision in which the blocks compute.</returns>
    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    Tensor IContextFunction.Forward(Tensor input, EvaluationContext? context) => Forward(input, context);

    /// <summary>Returns the parameters under the names that they have in Hugging Face's files within a layer.</summary>
    internal IEnumerable<NamedWeight> Weights() => [.. _attention.Weights(), .. _mlp.Weights()];

    private Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        input = GraphCuts.AtInput(input);
        Tensor attention = _attention.At(input, context);
        return (attention + _mlp.At(input + attention, context)).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// One half of a block: p ↦ Norm₂(F(Norm₁ p)), from [batch, context, width] to the same shape. Dropout, if there is any, comes last.
/// </summary>
internal sealed class BlockPart : NamedModule, IContextFunction
{
    private readonly Norm? _before;
    private readonly NamedModule _function;
    private readonly Norm? _after;

    /// <summary>Makes the half.</summary>
    /// <param name="before">Norm₁; null for none.</param>
    /// <param name="function">F, attention or MLP.</param>
    /// <param name="after">Norm₂; null for none.</param>
    public BlockPart(Norm? before, NamedModule function, Norm? after = null) : base(nameof(BlockPart))
    {
        (_before, _function, _after) = (before, function, after);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        Tensor result = _function.At(_before is null ? input : _before.call(input), context);
        if (_after is not null) result = _after.call(result);
        if (context is TrainingContext training) result = training.DropResidual(result);
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
        [.. _before?.Weights() ?? [], .. _function.Weights(), .. _after?.Weights() ?? []];
}

/// <summary>W₂ φ(W₁ x + b₁) + b₂ with an activation φ.</summary>
internal sealed class Mlp : NamedModule, IContextFunction
{
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Activation _activation;

    public Mlp(Linear up, Linear down, Activation activation) : base(nameof(Mlp))
    {
        (_up, _down, _activation) = (up, down, activation);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        return _down.At(_activation.Apply(_up.At(input, context)), context).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [.. _up.Weights(), .. _down.Weights()];
}

/// <summary>The gated MLP W₃ (φ(W₁ x) ⊙ W₂ x): with φ(u) = silu(u) = u σ(u), SwiGLU.</summary>
internal sealed class GatedMlp : NamedModule, IContextFunction
{
    private readonly Linear _gateUp;
    private readonly Linear _down;
    private readonly Func<Tensor, Tensor> _gate;

    /// <summary>Makes the module.</summary>
    /// <param name="gateUp">W₁ and W₂, one after the other.</param>
    /// <param name="down">W₃.</param>
    /// <param name="gate">φ.</param>
    public GatedMlp(Linear gateUp, Linear down, Func<Tensor, Tensor> gate) : base(nameof(GatedMlp))
    {
        (_gateUp, _down, _gate) = (gateUp, down, gate);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        Tensor[] gateUp = _gateUp.At(input, context).chunk(2, -1);
        return _down.At(_gate(gateUp[0]) * gateUp[1], context).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [.. _gateUp.Weights(), .. _down.Weights()];
}
