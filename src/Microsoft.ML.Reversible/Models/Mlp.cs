using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>W₂ φ(W₁ x + b₁) + b₂ with an activation φ.</summary>
internal sealed class Mlp : NamedModule
{
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Activation _activation;

    public Mlp(Linear up, Linear down, Activation activation) : base(nameof(Mlp))
    {
        (_up, _down, _activation) = (up, down, activation);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _down.call(_activation.Apply(_up.call(input))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [.. _up.Weights(), .. _down.Weights()];
}

/// <summary>The gated MLP SwiGLU: W₃ (silu(W₁ x) ⊙ W₂ x), silu(u) = u σ(u).</summary>
internal sealed class GatedMlp : NamedModule
{
    private readonly Linear _gateUp;
    private readonly Linear _down;

    /// <summary>Makes the module.</summary>
    /// <param name="gateUp">W₁ and W₂, one after the other.</param>
    /// <param name="down">W₃.</param>
    public GatedMlp(Linear gateUp, Linear down) : base(nameof(GatedMlp))
    {
        (_gateUp, _down) = (gateUp, down);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor[] gateUp = _gateUp.call(input).chunk(2, -1);
        return _down.call(nn.functional.silu(gateUp[0]) * gateUp[1]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [.. _gateUp.Weights(), .. _down.Weights()];
}
