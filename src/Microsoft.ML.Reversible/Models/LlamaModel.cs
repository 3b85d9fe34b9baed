using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>A model of the Llama family: rotary positions, RMS norms, and a head that may share the token embedding's matrix.</summary>
public sealed class LlamaModel : LanguageNetwork
{
    private readonly BlockMath _math;
    private readonly RotaryPositions _positions;
    private readonly Parameter _tokenEmbedding;
    private readonly ModuleList<TransformerBlock> _blocks;
    private readonly Parameter _finalNormWeight;
    private readonly Parameter? _head;

    internal LlamaModel(
        LlamaConfiguration configuration, Scheme scheme, WayBack wayBack, Arithmetic arithmetic,
        Precision precision, Device device, int? seed)
        : base(nameof(LlamaModel), configuration, precision, device)
    {
        _math = new BlockMath(configuration, ScalarType.Float32);
        _positions = new RotaryPositions(configuration, Compute, device);
        using var make = new ParameterFactory(device, seed);
        _tokenEmbedding = make.Normal(ParameterFactory.Deviation, configuration.VocabularySize, configuration.Width);
        _blocks = new ModuleList<TransformerBlock>([.. Enumerable.Range(0, configuration.LayerCount).Select(_ => Block(make))]);
        _finalNormWeight = make.Ones(configuration.Width);
        if (!configuration.TiedHead)
            _head = make.Normal(ParameterFactory.Deviation, configuration.VocabularySize, configuration.Width);
        RegisterComponents();
        Stack = new LayerStack(scheme.Bind(configuration.LayerCount, seed ?? 0), _blocks, wayBack, arithmetic)
        {
            BlockType = Compute,
        };
        Flat = make.Allocate(FlatParameters.Groups(this, Stack));

        TransformerBlock Block(ParameterFactory factory) =>
            new(new LlamaAttention(configuration, _positions, Compute, factory), new LlamaMlp(configuration, Compute, factory));
    }

    /// <inheritdoc/>
    public override LayerStack Stack { get; }

    /// <inheritdoc/>
    internal override FlatParameters Flat { get; }

    /// <inheritdoc/>
    internal override Parameter HeadWeight => _head ?? _tokenEmbedding;

    /// <inheritdoc/>
    internal override IReadOnlyList<TransformerBlock> Blocks => [.. _blocks];

    /// <inheritdoc/>
    internal override IEnumerable<Parameter> EmbeddingWeights => [_tokenEmbedding];

    /// <inheritdoc/>
    internal override IEnumerable<NamedWeight> Weights() =>
    [
        new("model.embed_tokens.weight", _tokenEmbedding),
        .. LayerWeights(_blocks, "model.layers."),
        new("model.norm.weight", _finalNormWeight),
        .. _head is null ? Array.Empty<NamedWeight>() : [new("lm_head.weight", _head)],
    ];

    /// <inheritdoc/>
    internal override Tensor Embed(Tensor ids, Tensor? positions = null)
    {
        if (positions is null) CheckContext(ids.shape[1]);
        return LookUp(_tokenEmbedding, ids);
    }

    /// <inheritdoc/>
    internal override Tensor FinalNorm(Tensor stream) => _math.RmsNorm(stream, _finalNormWeight);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _positions.Dispose();
        base.Dispose(disposing);
    }
}
