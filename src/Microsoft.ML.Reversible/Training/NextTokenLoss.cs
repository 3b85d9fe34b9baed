using Microsoft.ML.Reversible.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The cross-entropy of the next token, nats.</summary>
/// <param name="labelSmoothing">The part of the target that is spread evenly over the vocabulary, within [0, 1).</param>
internal sealed class NextTokenLoss(double labelSmoothing) : ITrainingObjective
{
    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Settings => [];

    /// <inheritdoc/>
    public Tensor Differentiate(LanguageNetwork model, TokenBatch batch, double scale, long seed, Action<int>? layerDone)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(model.Device);
        return LanguageModelLoss.Differentiate(model, ids, targets, scale, seed, labelSmoothing, layerDone).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public (double CrossEntropy, double Loss) Evaluate(LanguageNetwork model, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(model.Device);
        double crossEntropy = -LanguageModelLoss.LogLikelihood(model, ids, targets).sum(ScalarType.Float64).item<double>();
        return (crossEntropy, crossEntropy);
    }
}
