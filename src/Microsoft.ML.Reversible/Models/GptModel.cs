using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>A model of the GPT-2 family: learned positions, layer norms, and a head that may share the token embedding's matrix.</summary>
public sealed class GptModel : LanguageNetwork
{
    private readonly Parameter _tokenEmbedding;
    private readonly Parameter _positionEmbedding;
    private readonly ModuleList<TransformerBlock> _blocks;
    private readonly Parameter _finalNormWeight;
    private readonly Parameter _finalNormBias;
    private readonly Parameter? _head;

    internal GptModel(
        GptConfiguration configuration, Scheme scheme, WayBack wayBack, Arithmetic arithmetic,
        Precision precision, Device device, int? seed)
        : base(nameof(GptModel), configuration, precision, device)
    {
        using var make = new ParameterFactory(device, seed);
        _tokenEmbedding = make.Normal(ParameterFactory.Deviation, configuration.VocabularySize, configuration.Width);
        _positionEmbedding = make.Normal(ParameterFactory.Deviation, configuration.ContextLength, configuration.Width);
        _blocks = new ModuleList<TransformerBlock>([.. Enumerable.Range(0, configuration.LayerCount).Select(_ => Block(make))]);
        _finalNormWeight = make.Ones(configuration.Width);
        _finalNormBias = make.Zeros(configuration.Width);
        if (!configuration.TiedHead)
            _head = make.Normal(ParameterFactory.Deviation, configuration.VocabularySize, configuration.Width);
        RegisterComponents();
        Stack = new LayerStack(scheme.Bind(configuration.LayerCount, seed ?? 0), _blocks, wayBack, arithmetic)
        {
            BlockType = Compute,
        };
        Flat = make.Allocate(FlatParameters.Groups(this, Stack));

        TransformerBlock Block(ParameterFactory factory) =>
            new(new GptAttention(configuration, Compute, factory), new GptMlp(configuration, Compute, factory));
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
    internal override IEnumerable<Parameter> EmbeddingWeights => [_tokenEmbedding, _positionEmbedding];

    /// <inheritdoc/>
    internal override IEnumerable<NamedWeight> Weights() =>
    [
        new("transformer.wte.weight", _tokenEmbedding),
        new("transformer.wpe.weight", _positionEmbedding),
        .. LayerWeights(_blocks, "transformer.h."),
        new("transformer.ln_f.weight", _finalNormWeight),
        new("transformer.ln_f.bias", _finalNormBias),
        .. _head is null ? Array.Empty<NamedWeight>() : [new("lm_head.weight", _head)],
    ];

    /// <inheritdoc/>
    internal override Tensor Embed(Tensor ids, Tensor? positions = null)
    {
        long batch = ids.shape[0], context = ids.shape[1];
        if (positions is null) CheckContext(context);
        using var scope = NewDisposeScope();
        Tensor tokens = LookUp(_tokenEmbedding, ids);
        Tensor places = positions is null
            ? _positionEmbedding.narrow(0, 0, context)
            : _positionEmbedding.index_select(0, positions.flatten()).view(batch, context, Configuration.Width);
        return (tokens + places).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override Tensor FinalNorm(Tensor stream) =>
        nn.functional.layer_norm(stream, [Configuration.Width], _finalNormWeight, _finalNormBias, Configuration.NormEpsilon);
}
