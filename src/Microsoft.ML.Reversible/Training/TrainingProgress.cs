using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>A report on the progress of a training run.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="MaxSteps">Steps in all.</param>
/// <param name="UnitCount">Units trained on so far: in a language model, tokens without padding.</param>
/// <param name="Loss">Mean loss of this step's units, nats.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="GradNorm">The global norm of the gradients before clipping.</param>
/// <param name="UnitsPerSecond">Units trained on per second since the last report, without the time of evaluations and checkpoints.</param>
/// <param name="ValidationLoss">Mean loss on held-out units, nats, if an evaluation followed this step; otherwise null.</param>
/// <param name="HostMemoryBytes">The memory that the process holds in RAM, in bytes, without device memory.</param>
/// <param name="SkippedSteps">Steps skipped so far because their gradients were not finite or far too large.</param>
/// <param name="DeviceMemoryBytes">
/// The memory that the process holds on its GPU, in bytes, including the driver's context and libtorch's cached memory; null on the CPU, or
/// if the driver does not report it.
/// </param>
public sealed record TrainingProgress(
    int Step,
    int MaxSteps,
    long UnitCount,
    double Loss,
    double LearningRate,
    double GradNorm,
    double UnitsPerSecond,
    double? ValidationLoss,
    long HostMemoryBytes = 0,
    long SkippedSteps = 0,
    long? DeviceMemoryBytes = null)
{
    private const double BytesPerGiB = 1 << 30;

    /// <summary>The unit that is counted, in the plural: <c>tokens</c> in a language model.</summary>
    public string Unit { get; init; } = "examples";

    /// <summary>
    /// The figures of an evaluation besides <see cref="ValidationLoss"/>, by name: in a language model <c>perplexity</c>, and
    /// <c>bits_per_byte</c> if the number of bytes of the text is known. Empty if no evaluation followed this step.
    /// </summary>
    public IReadOnlyDictionary<string, double> ValidationFigures { get; init; } = new Dictionary<string, double>();

    /// <summary>
    /// The report as one line of JSON with the fields step, tokens (or another <see cref="Unit"/>), loss, learning_rate, grad_norm,
    /// tokens_per_s and host_memory_gib, on a GPU device_memory_gib, and after an evaluation validation_loss and
    /// <see cref="ValidationFigures"/>. A number that is not finite is null.
    /// </summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("step", Step);
            json.WriteNumber(Unit, UnitCount);
            json.WriteNumberOrNull("loss", Loss);
            json.WriteNumberOrNull("learning_rate", LearningRate);
            json.WriteNumberOrNull("grad_norm", GradNorm);
            json.WriteNumberOrNull($"{Unit}_per_s", Math.Round(UnitsPerSecond, 1));
            json.WriteNumberOrNull("host_memory_gib", Math.Round(HostMemoryBytes / BytesPerGiB, 4));
            if (DeviceMemoryBytes is { } device) json.WriteNumberOrNull("device_memory_gib", Math.Round(device / BytesPerGiB, 4));
            if (ValidationLoss is { } loss) json.WriteNumberOrNull("validation_loss", loss);
            foreach ((string name, double value) in ValidationFigures) json.WriteNumberOrNull(name, value);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
