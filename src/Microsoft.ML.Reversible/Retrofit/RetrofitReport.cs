using Microsoft.ML.Reversible.Retrofitting;

namespace Microsoft.ML.Reversible;

/// <summary>What a teacher was converted to, how far that is from the teacher before and after distillation, and what it takes.</summary>
public sealed record RetrofitReport
{
    /// <summary>The student's scheme.</summary>
    public required Scheme Scheme { get; init; }

    /// <summary>How far the student is from the teacher before any training, on held-out text.</summary>
    public required RetrofitAgreement Before { get; init; }

    /// <summary>The same after distillation; null before it.</summary>
    public RetrofitAgreement? After { get; init; }

    /// <summary>What the streams of a training batch take.</summary>
    public required StreamMemory Memory { get; init; }

    /// <summary>The bytes that the way back keeps for each activation of the stream in each layer: side bits; 0 where none.</summary>
    public double BytesPerActivation => Scheme.SideBitsPerActivation / 8.0;

    /// <summary>
    /// How well fixed-point steps find the stream before each layer, from layer 1; empty unless the scheme uses such steps or they were
    /// asked for.
    /// </summary>
    public IReadOnlyList<LayerEstimate> Estimates { get; init; } = [];

    /// <summary>Whether such steps help, in words; null where <see cref="Estimates"/> is empty.</summary>
    public string? EstimateVerdict => Retrofitting.EstimateVerdict.Of(Estimates);

    /// <summary>
    /// The conversions that were measured to choose one, the nearest to the teacher first; empty where the scheme was given.
    /// </summary>
    public IReadOnlyList<RetrofitCandidate> Candidates { get; init; } = [];

    /// <summary>Why <see cref="Scheme"/> was chosen; null where it was given.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// The step sizes that were tried, each with how far the student was from the teacher; empty where none was searched for.
    /// </summary>
    public IReadOnlyList<RetrofitCandidate> StepSizes { get; init; } = [];

    /// <summary>The report as one line of JSON; a number that is not finite is null.</summary>
    public string ToJson() => RetrofitJson.Of(this);

    /// <summary>The report as tables in plain text, with the best of <see cref="StepSizes"/> only.</summary>
    public override string ToString() => RetrofitText.Of(this);
}
