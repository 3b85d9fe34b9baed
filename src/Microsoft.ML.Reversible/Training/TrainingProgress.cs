using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Reversible;

/// <summary>Where a training run stands.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="MaxSteps">Steps in all.</param>
/// <param name="Tokens">Tokens trained on so far; padding does not count.</param>
/// <param name="Loss">Mean loss of this step's tokens, nats.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="GradNorm">The global norm of the gradients before clipping.</param>
/// <param name="TokensPerSecond">Tokens trained on a second since the last report, evaluation and checkpoints not counted.</param>
/// <param name="ValidationLoss">Mean loss on held-out tokens, nats, where this step was followed by an evaluation; else null.</param>
/// <param name="ValidationBitsPerByte">
/// Bits that the model needs for a byte of the held-out text, where this step was followed by an evaluation and the text's bytes are known;
/// else null.
/// </param>
/// <param name="HostMemoryBytes">The memory that the process holds in RAM, bytes; device memory is not in it.</param>
/// <param name="SkippedSteps">Steps skipped so far because their gradients were not finite or far too large.</param>
/// <param name="DeviceMemoryBytes">
/// The memory that the process holds on its GPU, bytes, with the driver's context and what libtorch's allocator keeps; null on the CPU, or
/// where the driver does not say.
/// </param>
public sealed record TrainingProgress(
    int Step,
    int MaxSteps,
    long Tokens,
    double Loss,
    double LearningRate,
    double GradNorm,
    double TokensPerSecond,
    double? ValidationLoss,
    double? ValidationBitsPerByte = null,
    [property: JsonPropertyName("MemoryBytes")] long HostMemoryBytes = 0,
    long SkippedSteps = 0,
    long? DeviceMemoryBytes = null)
{
    private const double BytesPerGiB = 1 << 30;

    /// <summary>e to the power of <see cref="ValidationLoss"/>.</summary>
    public double? ValidationPerplexity => ValidationLoss is { } loss ? Math.Exp(loss) : null;

    /// <summary>
    /// The report as one line of JSON with the fields step, tokens, loss, learning_rate, grad_norm, tokens_per_s and host_memory_gib, on a
    /// GPU device_memory_gib, and after an evaluation validation_loss, bits_per_byte and perplexity. A number that is not finite is null.
    /// </summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("step", Step);
            json.WriteNumber("tokens", Tokens);
            json.WriteNumberOrNull("loss", Loss);
            json.WriteNumberOrNull("learning_rate", LearningRate);
            json.WriteNumberOrNull("grad_norm", GradNorm);
            json.WriteNumberOrNull("tokens_per_s", Math.Round(TokensPerSecond, 1));
            json.WriteNumberOrNull("host_memory_gib", Math.Round(HostMemoryBytes / BytesPerGiB, 4));
            if (DeviceMemoryBytes is { } device) json.WriteNumberOrNull("device_memory_gib", Math.Round(device / BytesPerGiB, 4));
            if (ValidationLoss is { } loss) json.WriteNumberOrNull("validation_loss", loss);
            if (ValidationBitsPerByte is { } bits) json.WriteNumberOrNull("bits_per_byte", bits);
            if (ValidationPerplexity is { } perplexity) json.WriteNumberOrNull("perplexity", perplexity);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
