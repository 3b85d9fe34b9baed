using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The shape of a transformer with norms before its halves: everything that fixes its parameters and the function that they compute, but
/// the scheme.
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

    /// <summary>Length of a stream's vectors, positive.</summary>
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

    /// <summary>Makes a network of this shape.</summary>
    /// <param name="scheme">The recurrence over the layers.</param>
    /// <param name="wayBack">How the backward pass comes by its activations.</param>
    /// <param name="arithmetic">The numbers that the streams are made of.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="device">Where the parameters are made.</param>
    /// <param name="seed">Seeds the parameters; null leaves them unset, for a network that is about to be read from a file.</param>
    internal LanguageNetwork Build(
        Scheme scheme, WayBack wayBack, Arithmetic arithmetic, Precision precision, TorchSharp.torch.Device device, int? seed)
    {
        using var modes = AutogradModes.Default();
        return Make(scheme, wayBack, arithmetic, precision, device, seed);
    }

    /// <summary>Makes a network of this family in the default modes; the parameters are those of <see cref="Build"/>.</summary>
    private protected abstract LanguageNetwork Make(
        Scheme scheme, WayBack wayBack, Arithmetic arithmetic, Precision precision, TorchSharp.torch.Device device, int? seed);

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
