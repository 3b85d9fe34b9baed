using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The shape of a decoder transformer: everything that determines its parameters and the function that they compute, except the scheme.
/// </summary>
public abstract record LanguageModelConfiguration
{
    private static readonly Dictionary<string, string> _fieldNames = new()
    {
        [nameof(VocabularySize)] = "vocab_size",
        [nameof(ContextLength)] = "max_position_embeddings",
        [nameof(LayerCount)] = "num_hidden_layers",
        [nameof(HeadCount)] = "num_attention_heads",
        ["KeyValueHeadCount"] = "num_key_value_heads",
        ["HeadWidth"] = "head_dim",
        [nameof(Width)] = "hidden_size",
        [nameof(MlpWidth)] = "intermediate_size",
        [nameof(NormEpsilon)] = "rms_norm_eps",
        ["RopeTheta"] = "rope_theta",
        ["SlidingWindow"] = "sliding_window",
    };

    private protected LanguageModelConfiguration()
    {
    }

    /// <summary>Number of token ids, positive.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The most tokens that a window holds, positive.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Number of blocks, positive.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of attention heads, positive.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Length of a hidden state's vectors, positive.</summary>
    public required int Width { get; init; }

    /// <summary>
    /// Width of the hidden layer of a block's MLP, positive; null takes the family's usual multiple of <see cref="Width"/>.
    /// </summary>
    public int? MlpWidth { get; init; }

    /// <summary>What the norms add to the variance or the mean square, positive.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the head shares the token embedding's matrix.</summary>
    public bool TiedHead { get; init; } = true;

    /// <summary>Number of parameters; shared ones count once.</summary>
    public abstract long ParameterCount { get; }

    /// <summary>The model family.</summary>
    public abstract ModelFamily Family { get; }

    /// <summary>The width of the hidden layer, given or not.</summary>
    internal abstract int HiddenWidth { get; }

    /// <summary>The values that only this family has, as text for the fingerprint of a run.</summary>
    internal abstract string OwnValues { get; }

    /// <summary>Number of heads of keys and values if it was given; null if each query head has its own.</summary>
    internal virtual int? GivenKeyValueHeadCount => null;

    /// <summary>The prefix of the weights' names in most files; files of a model without its head leave it out.</summary>
    internal abstract string NamePrefix { get; }

    /// <summary>The fields of config.json that set the properties, for messages. Most families share these names.</summary>
    internal virtual IReadOnlyDictionary<string, string> FieldNames => _fieldNames;

    /// <summary>
    /// The length of a sequence from which on the result of its first tokens depends on its length; null if it never does.
    /// </summary>
    internal virtual int? FixedLength => null;

    /// <summary>The factor of the token embeddings.</summary>
    internal virtual double EmbeddingScale => 1;

    /// <summary>The soft cap of the logits; null for none.</summary>
    internal virtual double? LogitCap => null;

    /// <summary>Describes the model for a GGUF file.</summary>
    /// <exception cref="NotSupportedException">llama.cpp has no such model.</exception>
    internal virtual GgufForm ToGguf() => throw GgufForm.Refusal($"it is of the {ModelFamilyRow.Of(Family).Title} family");

    /// <summary>Number of elements in the tables that a network computes and that files do not hold.</summary>
    internal virtual long TableNumbers => 0;

    /// <summary>Makes a network of this shape.</summary>
    /// <param name="scheme">The recurrence over the layers.</param>
    /// <param name="backwardMode">How the backward pass gets the activations that it needs.</param>
    /// <param name="arithmetic">The numbers that the hidden states are made of.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="device">Where the parameters are made.</param>
    /// <param name="seed">Seeds the parameters; null leaves them unset, for a network that is about to be read from a file.</param>
    /// <param name="frozen">
    /// The number type of parameters that are never trained, for a base of adapters; null makes trained ones, which are float32.
    /// </param>
    internal LanguageNetwork Build(
        Scheme scheme, BackwardMode backwardMode, Arithmetic arithmetic, Precision precision, Device device, int? seed,
        Precision? frozen = null)
    {
        Check();
        VectorMath.MakeReady();
        using var modes = AutogradModes.Default();
        using var make = new ParameterFactory(device, seed, frozen);
        LanguageNetwork network = Declare(precision.ToScalarType(), make);
        network.Allocate(make, scheme.Bind(LayerCount, seed ?? 0), backwardMode, arithmetic);
        return network;
    }

    /// <summary>
    /// Returns the weights of such a network with names and shapes, but without memory, because a damaged configuration may ask for any
    /// amount of it. All layers have the same shapes, so only one is made. The list is lazy, because it may have any number of layers.
    /// </summary>
    internal IEnumerable<NamedWeight> DeclaredWeights()
    {
        using var make = new ParameterFactory(CPU, seed: null);
        using LanguageNetwork network = (this with { LayerCount = 1 }).Declare(ScalarType.Float32, make);
        foreach (NamedWeight weight in network.Weights(Enumerable.Repeat(network.Blocks[0], LayerCount))) yield return weight;
    }

