using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>q ↦ Mlp(LN₂ q) of the GPT-2 family: two linear layers and the activation between them, with their norm before them.</summary>
internal sealed class GptMlp : BlockPart
{
    private readonly Activation _activation;
    private readonly BlockMath _math;
    private readonly Parameter _normWeight;
    private readonly Parameter _normBias;
    private readonly Parameter _upWeight;
    private readonly Parameter _upBias;
    private readonly Parameter _downWeight;
    private readonly Parameter _downBias;

    public GptMlp(GptConfiguration configuration, ScalarType compute, ParameterFactory make) : base(nameof(GptMlp))
    {
        _activation = configuration.Activation;
        _math = new BlockMath(configuration, compute);
        long width = configuration.Width, hidden = configuration.HiddenWidth;
        _normWeight = make.Ones(width);
        _normBias = make.Zeros(width);
        _upWeight = make.Normal(ParameterFactory.Deviation, hidden, width);
        _upBias = make.Zeros(hidden);
        _downWeight = make.Normal(ParameterFactory.IntoStream(configuration), width, hidden);
        _downBias = make.Zeros(width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _activation.Apply(_math.Linear(_math.LayerNorm(input, _normWeight, _normBias), _upWeight, _upBias));
        return _math.Linear(hidden, _downWeight, _downBias).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
    [
        new("ln_2.weight", _normWeight),
        new("ln_2.bias", _normBias),
        new("mlp.c_fc.weight", _upWeight, Transposed: true),
        new("mlp.c_fc.bias", _upBias),
        new("mlp.c_proj.weight", _downWeight, Transposed: true),
        new("mlp.c_proj.bias", _downBias),
    ];
}
