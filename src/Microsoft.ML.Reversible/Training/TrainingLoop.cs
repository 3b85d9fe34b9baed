using System.Diagnostics;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Trains a model on token windows: batches, accumulation, schedule, evaluation, reports, checkpoints, cancellation.</summary>
/// <remarks>
/// Everything that a step depends on is in the model, the optimizer and the <see cref="RunState"/>, so a run that goes on from a checkpoint
/// of the three takes the same steps to the bit.
/// </remarks>
internal sealed class TrainingLoop : IDisposable
{
    private readonly LanguageModel _model;
    private readonly TokenWindows _windows;
    private readonly ITrainingObjective _objective;
    private readonly ReversibleLmTrainer.Options _options;
    private readonly RunState _state;
    private readonly RunOutput _output;
    private readonly LearningRateSchedule _schedule;
    private readonly FlatAdamW _optimizer;
    private readonly StepGuard _guard;
    private readonly ParameterUpdate _update;
    private readonly MemoryMeter _memory;
    private readonly Stopwatch _training = new();
    private readonly TimeSpan _elapsedBefore;
    private (TimeSpan Time, long Tokens) _reported;
    private bool _changed;

    /// <summary>Makes a loop that goes on from a state; the model has the weights that belong to it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="windows">The data.</param>
    /// <param name="objective">What is minimised.</param>
    /// <param name="options">The options, checked.</param>
    /// <param name="state">Where the run stands; changed as it goes on.</param>
    /// <param name="checkpoint">The checkpoint that the state is from; null at the beginning.</param>
    /// <param name="output">Where reports and checkpoints go.</param>
    /// <param name="memory">Reads the memory that reports tell of.</param>
    /// <exception cref="InvalidDataException">The optimizer's part of the checkpoint is damaged.</exception>
    public TrainingLoop(
        LanguageModel model, TokenWindows windows, ITrainingObjective objective, ReversibleLmTrainer.Options options, RunState state,
        string? checkpoint, RunOutput output, MemoryMeter memory)
    {
        (_model, _windows, _objective, _options, _state, _output) = (model, windows, objective, options, state, output);
        model.Network.Stack.KeptLayerCount = options.KeptLayerCount;
        model.Network.Stack.Deterministic = options.Deterministic;
        _schedule = new LearningRateSchedule(
            options.LearningRate, options.FinalLearningRate, options.WarmupSteps, options.MaxSteps, options.Schedule,
            options.EffectiveDecaySteps);
        var constants = new AdamWSettings(options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay);
        _optimizer = new FlatAdamW(model.Network, model.Network.Stack, constants, options.OptimizerPlacement);
        _guard = new StepGuard(options.OutlierFactor, options.MaxSkippedSteps) { State = state.Guard };
        _update = new ParameterUpdate(_optimizer, _guard, options.MaxGradNorm);
        _memory = memory;
        _elapsedBefore = state.Elapsed;
        _reported = (TimeSpan.Zero, state.Tokens);
        if (checkpoint is null) return;
        try
        {
            RunCheckpoint.ReadOptimizer(checkpoint, _optimizer, state.OptimizerSteps);
        }
        catch
        {
            _optimizer.Dispose();
            throw;
        }
    }

    private bool IsLastStep => _state.Step >= _options.MaxSteps;

    private bool HasStalled => _options.EarlyStoppingPatience > 0 && _state.EvaluationsSinceBest >= _options.EarlyStoppingPatience;

    /// <summary>Takes the steps that are left.</summary>
    /// <exception cref="OperationCanceledException">The options' token was cancelled; a checkpoint of the last step is left.</exception>
    /// <exception cref="InvalidOperationException">Too many steps in a row could not be taken, or none at all.</exception>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    public void Run()
    {
        try
        {
            while (true)
            {
                bool best = _state.Pending is { } pending && Report(pending);
                bool ends = IsLastStep || HasStalled;
                if (ends) RequireAStepTaken();
                if (best || ends || (_state.Step > 0 && _state.Step % _options.CheckpointInterval == 0)) Checkpoint();
                if (ends) break;
                _options.CancellationToken.ThrowIfCancellationRequested();
                Step();
            }
        }
        catch (OperationCanceledException) when (_state.Step > 0)
        {
            Checkpoint();
            throw;
        }
    }

