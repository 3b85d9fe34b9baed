using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The loss on held-out windows, taken in order and without overlap.</summary>
/// <param name="Mean">Mean cross-entropy of the text, nats; null where nothing was held out.</param>
/// <param name="Objective">Mean of what the best evaluation has least of, nats; null where nothing was held out.</param>
/// <param name="BitsPerByte">Bits for a byte of their text; null where nothing was held out or the bytes are not known.</param>
/// <param name="Tokens">The number of tokens that it is the mean over.</param>
internal readonly record struct HeldOutLoss(double? Mean, double? Objective, double? BitsPerByte, long Tokens)
{
    /// <summary>Measures a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="objective">What the model is trained for.</param>
    /// <param name="windows">The data; only its held-out part is read.</param>
    /// <param name="batchSize">Windows in a batch.</param>
    /// <param name="maxBatches">The most batches to take.</param>
    /// <param name="cancellationToken">Ends the measurement between two batches.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static HeldOutLoss Measure(
        LanguageModel model, ITrainingObjective objective, TokenWindows windows, int batchSize, int maxBatches,
        CancellationToken cancellationToken)
    {
        double sum = 0, objectiveSum = 0;
        long tokens = 0, bytes = 0;
        foreach (TokenBatch batch in windows.HeldOut(batchSize).Take(maxBatches))
        {
            cancellationToken.ThrowIfCancellationRequested();
            (double crossEntropy, double loss) = objective.Evaluate(model.Network, batch);
            sum += crossEntropy;
            objectiveSum += loss;
            tokens += batch.TargetCount;
            if (model.HasTokenizer) bytes += BytesOf(batch, model.Tokenizer);
        }
        if (tokens == 0) return default;
        return new(sum / tokens, objectiveSum / tokens, bytes == 0 ? null : sum / Math.Log(2) / bytes, tokens);
    }

    private static long BytesOf(TokenBatch batch, LanguageModelTokenizer tokenizer) =>
        tokenizer.CountBytes([.. batch.Targets.Where(id => id != TokenBatch.Ignored).Select(id => (int)id)]);
}
