using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>
/// A row of the benchmark: a measurement, or the reason why there is none, or the result of a search. Fields that other benchmark
/// programs print have the same names as there, so that both fit into one table.
/// </summary>
internal sealed record BenchRow
{
    /// <summary>Why a search ended.</summary>
    public const string LimitMemory = "memory", LimitMaxBatch = "max-batch", LimitError = "error";

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string Program { get; init; } = CommandLine.Name;

    /// <summary>store, ckpt or rev, for the backward mode.</summary>
    public required string Mode { get; init; }

    /// <summary>The family, such as gpt2.</summary>
    public required string Family { get; init; }

    public required int Layers { get; init; }

    public required int Width { get; init; }

    public required int Heads { get; init; }

    public required int Context { get; init; }

    /// <summary>Windows in a batch; null in the result of a search.</summary>
    public int? Batch { get; init; }

    public required string Precision { get; init; }

    /// <summary>Number of tokens in a chunk of logits.</summary>
    public long? ChunkLoss { get; init; }

    public double? TokensPerS { get; init; }

    public double? SamplesPerS { get; init; }

    /// <summary>Peak memory of the process on the device; on the CPU its peak resident memory.</summary>
    public double? PeakGib { get; init; }

    /// <summary>Mean loss of the last step, nats per token.</summary>
    public double? Loss { get; init; }

    public required string Scheme { get; init; }

    public required string BackwardMode { get; init; }

    /// <summary>Number of last layers that store their activations in the reversible mode.</summary>
    public int KeptLayers { get; init; }

    public required string Arithmetic { get; init; }

    public required string OptimizerPlacement { get; init; }

    /// <summary>True if a step repeats to the bit on a GPU too; never false.</summary>
    public bool? Deterministic { get; init; }

    /// <summary>The rank of LoRA adapters; null where all weights are trained.</summary>
    public int? LoraRank { get; init; }

    /// <summary>The number type of the frozen weights under adapters; null where all weights are trained.</summary>
    public string? BasePrecision { get; init; }

    public required string Device { get; init; }

    /// <summary>The version of libtorch.</summary>
    public string? Libtorch { get; init; }

    /// <summary>Median time of a step, in seconds.</summary>
    public double? StepS { get; init; }

    /// <summary>The memory in use before the model was created: runtime, libtorch, the driver's context.</summary>
    public double? BaseGib { get; init; }

    /// <summary>The part of the peak that parameters, gradients and AdamW's moments take.</summary>
    public double? FixedGib { get; init; }

    /// <summary>Number of trained parameters.</summary>
    public long? TrainedParameters { get; init; }

    /// <summary>True if memory ran out; never false.</summary>
    public bool? OutOfMemory { get; init; }

    /// <summary>Why the options conflict.</summary>
    public string? Conflict { get; init; }

    /// <summary>Why there is no measurement, in one line, if the reason is not memory.</summary>
    public string? Error { get; init; }

    /// <summary>The largest batch that fits, found by a search; 0 if none fits.</summary>
    public int? LargestBatch { get; init; }

    /// <summary>The batch with the most tokens per second.</summary>
    public int? BestBatch { get; init; }

    public double? BestTokensPerS { get; init; }

    /// <summary>Why the search ended: memory, max-batch or error.</summary>
    public string? Limit { get; init; }

    [JsonIgnore]
    public bool IsMeasured => TokensPerS is not null;

    public string ToJson() => JsonSerializer.Serialize(this, _json);

    /// <summary>Reads a line that <see cref="ToJson"/> wrote; null if the line is something else.</summary>
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
