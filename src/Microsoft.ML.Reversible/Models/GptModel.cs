using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A pre-LN GPT: token and position embedding, a stack of <see cref="GptBlock"/>s run by a scheme, a final layer norm, and a
/// head that shares the token embedding's matrix.
/// </summary>
/// <remarks>
/// The module is an ordinary TorchSharp module. Do not call <c>to</c> on it: TorchSharp then replaces its parameters.
/// </remarks>
public sealed class GptModel : nn.Module<Tensor, Tensor>
{
    private readonly Parameter _tokenEmbedding;
    private readonly Parameter _positionEmbedding;
    private readonly ModuleList<GptBlock> _blocks;
    private readonly Parameter _finalNormWeight;
    private readonly Parameter _finalNormBias;

    internal GptModel(
        GptConfiguration configuration, Scheme scheme, WayBack wayBack, Arithmetic arithmetic,
        Precision precision, Device device, int? seed)
        : base(nameof(GptModel))
    {
        configuration.Check();
        Configuration = configuration;
        Device = device;
        Compute = precision.ToScalarType();
        using var make = new ParameterFactory(device, seed);
        _tokenEmbedding = make.Normal(ParameterFactory.Deviation, configuration.VocabularySize, configuration.Width);
        _positionEmbedding = make.Normal(ParameterFactory.Deviation, configuration.ContextLength, configuration.Width);
        _blocks = new ModuleList<GptBlock>(
            Enumerable.Range(0, configuration.LayerCount).Select(_ => new GptBlock(configuration, Compute, make)).ToArray());
        _finalNormWeight = make.Ones(configuration.Width);
        _finalNormBias = make.Zeros(configuration.Width);
        RegisterComponents();
        Stack = new LayerStack(scheme.Bind(configuration.LayerCount, seed ?? 0), _blocks, wayBack, arithmetic);
    }

    /// <summary>The model's shape.</summary>
    public GptConfiguration Configuration { get; }

    /// <summary>The blocks with their scheme and way back.</summary>
    public LayerStack Stack { get; }

    /// <summary>Where the parameters are.</summary>
    public Device Device { get; }

    /// <summary>The number type in which the blocks and the head's matrix product compute.</summary>
    internal ScalarType Compute { get; }

    /// <summary>The matrix of the token embedding and of the head, of shape [vocabulary, width].</summary>
    internal Parameter HeadWeight => _tokenEmbedding;

    /// <summary>The logits of the next token at every position.</summary>
    /// <param name="input">Token ids, int64, of shape [batch, context].</param>
    /// <returns>Logits, float32, of shape [batch, context, vocabulary].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Head(FinalNorm(Stack.Evaluate(Embed(input)))).MoveToOuterDisposeScope();
    }

    /// <summary>The parameters under Hugging Face's names, each once.</summary>
    internal IEnumerable<GptWeight> Weights() =>
    [
        new("wte.weight", _tokenEmbedding),
        new("wpe.weight", _positionEmbedding),
        .. _blocks.SelectMany((block, i) => block.Weights().Select(w => w with { Name = $"h.{i}.{w.Name}" })),
        new("ln_f.weight", _finalNormWeight),
        new("ln_f.bias", _finalNormBias),
    ];

    /// <summary>p₀ from token ids of shape [batch, context].</summary>
    internal Tensor Embed(Tensor ids)
    {
        long batch = ids.shape[0], context = ids.shape[1];
        if (context > Configuration.ContextLength)
            throw new ArgumentException($"{context} tokens do not fit the model's context of {Configuration.ContextLength}.", nameof(ids));
        using var scope = NewDisposeScope();
        Tensor tokens = _tokenEmbedding.index_select(0, ids.flatten()).view(batch, context, Configuration.Width);
        return (tokens + _positionEmbedding.narrow(0, 0, context)).MoveToOuterDisposeScope();
    }

    /// <summary>The final layer norm; input and result are of shape [.., width].</summary>
    internal Tensor FinalNorm(Tensor stream) =>
        nn.functional.layer_norm(stream, [Configuration.Width], _finalNormWeight, _finalNormBias, Configuration.LayerNormEpsilon);

    /// <summary>Logits, float32, from hidden states of shape [.., width].</summary>
    internal Tensor Head(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        Tensor logits = Compute == ScalarType.Float32
            ? nn.functional.linear(hidden, _tokenEmbedding)
            : nn.functional.linear(hidden.to(Compute), _tokenEmbedding.to(Compute)).to(ScalarType.Float32);
        return logits.MoveToOuterDisposeScope();
    }
}
