using Microsoft.ML.Reversible.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>What a run minimises: a sum over the tokens of a batch; and what the best of its evaluations has least of.</summary>
internal interface ITrainingObjective
{
    /// <summary>All that the objective adds to what decides a run's curve, by name.</summary>
    IEnumerable<KeyValuePair<string, string>> Settings { get; }

    /// <summary>Whether training windows must lie at the same places in every epoch.</summary>
    bool NeedsFixedWindows => false;

    /// <summary>Adds the gradients of the scaled loss to the parameters' <c>grad</c>.</summary>
    /// <param name="model">The model that is trained.</param>
    /// <param name="batch">The windows.</param>
    /// <param name="scale">What the summed loss is multiplied by, as 1 / tokens for a mean over the targets that count.</param>
    /// <param name="seed">Seeds what the scheme draws for this pass.</param>
    /// <param name="layerDone">As in <see cref="StackPass.Backward(Tensor, Action{int})"/>.</param>
    /// <returns>The unscaled loss summed over the batch's tokens: a float64 scalar on the model's device.</returns>
    Tensor Differentiate(LanguageNetwork model, TokenBatch batch, double scale, long seed, Action<int>? layerDone);

    /// <summary>Measures a model on a batch of held-out windows, without gradients.</summary>
    /// <returns>
    /// The cross-entropy of the text and what the best evaluation has least of, nats, both summed over the targets that count.
    /// </returns>
    (double CrossEntropy, double Loss) Evaluate(LanguageNetwork model, TokenBatch batch);
}
