using Microsoft.ML.Reversible.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The loss on held-out windows, taken in order and without overlap.</summary>
/// <param name="Mean">Mean loss, nats; null where nothing was held out.</param>
/// <param name="Tokens">The number of tokens that it is the mean over.</param>
internal readonly record struct HeldOutLoss(double? Mean, long Tokens)
{
    /// <summary>Measures a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="windows">The data; only its held-out part is read.</param>
    /// <param name="options">Gives the batch size.</param>
    /// <param name="maxBatches">The most batches to take.</param>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static HeldOutLoss Measure(LanguageNetwork model, TokenWindows windows, ReversibleLmTrainer.Options options, int maxBatches)
    {
        double sum = 0;
        long tokens = 0;
        foreach (TokenBatch batch in windows.HeldOut(options.BatchSize).Take(maxBatches))
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            (Tensor ids, Tensor targets) = batch.ToTensors(model.Device);
            Tensor logLikelihood = LanguageModelLoss.LogLikelihood(model, ids, targets);
            sum -= logLikelihood.sum(ScalarType.Float64).item<double>();
            tokens += batch.Targets.Length;
        }
        return tokens == 0 ? default : new(sum / tokens, tokens);
    }
}
