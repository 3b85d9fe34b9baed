using Microsoft.ML.Reversible.Losses;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Next-token loss of a model on a batch, with or without its gradients.</summary>
internal static class LanguageModelLoss
{
    /// <summary>Adds the gradients of the scaled loss to the parameters' <c>grad</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, int64, of shape [batch, context].</param>
    /// <param name="targets">
    /// The ids that follow, int64, of shape [batch * context]; <see cref="ChunkedCrossEntropy.Ignored"/> where a token does not count.
    /// </param>
    /// <param name="scale">What the summed loss is multiplied by, as 1 / tokens for a mean over the targets that count.</param>
    /// <param name="seed">Seeds what the scheme draws for this pass.</param>
    /// <param name="labelSmoothing">The part of the target that is spread evenly over the vocabulary, within [0, 1).</param>
    /// <param name="layerDone">As in <see cref="StackPass.Backward(Tensor, Action{int})"/>.</param>
    /// <returns>The unscaled loss summed over the batch's tokens, nats: a float64 scalar on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, Tensor targets, double scale, long seed = 0, double labelSmoothing = 0,
        Action<int>? layerDone = null) =>
        Differentiate(
            model, ids, seed,
            (hidden, gradWeight) => ChunkedCrossEntropy.Differentiate(
                hidden, model.HeadWeight, targets, gradWeight, scale, labelSmoothing, model.Compute),
            layerDone);

    /// <summary>A loss of the last hidden states.</summary>
    /// <param name="hidden">The states behind the final norm, without a graph, of shape [batch * context, width].</param>
    /// <param name="gradWeight">What the gradient of the head's matrix is added to; null where it is frozen.</param>
    /// <returns>The loss, a float64 scalar, and the gradient of the states.</returns>
    public delegate (Tensor LossSum, Tensor GradHidden) HeadLoss(Tensor hidden, Tensor? gradWeight);

    /// <summary>Adds the gradients of a loss at the head to the parameters' <c>grad</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, int64, of shape [batch, context].</param>
    /// <param name="seed">Seeds what the scheme draws for this pass.</param>
    /// <param name="head">The loss.</param>
    /// <param name="layerDone">As in <see cref="StackPass.Backward"/>.</param>
    /// <param name="streamGradient">As in <see cref="StackPass.BackwardWithStreams"/>, for what else is minimised.</param>
    /// <returns>The head's loss, on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, long seed, HeadLoss head, Action<int>? layerDone = null,
        Func<int, Tensor, Tensor?>? streamGradient = null)
    {
        using var scope = NewDisposeScope();
        using var withGraph = enable_grad();
        Tensor embedded = model.Embed(ids);
        using StackPass pass = model.Stack.Forward(embedded, seed);
        (Tensor lossSum, Tensor gradOutput) = DifferentiateHead(model, pass.Output, head);
        if (embedded.requires_grad) autograd.backward(embedded, pass.BackwardWithStreams(gradOutput, layerDone, streamGradient));
        else pass.BackwardToWeights(gradOutput, layerDone, streamGradient);
        return lossSum.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The log-likelihood of each target, nats, float32, of shape [batch * context]; 0 where one is ignored; no gradients.
    /// </summary>
    /// <inheritdoc cref="Differentiate(LanguageNetwork, Tensor, Tensor, double, long, double, Action{int})"/>
    public static Tensor LogLikelihood(LanguageNetwork model, Tensor ids, Tensor targets)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor hidden = model.FinalNorm(model.Stack.Evaluate(model.Embed(ids))).flatten(0, 1);
        return ChunkedCrossEntropy.LogLikelihood(hidden, model.HeadWeight, targets, model.Compute).MoveToOuterDisposeScope();
    }

    private static (Tensor LossSum, Tensor GradOutput) DifferentiateHead(LanguageNetwork model, Tensor output, HeadLoss head)
    {
        using var scope = NewDisposeScope();
        Tensor stream = output.detach().requires_grad_();
        Tensor hidden = model.FinalNorm(stream).flatten(0, 1);
        using Tensor? gradWeight = model.HeadWeight.requires_grad ? model.HeadWeight.grad ?? ZeroGradient(model.HeadWeight) : null;
        (Tensor lossSum, Tensor gradHidden) = head(hidden.detach(), gradWeight);
        autograd.backward(hidden, gradHidden);
        return (lossSum.MoveToOuterDisposeScope(), stream.grad!.MoveToOuterDisposeScope());
    }

    private static Tensor ZeroGradient(Parameter parameter)
    {
        using var noGraph = no_grad();
        Tensor gradient = zeros_like(parameter);
        parameter.grad = gradient;
        return gradient;
    }
}
