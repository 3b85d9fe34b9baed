using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// q ↦ Mlp(RMS₂ q) of the Llama family, the gated MLP SwiGLU with its norm before it: W₃ (silu(W₁ x) ⊙ W₂ x), silu(u) = u σ(u).
/// </summary>
internal sealed class LlamaMlp : BlockPart
{
    private readonly BlockMath _math;
    private readonly long _hidden;
    private readonly Parameter _normWeight;
    private readonly Parameter _gateUpWeight;
    private readonly Parameter _downWeight;

    public LlamaMlp(LlamaConfiguration configuration, ScalarType compute, ParameterFactory make) : base(nameof(LlamaMlp))
    {
        _math = new BlockMath(configuration, compute);
        _hidden = configuration.HiddenWidth;
        _normWeight = make.Ones(configuration.Width);
        _gateUpWeight = make.Normal(ParameterFactory.Deviation, 2 * _hidden, configuration.Width);
        _downWeight = make.Normal(ParameterFactory.IntoStream(configuration), configuration.Width, _hidden);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor[] gateUp = _math.Linear(_math.RmsNorm(input, _normWeight), _gateUpWeight).chunk(2, -1);
        return _math.Linear(nn.functional.silu(gateUp[0]) * gateUp[1], _downWeight).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
    [
        new("post_attention_layernorm.weight", _normWeight),
        new("mlp.gate_proj.weight", _gateUpWeight, FirstRow: 0, Rows: _hidden),
        new("mlp.up_proj.weight", _gateUpWeight, FirstRow: _hidden, Rows: _hidden),
        new("mlp.down_proj.weight", _downWeight),
    ];
}
