using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>
/// What is known of a configuration: a measurement, or why there is none, or what a search found. Fields that other programs for the same
/// purpose print have their names there, so that both stand in one table.
/// </summary>
internal sealed record BenchRow
{
    /// <summary>Why a search went no further.</summary>
    public const string LimitMemory = "memory", LimitMaxBatch = "max-batch", LimitError = "error";

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string Program { get; init; } = CommandLine.Name;

    /// <summary>store, ckpt or rev, for the way back.</summary>
    public required string Mode { get; init; }

    /// <summary>gpt2 or llama.</summary>
    public required string Family { get; init; }

    public required int Layers { get; init; }

    public required int Width { get; init; }

    public required int Heads { get; init; }

    public required int Context { get; init; }

    /// <summary>Windows in a batch; null in what a search found.</summary>
    public int? Batch { get; init; }

    public required string Precision { get; init; }

    /// <summary>Tokens whose logits exist at a time.</summary>
    public long? ChunkLoss { get; init; }

    public double? TokensPerS { get; init; }

    public double? SamplesPerS { get; init; }

    /// <summary>What the process held of the device's memory; on the CPU its peak resident memory.</summary>
    public double? PeakGib { get; init; }

    /// <summary>Mean loss of the last step, nats a token.</summary>
    public double? Loss { get; init; }

    public required string Scheme { get; init; }

    public required string WayBack { get; init; }

    /// <summary>The last layers that keep their activations though the way back is reversible.</summary>
    public int KeptLayers { get; init; }

    public required string Arithmetic { get; init; }

    public required string OptimizerPlacement { get; init; }

    /// <summary>True where the same step has the same bits every time on a GPU too; never false.</summary>
    public bool? Deterministic { get; init; }

    public required string Device { get; init; }

    /// <summary>The version of libtorch.</summary>
    public string? Libtorch { get; init; }

    /// <summary>Median seconds of a step.</summary>
    public double? StepS { get; init; }

    /// <summary>The part of the peak that was taken before the model was made: runtime, libtorch, the driver's context.</summary>
    public double? BaseGib { get; init; }

    /// <summary>The part of the peak that parameters, their gradients and AdamW's moments take.</summary>
    public double? FixedGib { get; init; }

    /// <summary>True where memory ran out; never false.</summary>
    public bool? OutOfMemory { get; init; }

    /// <summary>Why the options do not go together.</summary>
    public string? Conflict { get; init; }

    /// <summary>Why there is no measurement, in a line, where memory was not the reason.</summary>
    public string? Error { get; init; }

    /// <summary>The largest batch that a search found to fit; 0 where none did.</summary>
    public int? LargestBatch { get; init; }

    /// <summary>The batch of the most tokens a second.</summary>
    public int? BestBatch { get; init; }

    public double? BestTokensPerS { get; init; }

    /// <summary>Why the search went no further: memory, max-batch or error.</summary>
    public string? Limit { get; init; }

    [JsonIgnore]
    public bool IsMeasured => TokensPerS is not null;

    public string ToJson() => JsonSerializer.Serialize(this, _json);

    /// <summary>Reads a line that <see cref="ToJson"/> wrote; null where it is something else.</summary>
    public static BenchRow? FromJson(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<BenchRow>(line, _json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