    /// <summary>Builds a network's modules, without memory for the parameters.</summary>
    /// <param name="compute">The number type in which the blocks compute.</param>
    /// <param name="make">Makes the parameters.</param>
    internal LanguageNetwork Declare(ScalarType compute, ParameterFactory make) => Make(compute, make);

    /// <inheritdoc cref="Declare"/>
    private protected abstract LanguageNetwork Make(ScalarType compute, ParameterFactory make);

    /// <summary>Whether a name in an older file is that of a buffer, which is computed here and not read.</summary>
    internal abstract bool IsBuffer(string name);

    /// <summary>Returns the fields of a config.json that are the family's own.</summary>
    internal abstract JsonObject ToJson();

    /// <summary>Checks that each number is within its range and that they agree with each other.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range; the message names it and the range.</exception>
    internal virtual void Check()
    {
        Positive(VocabularySize, nameof(VocabularySize));
        Positive(ContextLength, nameof(ContextLength));
        Positive(LayerCount, nameof(LayerCount));
        Positive(HeadCount, nameof(HeadCount));
        Positive(Width, nameof(Width));
        if (MlpWidth is null && Width > int.MaxValue / 4)
            throw new ArgumentOutOfRangeException(nameof(Width), Width, $"Width must be at most {int.MaxValue / 4}, or MlpWidth given.");
        Positive(HiddenWidth, nameof(MlpWidth));
        Positive(NormEpsilon, nameof(NormEpsilon));
    }

    private protected static void Positive(int value, string name)
    {
        if (value <= 0) throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");
    }

