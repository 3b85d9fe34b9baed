using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Computes losses that depend on the log-likelihoods of whole sequences, the rows of a batch.</summary>
/// <remarks>
/// The head is computed twice, chunk by chunk: first for the log-likelihoods of all rows, which may lie in different batch parts, then for
/// the gradients, with the loss's derivative by its row's log-likelihood as each token's weight. The logits of all tokens never exist.
/// </remarks>
internal static class SequenceLoss
{
    /// <summary>A loss of the log-likelihoods of sequences, without a graph.</summary>
    /// <param name="logLikelihoods">The log-likelihood of each row's targets, nats, float64, of shape [rows].</param>
    /// <returns>The loss, a float64 scalar, and its derivative by each log-likelihood, float64, of shape [rows].</returns>
    public delegate (Tensor Loss, Tensor Gradient) OfRows(Tensor logLikelihoods);

    /// <summary>Adds the gradients of the scaled loss to the parameters' <c>grad</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, int64, of shape [rows, context].</param>
    /// <param name="targets">
    /// The ids that follow, int64, of shape [rows * context]; <see cref="ChunkedCrossEntropy.Ignored"/> for a target that is ignored.
    /// </param>
    /// <param name="step">The step that the pass is part of; its scale multiplies the gradients.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="dropout">What is dropped; the rate of adapters is that of the model's.</param>
    /// <returns>The unscaled loss, a float64 scalar on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, Tensor targets, StepContext step, OfRows loss, DropoutRates dropout = default)
    {
        using var scope = NewDisposeScope();
        long context = ids.shape[1];
        Tensor? weights = null, value = null;
        LanguageModelLoss.Differentiate(model, ids, step, Head, dropout: dropout, before: Weigh);
        return value!.MoveToOuterDisposeScope();

        void Weigh(IEnumerable<(RowRange Rows, Tensor Output)> parts)
        {
            using var inner = NewDisposeScope();
            using var noGraph = no_grad();
            List<Tensor> each = [.. parts.Select(part => OfPart(model, part.Output, part.Rows.Of(targets, context)))];
            (Tensor ofRows, Tensor gradient) = loss(Sum(cat(each, 0), context));
            value = ofRows.MoveToOtherDisposeScope(scope);
            // A token's loss is minus its log-likelihood.
            weights = gradient.neg().to(ScalarType.Float32).repeat_interleave(context).MoveToOtherDisposeScope(scope);
        }

        (Tensor LossSum, Tensor GradHidden) Head(Tensor hidden, RowRange rows, Tensor? gradWeight) => ChunkedCrossEntropy.Differentiate(
            hidden, model.HeadWeight, rows.Of(targets, context), gradWeight, step.Scale, labelSmoothing: 0, model.Compute,
            cap: model.Configuration.LogitCap, weights: rows.Of(weights!, context));
    }

    /// <summary>Returns the log-likelihood of each row's targets, nats, float64, of shape [rows]. Computes no gradients.</summary>
    /// <inheritdoc cref="Differentiate"/>
    public static Tensor LogLikelihood(LanguageNetwork model, Tensor ids, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return Sum(LanguageModelLoss.LogLikelihood(model, ids, targets), ids.shape[1]).MoveToOuterDisposeScope();
    }

    private static Tensor OfPart(LanguageNetwork model, Tensor output, Tensor targets)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = model.FinalNorm(output).flatten(0, 1);
        return ChunkedCrossEntropy.LogLikelihood(hidden, model.HeadWeight, targets, model.Compute, cap: model.Configuration.LogitCap)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Sum(Tensor each, long context) => each.view(-1, context).sum(1, type: ScalarType.Float64);
}
