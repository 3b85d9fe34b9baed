using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Alignment with preferences: the mean loss of pairs of answers.</summary>
/// <param name="start">The model with its format; the caller owns it.</param>
/// <param name="pairs">The pairs.</param>
/// <param name="options">The options, already checked.</param>
internal sealed class PreferenceTask(FineTuneStart start, PreferencePairs pairs, PreferenceEstimator.Options options)
    : LanguageTask(start.Model, pairs, options)
{
    private readonly PreferenceLoss _loss = options.Loss;

    /// <inheritdoc/>
    public override string Unit => "pairs";

    /// <inheritdoc/>
    public override IEnumerable<FingerprintEntry> Fingerprint => [.. base.Fingerprint, .. start.Fingerprint];

    private LanguageNetwork Reference => start.Reference!;

    /// <inheritdoc/>
    internal override long UnitsOf(TokenBatch batch) => batch.Rows / 2;

    /// <inheritdoc/>
    internal override Tensor Differentiate(TokenBatch batch, StepContext step)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(Network.Device);
        Tensor reference = SequenceLoss.LogLikelihood(Reference, ids, targets), counts = CountsOf(targets, batch.Rows);
        return SequenceLoss.Differentiate(Network, ids, targets, step, policy => _loss.Of(policy, reference, counts), Dropout)
            .MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override (double CrossEntropy, double Criterion) Evaluate(TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        double loss = Measure(batch).Loss.item<double>();
        return (loss, loss);
    }

    /// <inheritdoc/>
    public override HeldOutResult? Evaluate(int batchSize, int maxBatches, CancellationToken cancellationToken)
    {
        (double loss, double correct, double chosen, double rejected) = (0, 0, 0, 0);
        long count = 0;
        foreach (TokenBatch batch in pairs.HeldOut(batchSize).Take(maxBatches))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            (Tensor ofBatch, Tensor rewards) = Measure(batch);
            Tensor means = rewards.sum(0, type: ScalarType.Float64);
            loss += ofBatch.item<double>();
            correct += rewards.select(1, 0).gt(rewards.select(1, 1)).sum().item<long>();
            chosen += means[0].item<double>();
            rejected += means[1].item<double>();
            count += UnitsOf(batch);
        }
        if (count == 0) return null;
        var figures = new Dictionary<string, double>
        {
            ["accuracy"] = correct / count,
            ["margin"] = (chosen - rejected) / count,
            ["chosen_reward"] = chosen / count,
            ["rejected_reward"] = rejected / count,
        };
        return new(loss / count, loss / count, count, figures);
    }

    private (Tensor Loss, Tensor Rewards) Measure(TokenBatch batch)
    {
        (Tensor ids, Tensor targets) = batch.ToTensors(Network.Device);
        Tensor policy = SequenceLoss.LogLikelihood(Network, ids, targets);
        Tensor reference = SequenceLoss.LogLikelihood(Reference, ids, targets);
        return (_loss.Of(policy, reference, CountsOf(targets, batch.Rows)).Loss, _loss.Rewards(policy, reference));
    }

    private static Tensor CountsOf(Tensor targets, int rows) =>
        targets.view(rows, -1).ne(TokenBatch.Ignored).sum(1, type: ScalarType.Float64);
}
