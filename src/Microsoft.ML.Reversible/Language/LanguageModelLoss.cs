using Microsoft.ML.Reversible.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Computes the next-token loss of a model on a batch, with or without gradients.</summary>
internal static class LanguageModelLoss
{
    /// <summary>Adds the gradients of the scaled loss to the parameters' <c>grad</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, int64, of shape [batch, context].</param>
    /// <param name="targets">
    /// The ids that follow, int64, of shape [batch * context]; <see cref="ChunkedCrossEntropy.Ignored"/> for a target that is ignored.
    /// </param>
    /// <param name="step">
    /// The step that the pass is part of; its scale is 1 / tokens for a mean over the targets that are not ignored.
    /// </param>
    /// <param name="labelSmoothing">The part of the target's probability that is spread evenly over the vocabulary, within [0, 1).</param>
    /// <returns>The unscaled loss summed over the batch's tokens, nats: a float64 scalar on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, Tensor targets, StepContext step, double labelSmoothing = 0) =>
        Differentiate(model, ids, step, (hidden, rows, gradWeight) => ChunkedCrossEntropy.Differentiate(
            hidden, model.HeadWeight, rows.Of(targets, ids.shape[1]), gradWeight, step.Scale, labelSmoothing, model.Compute));

    /// <summary>Computes a loss from the last hidden states.</summary>
    /// <param name="hidden">The output of the final norm, without a graph, of shape [rows * context, width].</param>
    /// <param name="rows">The rows of the batch that the states belong to.</param>
    /// <param name="gradWeight">The buffer that the gradient of the head's matrix is added to; null if the matrix is frozen.</param>
    /// <returns>The loss, a float64 scalar, and the gradient of the states.</returns>
    public delegate (Tensor LossSum, Tensor GradHidden) HeadLoss(Tensor hidden, RowRange rows, Tensor? gradWeight);

    /// <summary>Adds the gradients of a loss at the head to the parameters' <c>grad</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, int64, of shape [batch, context].</param>
    /// <param name="step">The step that the pass is part of.</param>
    /// <param name="head">The loss, called for each batch part in turn.</param>
    /// <param name="stateGradient">The gradient of a loss on the hidden states between the layers, in the form that the pass takes.</param>
    /// <returns>The head's loss, a float64 scalar on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, StepContext step, HeadLoss head, Func<int, RowRange, Tensor, Tensor?>? stateGradient = null)
    {
        using var scope = NewDisposeScope();
        using var withGraph = enable_grad();
        Tensor embedded = model.Embed(ids);
        using StackPass pass = model.Stack.Forward(embedded, step.Seed);
        Tensor lossSum = zeros(1, dtype: ScalarType.Float64, device: ids.device);
        List<Tensor> gradients = [.. pass.TakeOutputs().Select(part => DifferentiateHead(model, part.Rows, part.Output, head, lossSum))];
        Tensor? ofInput = pass.Backward(gradients, step.LayerDone, stateGradient, toInput: embedded.requires_grad);
        if (ofInput is not null) autograd.backward(embedded, ofInput);
        return lossSum.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns the log-likelihood of each target in nats, float32, of shape [batch * context]; 0 for an ignored target. Computes no
    /// gradients.
    /// </summary>
    /// <inheritdoc cref="Differentiate(LanguageNetwork, Tensor, Tensor, StepContext, double)"/>
    public static Tensor LogLikelihood(LanguageNetwork model, Tensor ids, Tensor targets)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor hidden = model.FinalNorm(model.Stack.Evaluate(model.Embed(ids))).flatten(0, 1);
        return ChunkedCrossEntropy.LogLikelihood(hidden, model.HeadWeight, targets, model.Compute).MoveToOuterDisposeScope();
    }

    /// <summary>Adds a batch part's loss to the sum and returns the gradient with respect to its output; disposes of the output.</summary>
    private static Tensor DifferentiateHead(LanguageNetwork model, RowRange rows, Tensor output, HeadLoss head, Tensor lossSum)
    {
        using var scope = NewDisposeScope();
        using Tensor taken = output;
        Tensor state = output.detach().requires_grad_();
        Tensor hidden = model.FinalNorm(state).flatten(0, 1);
        using Tensor? gradWeight = model.HeadWeight.requires_grad ? model.HeadWeight.grad ?? ZeroGradient(model.HeadWeight) : null;
        (Tensor loss, Tensor gradHidden) = head(hidden.detach(), rows, gradWeight);
        using (no_grad()) lossSum.add_(loss);
        autograd.backward(hidden, gradHidden);
        return state.grad!.MoveToOuterDisposeScope();
    }

    private static Tensor ZeroGradient(Parameter parameter)
    {
        using var noGraph = no_grad();
        Tensor gradient = zeros_like(parameter);
        parameter.grad = gradient;
        return gradient;
    }
}
