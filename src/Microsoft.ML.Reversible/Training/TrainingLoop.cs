using System.Diagnostics;
using Microsoft.ML.Reversible.Text;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Trains a model on token windows: batches, accumulation, clipping, schedule, evaluation, reports, cancellation.</summary>
internal sealed class TrainingLoop(LanguageNetwork model, TokenWindows windows, ReversibleLmTrainer.Options options, int seed, IChannel channel)
{
    private readonly LearningRateSchedule _schedule =
        new(options.LearningRate, options.FinalLearningRate, options.WarmupSteps, options.MaxSteps);
    private readonly List<TrainingProgress> _history = [];
    private readonly Stopwatch _training = new();

    private long TokensPerStep => (long)options.BatchSize * options.ContextLength * options.GradientAccumulationSteps;

    /// <summary>Runs all steps.</summary>
    /// <exception cref="OperationCanceledException">The option's token was cancelled; checked before each step.</exception>
    /// <exception cref="InvalidOperationException">The loss or its gradient is not finite any more.</exception>
    public TrainingMetrics Run()
    {
        using var optimizer = new FlatAdamW(
            model, model.Stack, new(options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay), OptimizerPlacement.AfterBackward);
        var update = new ParameterUpdate(optimizer, new StepGuard(), options.MaxGradNorm);
        TimeSpan reportedTime = TimeSpan.Zero;
        int reportedStep = 0;
        HeldOutLoss heldOut = default;
        for (int step = 1; step <= options.MaxSteps; step++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            bool evaluate = step % options.EvaluationInterval == 0 || step == options.MaxSteps;
            bool report = evaluate || step == 1 || step % options.ReportInterval == 0;
            double rate = _schedule.At(step - 1);

            _training.Start();
            (double loss, double gradNorm) = Step(update, step, rate, readLoss: report);
            _training.Stop();
            if (!report) continue;

            double seconds = (_training.Elapsed - reportedTime).TotalSeconds;
            double tokensPerSecond = TokensPerStep * (step - reportedStep) / Math.Max(seconds, 1e-9);
            (reportedTime, reportedStep) = (_training.Elapsed, step);
            int batches = step == options.MaxSteps ? int.MaxValue : options.EvaluationBatches;
            if (evaluate) heldOut = HeldOutLoss.Measure(model, windows, options, batches);
            double? validation = evaluate ? heldOut.Mean : null;
            Report(new(step, options.MaxSteps, TokensPerStep * step, loss, rate, gradNorm, tokensPerSecond, validation));
        }
        return new TrainingMetrics(_history, heldOut.Mean, heldOut.Tokens, _training.Elapsed);
    }

    /// <summary>One optimizer step.</summary>
    /// <returns>The step's mean loss (NaN where it is not read, which would wait for the device) and the norm of its gradients.</returns>
    private (double Loss, double GradNorm) Step(ParameterUpdate update, int step, double rate, bool readLoss)
    {
        using var scope = NewDisposeScope();
        ParameterUpdate.Outcome outcome = update.Take(step, rate, layerDone => Backward(step, layerDone));
        return (readLoss ? outcome.Loss.item<double>() / TokensPerStep : double.NaN, outcome.GradNorm);
    }

    private Tensor Backward(int step, Action<int>? layerDone)
    {
        Tensor lossSum = zeros(1, dtype: ScalarType.Float64, device: model.Device);
        for (int i = 0; i < options.GradientAccumulationSteps; i++)
        {
            long firstWindow = ((step - 1L) * options.GradientAccumulationSteps + i) * options.BatchSize;
            (Tensor ids, Tensor targets) = windows.Training(firstWindow, options.BatchSize).ToTensors(model.Device);
            lossSum.add_(
                LanguageModelLoss.Differentiate(model, ids, targets, 1.0 / TokensPerStep, PassSeed(step, i), layerDone: layerDone));
        }
        return lossSum;
    }

    /// <summary>One seed for each pass, so that what a scheme draws depends on the step and not on what ran before.</summary>
    private long PassSeed(int step, int pass) => ((long)seed << 32) + (long)step * options.GradientAccumulationSteps + pass;

    private void Report(TrainingProgress progress)
    {
        _history.Add(progress);
        options.Progress?.Report(progress);
        channel.Info(
            MessageSensitivity.None,
            "step {0}/{1}: loss {2:F4}{3}, learning rate {4:G3}, {5:F0} tokens/s",
            progress.Step, progress.MaxSteps,
            progress.Loss, progress.ValidationLoss is { } v ? $", validation {v:F4}" : "", progress.LearningRate, progress.TokensPerSecond);
    }
}