    /// <summary>Gives the model the weights of the best evaluation.</summary>
    /// <exception cref="InvalidDataException">Its checkpoint is damaged or gone.</exception>
    public void TakeBest()
    {
        if (_state.Best is { } best && best.Step != _state.Step) RunCheckpoint.ReadBestWeights(_output.PathOf(best.Step), _model.Network);
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    /// <summary>A model that has learned nothing is not to be taken for one that was trained.</summary>
    private void RequireAStepTaken()
    {
        if (_state.OptimizerSteps == 0)
            throw new InvalidOperationException(
                $"None of the {_state.Step} steps could be taken: the loss or its gradient was never finite. " +
                "A smaller step size of the scheme may help, or other weights to start from.");
    }

    private void Step()
    {
        using var scope = NewDisposeScope();
        int step = _state.Step + 1;
        double rate = _schedule.At(step - 1);
        _training.Start();
        TokenBatch[] batches = NextBatches();
        long tokens = batches.Sum(batch => batch.TargetCount);
        ParameterUpdate.Outcome outcome = _update.Take(step, rate, layerDone => Backward(batches, tokens, step, layerDone));
        bool report = step == 1 || step % _options.ReportInterval == 0 || IsEvaluation(step);
        // Reading the loss waits for the device, so it is read only where it is told.
        double loss = report ? outcome.Loss.item<double>() / tokens : double.NaN;
        _training.Stop();

        _changed = true;
        _state.Step = step;
        _state.Tokens += tokens;
        _state.OptimizerSteps = _optimizer.StepCount;
        _state.Guard = _guard.State;
        _state.Elapsed = _elapsedBefore + _training.Elapsed;
        _state.Pending = report ? new PendingReport(loss, rate, outcome.GradNorm) : null;
        if (!outcome.Taken) _output.Skipped(step, outcome.GradNorm);
    }

    private TokenBatch[] NextBatches()
    {
        long first = _options.OverfitOneBatch ? 0 : _state.Windows;
        var batches = new TokenBatch[_options.GradientAccumulationSteps];
        for (int i = 0; i < batches.Length; i++, first += _options.BatchSize) batches[i] = _windows.Training(first, _options.BatchSize);
        _state.Windows = first;
        return batches;
    }

    /// <summary>The summed loss of a step's batches; the gradients are those of its mean over all their tokens.</summary>
    private Tensor Backward(TokenBatch[] batches, long tokens, int step, Action<int>? layerDone)
    {
        Tensor lossSum = zeros(1, dtype: ScalarType.Float64, device: _model.Network.Device);
        for (int i = 0; i < batches.Length; i++)
        {
            using Tensor loss = _objective.Differentiate(_model.Network, batches[i], 1.0 / tokens, PassSeed(step, i), layerDone);
            lossSum.add_(loss);
        }
        return lossSum;
    }

    /// <summary>One seed for each pass, so that what a scheme draws depends on the step and not on what ran before.</summary>
    private long PassSeed(int step, int pass) =>
        ((long)_state.Identity.Seed << 32) + (long)step * _options.GradientAccumulationSteps + pass;

    private bool IsEvaluation(int step) => step % _options.EvaluationInterval == 0 || step == _options.MaxSteps;

    /// <summary>Reports the last step, after an evaluation if one is due.</summary>
    /// <returns>Whether the evaluation was the best so far.</returns>
    private bool Report(PendingReport pending)
    {
        HeldOutLoss heldOut = default;
        bool best = false;
        if (IsEvaluation(_state.Step))
        {
            heldOut = Evaluate(IsLastStep ? int.MaxValue : _options.EvaluationBatches);
            best = heldOut.Objective is { } loss && double.IsFinite(loss) && !(loss >= _state.Best?.Loss);
            int sinceBest = best ? 0 : _state.EvaluationsSinceBest + 1;
            bool stalls = _options.EarlyStoppingPatience > 0 && sinceBest >= _options.EarlyStoppingPatience;
            if (stalls && !IsLastStep) heldOut = Evaluate(int.MaxValue);
            if (best) _state.Best = new BestEvaluation(_state.Step, heldOut.Objective!.Value);
            _state.EvaluationsSinceBest = sinceBest;
            _state.ValidationTokens = heldOut.Tokens;
        }

        TimeSpan time = _training.Elapsed - _reported.Time;
        double tokensPerSecond = (_state.Tokens - _reported.Tokens) / Math.Max(time.TotalSeconds, 1e-9);
        _reported = (_training.Elapsed, _state.Tokens);
        (long? device, long host) = _memory.Read();
        var progress = new TrainingProgress(
            _state.Step, _options.MaxSteps, _state.Tokens, pending.Loss, pending.LearningRate, pending.GradNorm, tokensPerSecond,
            heldOut.Mean, heldOut.BitsPerByte, host, _state.Guard.SkippedSteps, device);
        _state.History.Add(progress);
        _state.Pending = null;
        _changed = true;
        _output.Report(progress);
        return best;
    }

    private HeldOutLoss Evaluate(int batches) =>
        HeldOutLoss.Measure(_model, _objective, _windows, _options.BatchSize, batches, _options.CancellationToken);

    private void Checkpoint()
    {
        if (_changed) _output.Checkpoint(_model, _optimizer, _state);
        _changed = false;
    }
}
