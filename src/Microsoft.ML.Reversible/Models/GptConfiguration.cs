using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The shape of a transformer of the GPT-2 family.</summary>
public sealed record GptConfiguration : LanguageModelConfiguration
{
    /// <summary>The function between the two layers of the MLP.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Gpt2;

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long d = Width, m = HiddenWidth;
            long block = 4 * d + (3 * d * d + 3 * d) + (d * d + d) + (d * m + m) + (m * d + d);
            return (TiedHead ? 1 : 2) * VocabularySize * d + ContextLength * d + LayerCount * block + 2 * d;
        }
    }

    /// <summary>Four times the width where it is not given.</summary>
    internal override int HiddenWidth => MlpWidth ?? 4 * Width;

    private protected override LanguageNetwork Make(
        Scheme scheme, WayBack wayBack, Arithmetic arithmetic, Precision precision, Device device, int? seed) =>
        new GptModel(this, scheme, wayBack, arithmetic, precision, device, seed);

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        if (Width % HeadCount != 0)
            throw new ArgumentOutOfRangeException(nameof(HeadCount), HeadCount, $"HeadCount must divide Width, which is {Width}.");
    }
}
