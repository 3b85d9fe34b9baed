namespace Microsoft.ML.Reversible;

/// <summary>The shape of a pre-LN GPT: everything that fixes its parameters and the function that they compute, but the scheme.</summary>
public sealed record GptConfiguration
{
    /// <summary>Number of token ids, positive.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The most tokens that a window holds, positive.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Number of blocks, positive.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of attention heads, positive; it divides <see cref="Width"/>.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Length of a stream's vectors, positive.</summary>
    public required int Width { get; init; }

    /// <summary>Width of the hidden layer of a block's MLP, positive; null is four times <see cref="Width"/>.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>The function between the two layers of the MLP.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>What the layer norms add to the variance, positive.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>Number of parameters; the head shares the token embedding's.</summary>
    public long ParameterCount
    {
        get
        {
            long d = Width, m = HiddenWidth;
            long block = 4 * d + (3 * d * d + 3 * d) + (d * d + d) + (d * m + m) + (m * d + d);
            return VocabularySize * d + ContextLength * d + LayerCount * block + 2 * d;
        }
    }

    /// <summary>The width of the hidden layer, given or not.</summary>
    internal int HiddenWidth => MlpWidth ?? 4 * Width;

    /// <summary>Throws if the numbers do not fit together.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range; the message names it and the range.</exception>
    internal void Check()
    {
        Positive(VocabularySize, nameof(VocabularySize));
        Positive(ContextLength, nameof(ContextLength));
        Positive(LayerCount, nameof(LayerCount));
        Positive(HeadCount, nameof(HeadCount));
        Positive(Width, nameof(Width));
        if (MlpWidth is null && Width > int.MaxValue / 4)
            throw new ArgumentOutOfRangeException(nameof(Width), Width, $"Width must be at most {int.MaxValue / 4}, or MlpWidth given.");
        Positive(HiddenWidth, nameof(MlpWidth));
        if (Width % HeadCount != 0)
            throw new ArgumentOutOfRangeException(nameof(HeadCount), HeadCount, $"HeadCount must divide Width, which is {Width}.");
        if (!(LayerNormEpsilon > 0 && double.IsFinite(LayerNormEpsilon)))
            throw new ArgumentOutOfRangeException(
                nameof(LayerNormEpsilon), LayerNormEpsilon, "LayerNormEpsilon must be positive and finite.");
    }

    private static void Positive(int value, string name)
    {
        if (value <= 0) throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");
    }
}