    private protected static void Positive(double value, string name)
    {
        if (!(value > 0 && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be positive and finite.");
    }
}

/// <summary>
/// A transformer language model: an embedding, a stack of <see cref="TransformerBlock"/>s run by a scheme, a final norm, and a head.
/// </summary>
/// <remarks>
/// The module is an ordinary TorchSharp module. Do not call <c>to</c> on it: TorchSharp then replaces its parameters.
/// </remarks>
public abstract partial class LanguageNetwork : nn.Module<Tensor, Tensor>
{
    /// <summary>The name of the head's matrix in files.</summary>
    internal const string HeadName = "lm_head";

    /// <summary>The text before a layer's number in the names of its weights.</summary>
    internal string LayerPrefix => _parts.LayerPrefix;

    private readonly NetworkParts _parts;
    private readonly Linear? _head;
    private readonly double _embeddingScale;
    private LayerStack? _stack;
    private FlatParameters? _flat;

    private protected LanguageNetwork(
        string name, LanguageModelConfiguration configuration, ScalarType compute, ParameterFactory make, NetworkParts parts)
        : base(name)
    {
        (Configuration, Compute, Device, _parts) = (configuration, compute, make.Device, parts);
        // Rounded as transformers rounds it, to the type of the model.
        using var scope = NewDisposeScope();
        _embeddingScale = tensor(configuration.EmbeddingScale, dtype: compute, device: CPU).to(ScalarType.Float64).item<double>();
        if (!configuration.TiedHead) _head = new Linear(make, compute, HeadName, configuration.Width, configuration.VocabularySize);
        register_module("tokens", parts.Tokens);
        if (parts.Positions is not null) register_module("positions", parts.Positions);
        for (int i = 0; i < parts.Blocks.Length; i++) register_module($"blocks{i}", parts.Blocks[i]);
        register_module("norm", parts.FinalNorm);
        if (_head is not null) register_module("head", _head);
    }

    /// <summary>The network's shape.</summary>
    public LanguageModelConfiguration Configuration { get; }

    /// <summary>The blocks with their scheme and backward mode.</summary>
    public LayerStack Stack => _stack ?? throw NotAllocated();

    /// <summary>Where the parameters are.</summary>
    public Device Device { get; }

    /// <summary>The number type in which the blocks and the head's matrix product compute.</summary>
    internal ScalarType Compute { get; }

    /// <summary>The head's matrix, of shape [vocabulary, width]; the token embedding's where the two are tied.</summary>
    internal Parameter HeadWeight => _head?.Weight ?? _parts.Tokens.Weight;

    /// <summary>The blocks, in order; the stack's functions are made of them.</summary>
    internal IReadOnlyList<TransformerBlock> Blocks => _parts.Blocks;

    /// <summary>The buffer that the parameters lie in, in groups as <see cref="FlatParameters.Groups"/> returns them.</summary>
    internal FlatParameters Flat => _flat ?? throw NotAllocated();

    /// <summary>The matrices of token ids and of positions. A tied head shares the first.</summary>
    internal IEnumerable<Parameter> EmbeddingWeights =>
        _parts.Positions is { } positions ? [_parts.Tokens.Weight, positions.Weight] : [_parts.Tokens.Weight];

    /// <summary>Computes the logits of the next token at every position.</summary>
    /// <param name="input">Token ids, int64, of shape [batch, context].</param>
    /// <returns>Logits, float32, of shape [batch, context, vocabulary].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Head(FinalNorm(Stack.Evaluate(Embed(input)))).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the parameters under Hugging Face's names, each once.</summary>
    internal IEnumerable<NamedWeight> Weights() => Weights(Blocks);

    /// <summary>Returns the parameters of a network with these blocks, lazily.</summary>
    internal IEnumerable<NamedWeight> Weights(IEnumerable<TransformerBlock> blocks)
    {
        foreach (NamedWeight weight in _parts.Tokens.Weights()) yield return weight;
        foreach (NamedWeight weight in _parts.Positions?.Weights() ?? []) yield return weight;
        int layer = 0;
        foreach (TransformerBlock block in blocks)
        {
            string at = $"{_parts.LayerPrefix}{layer++}.";
            foreach (NamedWeight weight in block.Weights()) yield return weight with { Name = at + weight.Name };
        }
        foreach (NamedWeight weight in _parts.FinalNorm.Weights()) yield return weight;
        foreach (NamedWeight weight in _head?.Weights() ?? []) yield return weight;
    }

    /// <summary>Gives the parameters memory and values, and makes the stack that runs the blocks.</summary>
    /// <param name="make">The factory that made the parameters.</param>
    /// <param name="scheme">The scheme, bound to the number of layers.</param>
    /// <param name="backwardMode">The backward mode.</param>
    /// <param name="arithmetic">The numbers that the hidden states are made of.</param>
    internal void Allocate(ParameterFactory make, Scheme scheme, BackwardMode backwardMode, Arithmetic arithmetic)
    {
        _stack = new LayerStack(scheme, Blocks, backwardMode, arithmetic) { BlockType = Compute };
        _made = [.. make.Made];
        _frozen ??= make.Frozen;
        _flat = make.Allocate(FlatParameters.Groups(this, _stack));
    }

    /// <summary>Computes p₀, of shape [batch, context, width], from token ids of shape [batch, context].</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="positions">
    /// The tokens' positions, int64, [batch, context], or [batch] where each row has one token; null for tokens from position 0 on.
    /// </param>
    internal Tensor Embed(Tensor ids, Tensor? positions = null)
    {
        long batch = ids.shape[0], context = ids.shape[1];
        if (positions is null && context > Configuration.ContextLength)
            throw new ArgumentException(
                $"{context} tokens do not fit the model's context of {Configuration.ContextLength}.", nameof(ids));
        using var scope = NewDisposeScope();
        Tensor tokens = _parts.Tokens.LookUp(ids, Stack.Deterministic);
        // The hidden states begin as float32, also from a frozen embedding of two bytes.
        if (tokens.dtype == ScalarType.BFloat16) tokens = tokens.to(ScalarType.Float32);
        if (_embeddingScale != 1) tokens = tokens * _embeddingScale;
        if (_parts.Positions?.Weight is not { } matrix) return tokens.MoveToOuterDisposeScope();
        Tensor places = positions is null
            ? matrix.narrow(0, 0, context)
            : _parts.Positions.LookUp(positions.view(batch, context), Stack.Deterministic);
        return (tokens + places).MoveToOuterDisposeScope();
    }

    /// <summary>Computes p₀ of documents that share rows, each with positions from 0 on.</summary>
    /// <param name="ids">Token ids, int64, of shape [batch, context].</param>
    /// <param name="documents">The documents; null where each row is one.</param>
    internal Tensor Embed(Tensor ids, TokenDocuments? documents)
    {
        if (documents is null || _parts.Positions is null) return Embed(ids);
        using Tensor positions = documents.Positions(ids.device);
        return Embed(ids, positions);
    }

    /// <summary>Applies the final norm; input and result are of shape [.., width].</summary>
    internal Tensor FinalNorm(Tensor hidden) => _parts.FinalNorm.call(hidden);

    /// <summary>Computes logits, float32, from hidden states of shape [.., width].</summary>
    internal Tensor Head(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        Tensor logits = Compute == ScalarType.Float32
            ? nn.functional.linear(hidden, HeadWeight.InType(Compute))
            : nn.functional.linear(hidden.to(Compute), HeadWeight.to(Compute)).to(ScalarType.Float32);
        if (Configuration.LogitCap is { } cap) logits = SoftCap.Of(logits, cap);
        return logits.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _flat?.Dispose();
            foreach (RotaryEmbedding rotary in _parts.Rotary ?? []) rotary.Dispose();
        }
        base.Dispose(disposing);
    }

    private static InvalidOperationException NotAllocated() => new("The network has no memory yet: it was only declared.");
}

/// <summary>The modules of a network, except the head; parameters are made in this order.</summary>
/// <param name="Tokens">The token embedding.</param>
/// <param name="Positions">The embedding of positions; null if the blocks apply positions themselves.</param>
/// <param name="LayerPrefix">The text before a layer's number in the names of its weights.</param>
/// <param name="Blocks">The blocks.</param>
/// <param name="FinalNorm">The norm before the head, in float32.</param>
/// <param name="Rotary">The rotary positions that blocks share, if any; the network disposes of them.</param>
internal sealed record NetworkParts(
    Embedding Tokens, Embedding? Positions, string LayerPrefix, TransformerBlock[] Blocks, Norm FinalNorm,
    IReadOnlyCollection<RotaryEmbedding>? Rotary = null);
