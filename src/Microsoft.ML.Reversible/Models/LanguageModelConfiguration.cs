using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The shape of a transformer with norms before its halves: everything that determines its parameters and the function that they compute,
/// except the scheme.
/// </summary>
public abstract record LanguageModelConfiguration
{
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

    /// <summary>Number of parameters; what is shared counts once.</summary>
    public abstract long ParameterCount { get; }

    /// <summary>The family.</summary>
    public abstract ModelFamily Family { get; }

    /// <summary>The width of the hidden layer, given or not.</summary>
    internal abstract int HiddenWidth { get; }

    /// <summary>The values that only this family has, as text for the fingerprint of a run.</summary>
    internal abstract string OwnValues { get; }

    /// <summary>Number of heads of keys and values where it was given; null where each query head has its own.</summary>
    internal virtual int? GivenKeyValueHeadCount => null;

    /// <summary>What the names of weights begin with in most files; files of a model without its head leave it out.</summary>
    internal abstract string NamePrefix { get; }

    /// <summary>Numbers in tables that a network makes and that no file holds.</summary>
    internal virtual long TableNumbers => 0;

    /// <summary>Makes a network of this shape.</summary>
    /// <param name="scheme">The recurrence over the layers.</param>
    /// <param name="backwardMode">How the backward pass gets the activations that it needs.</param>
    /// <param name="arithmetic">The numbers that the hidden states are made of.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="device">Where the parameters are made.</param>
    /// <param name="seed">Seeds the parameters; null leaves them unset, for a network that is about to be read from a file.</param>
    internal LanguageNetwork Build(
        Scheme scheme, BackwardMode backwardMode, Arithmetic arithmetic, Precision precision, Device device, int? seed)
    {
        Check();
        VectorMath.MakeReady();
        using var modes = AutogradModes.Default();
        using var make = new ParameterFactory(device, seed);
        LanguageNetwork network = Make(precision.ToScalarType(), make);
        network.Allocate(make, scheme.Bind(LayerCount, seed ?? 0), backwardMode, arithmetic);
        return network;
    }

    /// <summary>
    /// Returns the weights of such a network with names and shapes, but without memory: a damaged configuration may ask for any amount of
    /// it. Layers are alike, so one of them stands for all, and the list is lazy, since there may be any number of layers.
    /// </summary>
    internal IEnumerable<NamedWeight> DeclaredWeights()
    {
        using var make = new ParameterFactory(CPU, seed: null);
        using LanguageNetwork network = (this with { LayerCount = 1 }).Make(ScalarType.Float32, make);
        foreach (NamedWeight weight in network.Weights(Enumerable.Repeat(network.Blocks[0], LayerCount))) yield return weight;
    }

    /// <summary>Puts a network's modules together, without memory for the parameters.</summary>
    /// <param name="compute">The number type in which the blocks compute.</param>
    /// <param name="make">Makes the parameters.</param>
    private protected abstract LanguageNetwork Make(ScalarType compute, ParameterFactory make);

    /// <summary>Whether a name is that of a buffer that older files hold and that is computed, not learned.</summary>
    internal abstract bool IsBuffer(string name);

    /// <summary>Returns the fields of a config.json that are the family's own.</summary>
    internal abstract JsonObject ToJson();

    /// <summary>Throws if the numbers do not fit together.</summary>
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
        if (!(NormEpsilon > 0 && double.IsFinite(NormEpsilon)))
            throw new ArgumentOutOfRangeException(nameof(NormEpsilon), NormEpsilon, "NormEpsilon must be positive and finite.");
    }

    private protected static void Positive(int value, string name)
    {
        if (value <= 0) throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");
    }
}
