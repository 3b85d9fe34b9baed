using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Fine-tuning on conversations: the cross-entropy of the assistant's tokens, in nats.</summary>
/// <param name="start">The model with its format; the caller owns it.</param>
/// <param name="tokens">The conversations, cut into windows.</param>
/// <param name="options">The options, already checked.</param>
internal sealed class FineTuneTask(FineTuneStart start, ITokenSource tokens, FineTuneEstimator.Options options)
    : LanguageModelingTask(start.Model, tokens, options)
{
    /// <inheritdoc/>
    public override IEnumerable<FingerprintEntry> Fingerprint => [.. base.Fingerprint, .. start.Fingerprint];
}
