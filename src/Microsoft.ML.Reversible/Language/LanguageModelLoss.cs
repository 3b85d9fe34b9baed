using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
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
    /// <param name="documents">The documents that share rows; null where each row is one sequence.</param>
    /// <param name="dropout">What is dropped; the rate of adapters is that of the model's.</param>
    /// <returns>The unscaled loss summed over the batch's tokens, nats: a float64 scalar on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, Tensor targets, StepContext step, double labelSmoothing = 0,
        TokenDocuments? documents = null, DropoutRates dropout = default)
    {
        return Differentiate(model, ids, step, Head, documents: documents, dropout: dropout);

        (Tensor LossSum, Tensor GradHidden) Head(Tensor hidden, RowRange rows, Tensor? gradWeight) => ChunkedCrossEntropy.Differentiate(
            hidden, model.HeadWeight, rows.Of(targets, ids.shape[1]), gradWeight, step.Scale, labelSmoothing, model.Compute,
            cap: model.Configuration.LogitCap);
    }

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
    /// <param name="documents">The documents that share rows; null where each row is one sequence.</param>
    /// <param name="dropout">What is dropped; the rate of adapters is that of the model's.</param>
    /// <param name="before">Called with the rows and the outputs of all batch parts, before the loss of the first.</param>
    /// <returns>The head's loss, a float64 scalar on the model's device.</returns>
    public static Tensor Differentiate(
        LanguageNetwork model, Tensor ids, StepContext step, HeadLoss head, Func<int, RowRange, Tensor, Tensor?>? stateGradient = null,
        TokenDocuments? documents = null, DropoutRates dropout = default,
        Action<IEnumerable<(RowRange Rows, Tensor Output)>>? before = null)
    {
        using var scope = NewDisposeScope();
        using var withGraph = enable_grad();
        var settings = new PassSettings(step.Seed, documents, dropout with { Adapter = model.Adapter?.Dropout ?? 0 });
        Tensor embedded = PartContext.DropInput(settings, model.Embed(ids, documents));
        using StackPass pass = model.Stack.Forward(embedded, settings);
        Tensor lossSum = zeros(1, dtype: ScalarType.Float64, device: ids.device);
        before?.Invoke(pass.ReadOutputs());
        List<Tensor> gradients = [.. pass.TakeOutputs().Select(part => DifferentiateHead(model, part.Rows, part.Output, head, lossSum))];
        Tensor? ofInput = pass.Backward(gradients, step.LayerDone, stateGradient, toInput: embedded.requires_grad);
        if (ofInput is not null) autograd.backward(embedded, ofInput);
        return lossSum.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns the log-likelihood of each target in nats, float32, of shape [batch * context]; 0 for an ignored target. Computes no
    /// gradients.
    /// </summary>
    /// <inheritdoc cref="Differentiate(LanguageNetwork, Tensor, Tensor, StepContext, double, TokenDocuments?, DropoutRates)"/>
    public static Tensor LogLikelihood(LanguageNetwork model, Tensor ids, Tensor targets, TokenDocuments? documents = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor output = model.Stack.Evaluate(model.Embed(ids, documents), new PassSettings(Documents: documents));
        Tensor hidden = model.FinalNorm(output).flatten(0, 1);
        return ChunkedCrossEntropy.LogLikelihood(hidden, model.HeadWeight, targets, model.Compute, cap: model.Configuration.LogitCap)
            .MoveToOuterDisposeScope();
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

/// <summary>
/// Computes the linear head and cross-entropy together, chunk by chunk, so that the full logits of shape [tokens, vocabulary] never exist.
/// With logits z = h Wᵀ and target t, in nats:
/// <code>
///     loss = logsumexp(z) - (1-ε) z_t - ε mean(z)       dz = softmax(z) - (1-ε) onehot(t) - ε / V       dh = dz W       dW = dzᵀ h
/// </code>
/// ε is the label smoothing and V the vocabulary size: the loss is (1-ε) times the target's plus ε times the mean over all tokens. A soft
/// cap of the logits multiplies dz by its slope.
/// </summary>
internal static class ChunkedCrossEntropy
{
    /// <summary>The maximum number of logits in a chunk without gradients: 64 MiB of float32.</summary>
    private const long LikelihoodElements = 16 << 20;

    /// <summary>The target of a token that is ignored: its loss and gradients are 0, even where its hidden state is not finite.</summary>
    public const long Ignored = TokenBatch.Ignored;

    /// <summary>Returns the log-likelihood of each target, 0 where it is <see cref="Ignored"/>.</summary>
    /// <param name="hidden">h, of shape [tokens, width].</param>
    /// <param name="weight">W, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="compute">The number type of the matrix products; everything else is float32.</param>
    /// <param name="chunkElements">The maximum number of logits in a chunk.</param>
    /// <param name="cap">The <see cref="SoftCap"/> of the logits; null for none.</param>
    /// <returns>Nats, float32, of shape [tokens].</returns>
    public static Tensor LogLikelihood(
        Tensor hidden, Tensor weight, Tensor targets, ScalarType compute, long? chunkElements = null, double? cap = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = weight.to(compute);
        var parts = new List<Tensor>();
        foreach ((long start, long length) in LogitChunks.Of(hidden.shape[0], weight.shape[0], chunkElements ?? LikelihoodElements))
        {
            using var chunk = NewDisposeScope();
            Tensor logits = hidden.narrow(0, start, length).to(compute).mm(w.t()).to(ScalarType.Float32);
            if (cap is { } most) logits = SoftCap.Of(logits, most);
            (Tensor target, Tensor ignored) = Targets(targets, start, length);
            Tensor each = logits.log_softmax(1).gather(1, target);
            parts.Add(each.masked_fill_(ignored, 0).squeeze(1).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the loss summed over the tokens, and the gradients of that sum times <paramref name="scale"/>.</summary>
    /// <param name="hidden">h, of shape [tokens, width], float32 or of the type of the matrix products.</param>
    /// <param name="weight">W, float32, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="gradWeight">The buffer that the scaled dW is added to, float32, of W's shape; null if it is not needed.</param>
    /// <param name="scale">The factor of the gradients, for example 1 / tokens for a mean; not 0.</param>
    /// <param name="labelSmoothing">ε, within [0, 1).</param>
    /// <param name="compute">
    /// The number type of the matrix products. With bfloat16 the logits are bfloat16; a token's loss is then accurate to about 2e-4 given
    /// these logits, and a mean over many tokens is more accurate.
    /// </param>
    /// <param name="chunkElements">The maximum number of logits in a chunk; null takes the device's default.</param>
    /// <param name="cap">The <see cref="SoftCap"/> of the logits, which are then at least float32; null for none.</param>
    /// <param name="weights">
    /// The factor of each token's loss, of any sign, float32, of shape [tokens]; null for 1. Those of ignored targets must be finite.
    /// </param>
    /// <returns>The unscaled sum in nats (a float64 scalar), and the scaled dh, of h's shape and type.</returns>
    public static (Tensor LossSum, Tensor GradHidden) Differentiate(
        Tensor hidden, Tensor weight, Tensor targets, Tensor? gradWeight, double scale, double labelSmoothing, ScalarType compute,
        long? chunkElements = null, double? cap = null, Tensor? weights = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = LinearHead.Aligned(weight, compute);
        // mean(z) = h mean(W), without a pass over the logits, unless these are capped.
        Tensor? mean = labelSmoothing > 0 && cap is null ? weight.mean([0], keepdim: true, type: MeanType(weight)) : null;
        Tensor gradHidden = empty_like(hidden);
        Tensor sum = zeros(1, dtype: ScalarType.Float64, device: hidden.device);
        long elements = chunkElements ?? LogitChunks.Elements(hidden.device, compute, weight.shape[0]);
        foreach ((long start, long length) in LogitChunks.Of(hidden.shape[0], weight.shape[0], elements))
        {
            using var chunk = NewDisposeScope();
            (Tensor target, Tensor ignored) = Targets(targets, start, length);
            // With h = 0 an ignored token adds nothing to dW and gives no NaN; a pass over h costs less than one over dz.
            Tensor h = hidden.narrow(0, start, length).masked_fill(ignored, 0).to(compute);
            Tensor logits = h.mm(w.t()), gradRows = gradHidden.narrow(0, start, length);
            Tensor? meanLogit = mean is null ? null : (h * mean).sum(1, keepdim: true), slope = null;
            if (cap is { } most)
            {
                logits = SoftCap.Of(compute == ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits, most);
                slope = SoftCap.Slope(logits, most);
                if (labelSmoothing > 0) meanLogit = logits.narrow(1, 0, weight.shape[0]).mean([1], keepdim: true);
            }
            SoftmaxRows rows = SoftmaxRows.Of(logits, target, weight.shape[0]);
            Tensor gradLogits = rows.GradLogits(target, labelSmoothing);
            if (slope is not null) gradLogits = gradLogits.mul_(slope).to(compute);
            Tensor? factor = weights?.narrow(0, start, length).unsqueeze(1);
            // A weighted token's dz is not computed: its factor is applied to h in dW, and to its row of dh, which are smaller.
            LinearHead.Backward(gradLogits, h, w, gradRows, gradWeight, scale, factor is null ? null : (h * factor).to(compute));
            Tensor loss = Loss(rows, h, meanLogit, labelSmoothing, gradRows, scale).masked_fill_(ignored, 0);
            sum.add_((factor is null ? loss : loss * factor).sum(ScalarType.Float64));
            if (factor is not null) gradRows.mul_(factor);
            gradRows.masked_fill_(ignored, 0);
        }
        return (sum.MoveToOuterDisposeScope(), gradHidden.MoveToOuterDisposeScope());
    }

    /// <summary>The type of a mean over W's rows: that of a frozen bfloat16 matrix would have three digits.</summary>
    private static ScalarType MeanType(Tensor weight) => weight.dtype == ScalarType.BFloat16 ? ScalarType.Float32 : weight.dtype;

    /// <summary>Returns the loss of each row, of shape [rows, 1].</summary>
    private static Tensor Loss(SoftmaxRows rows, Tensor h, Tensor? meanLogit, double smoothing, Tensor gradRows, double scale)
    {
        Tensor loss = rows.NegativeLogLikelihood;
        if (meanLogit is not null) loss = loss + (rows.Target - meanLogit).mul_(smoothing);
        if (rows.Probabilities.dtype != ScalarType.BFloat16) return loss;
        // The loss is infinite where no sampled token gives the normalizer. Then h·dh = Σ z dz, the loss minus the softmax's entropy, takes
        // its place: the loss is 87 nats or more, and the entropy is about 0 for logits that far apart (at most log V).
        return torch.where(loss.isinf(), (h * gradRows).sum(1, keepdim: true, ScalarType.Float32).div_(scale), loss);
    }

    /// <summary>Returns a chunk's targets, of shape [length, 1], 0 where they are ignored, and the mask of the ignored ones.</summary>
    internal static (Tensor Target, Tensor Ignored) Targets(Tensor targets, long start, long length)
    {
        Tensor target = targets.narrow(0, start, length).unsqueeze(1), ignored = target.eq(Ignored);
        return (target.masked_fill(ignored, 0), ignored);
    }
}
