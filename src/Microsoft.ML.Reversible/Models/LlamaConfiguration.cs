using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The shape of a transformer of the Llama family.</summary>
public sealed record LlamaConfiguration : LanguageModelConfiguration
{
    private const int MlpWidthMultiple = 32;

    /// <summary>
    /// Number of heads of keys and values, which groups of query heads share; it divides the head count. Null is the head count.
    /// </summary>
    public int? KeyValueHeadCount { get; init; }

    /// <summary>Length of a head's vectors, even and positive; null is the width over the head count.</summary>
    public int? HeadWidth { get; init; }

    /// <summary>The base of the rotary positions' wavelengths, positive.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Llama;

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long d = Width, m = HiddenWidth, query = (long)HeadCount * HeadSize, keyValue = (long)KeyValueHeads * HeadSize;
            long block = 2 * d + d * (query + 2 * keyValue) + query * d + 3 * d * m;
            return (TiedHead ? 1 : 2) * VocabularySize * d + LayerCount * block + d;
        }
    }

    /// <summary>Two thirds of four times the width, rounded up to a multiple of 32, where it is not given.</summary>
    internal override int HiddenWidth =>
        MlpWidth ?? (int)(((8L * Width + 2) / 3 + MlpWidthMultiple - 1) / MlpWidthMultiple * MlpWidthMultiple);

    internal int KeyValueHeads => KeyValueHeadCount ?? HeadCount;

    internal int HeadSize => HeadWidth ?? Width / HeadCount;

    private protected override LanguageNetwork Make(
        Scheme scheme, WayBack wayBack, Arithmetic arithmetic, Precision precision, Device device, int? seed) =>
        new LlamaModel(this, scheme, wayBack, arithmetic, precision, device, seed);

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        if (HeadWidth is null && Width % HeadCount != 0)
            throw new ArgumentOutOfRangeException(
                nameof(HeadCount), HeadCount, $"HeadCount must divide Width, which is {Width}, or HeadWidth be given.");
        if (HeadSize <= 0 || HeadSize % 2 != 0)
            throw new ArgumentOutOfRangeException(
                nameof(HeadWidth), HeadSize,
                "HeadWidth, or Width over HeadCount, must be even and at least 2: rotary positions turn pairs.");
        Positive(KeyValueHeads, nameof(KeyValueHeadCount));
        if (HeadCount % KeyValueHeads != 0)
            throw new ArgumentOutOfRangeException(
                nameof(KeyValueHeadCount), KeyValueHeads, $"KeyValueHeadCount must divide HeadCount, which is {HeadCount}.");
        if (!(RopeTheta > 0 && double.IsFinite(RopeTheta)))
            throw new ArgumentOutOfRangeException(nameof(RopeTheta), RopeTheta, "RopeTheta must be positive and finite.");
    }
}
