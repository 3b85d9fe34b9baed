using Microsoft.ML.Reversible.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A transformer language model: an embedding, a stack of <see cref="TransformerBlock"/>s run by a scheme, a final norm, and a head.
/// </summary>
/// <remarks>
/// The module is an ordinary TorchSharp module. Do not call <c>to</c> on it: TorchSharp then replaces its parameters.
/// </remarks>
public abstract class LanguageNetwork : nn.Module<Tensor, Tensor>
{
    // On CUDA its gradient adds up the rows of an id in one order for up to 3,072 ids, and for more of a large vocabulary, where that of
    // index_select always takes them as they come.
    private static readonly ScriptFunction EmbeddingFunction = new(
        "embedding",
        """
        def embedding(weight, ids):
            return torch.embedding(weight, ids)
        """);

    private protected LanguageNetwork(string name, LanguageModelConfiguration configuration, Precision precision, Device device)
        : base(name)
    {
        configuration.Check();
        VectorMath.MakeReady();
        Configuration = configuration;
        Device = device;
        Compute = precision.ToScalarType();
    }

    /// <summary>The network's shape.</summary>
    public LanguageModelConfiguration Configuration { get; }

    /// <summary>The blocks with their scheme and way back.</summary>
    public abstract LayerStack Stack { get; }

    /// <summary>Where the parameters are.</summary>
    public Device Device { get; }

    /// <summary>The number type in which the blocks and the head's matrix product compute.</summary>
    internal ScalarType Compute { get; }

    /// <summary>The head's matrix, of shape [vocabulary, width]; the token embedding's where the two are tied.</summary>
    internal abstract Parameter HeadWeight { get; }

    /// <summary>The blocks, in order; the stack's functions are made of them.</summary>
    internal abstract IReadOnlyList<TransformerBlock> Blocks { get; }

    /// <summary>The buffer that the parameters lie in, in groups as <see cref="FlatParameters.Groups"/> gives them.</summary>
    internal abstract FlatParameters Flat { get; }

    /// <summary>What a token's id and position are looked up in. A tied head shares the first.</summary>
    internal abstract IEnumerable<Parameter> EmbeddingWeights { get; }

    /// <summary>The logits of the next token at every position.</summary>
    /// <param name="input">Token ids, int64, of shape [batch, context].</param>
    /// <returns>Logits, float32, of shape [batch, context, vocabulary].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Head(FinalNorm(Stack.Evaluate(Embed(input)))).MoveToOuterDisposeScope();
    }

    /// <summary>The parameters under Hugging Face's names, each once.</summary>
    internal abstract IEnumerable<NamedWeight> Weights();

    /// <summary>p₀, of shape [batch, context, width], from token ids of shape [batch, context].</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="positions">
    /// The tokens' positions, int64, [batch, context], or [batch] where each row has one token; null for tokens from position 0 on.
    /// </param>
    internal abstract Tensor Embed(Tensor ids, Tensor? positions = null);

    /// <summary>The final norm; input and result are of shape [.., width].</summary>
    internal abstract Tensor FinalNorm(Tensor stream);

    /// <summary>Logits, float32, from hidden states of shape [.., width].</summary>
    internal Tensor Head(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        Tensor logits = Compute == ScalarType.Float32
            ? nn.functional.linear(hidden, HeadWeight)
            : nn.functional.linear(hidden.to(Compute), HeadWeight.to(Compute)).to(ScalarType.Float32);
        return logits.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Flat.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The rows of an embedding's matrix, of shape [batch, context, width], at ids of shape [batch, context].</summary>
    private protected Tensor LookUp(Tensor matrix, Tensor ids)
    {
        bool onCuda = matrix.device_type == DeviceType.CUDA;
        // Its gradient sorts the ids and adds up in their order, whatever they are; many of one id take it long.
        if (onCuda && Stack.Deterministic) return matrix.index(ids);
        Tensor? rows = onCuda ? EmbeddingFunction.TryInvoke(matrix, ids) : null;
        return rows ?? matrix.index_select(0, ids.flatten()).view(ids.shape[0], ids.shape[1], matrix.shape[1]);
    }

    /// <exception cref="ArgumentException">There are more tokens than the context holds.</exception>
    private protected void CheckContext(long context)
    {
        if (context > Configuration.ContextLength)
            throw new ArgumentException($"{context} tokens do not fit the model's context of {Configuration.ContextLength}.", "ids");
    }

    /// <summary>The blocks' parameters under a prefix for each layer, such as <c>transformer.h.0.</c>.</summary>
    private protected static IEnumerable<NamedWeight> LayerWeights(IEnumerable<TransformerBlock> blocks, string prefix) =>
        blocks.SelectMany((block, i) => block.Weights().Select(w => w with { Name = $"{prefix}{i}.{w.Name}" }));
}
