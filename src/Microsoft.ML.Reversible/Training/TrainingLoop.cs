using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Trains a task: micro-batches, accumulation, schedule, evaluation, reports, checkpoints, cancellation.</summary>
/// <remarks>
/// A step depends only on the model, the optimizer and the <see cref="RunState"/>, so a run that resumes from a checkpoint of the three
/// takes the same steps to the bit.
/// </remarks>
internal sealed class TrainingLoop : IDisposable
{
    private readonly ITrainingTask _task;
    private readonly TrainingOptions _options;
    private readonly RunState _state;
    private readonly RunOutput _output;
    private readonly LearningRateSchedule _schedule;
    private readonly FlatAdamW _optimizer;
    private readonly StepGuard _guard;
    private readonly ParameterUpdate _update;
    private readonly MemoryMeter _memory;
    private readonly int _maxSteps;
    private readonly Stopwatch _training = new();
    private readonly TimeSpan _elapsedBefore;
    private (TimeSpan Time, long Units) _reported;
    private bool _changed;
    private bool _updatesInPass;

    /// <summary>Creates a loop that continues from a state. The task's model must have the weights of that state.</summary>
    /// <param name="task">The task to train.</param>
    /// <param name="options">The options, already checked, with the number of steps.</param>
    /// <param name="state">The run's state, which the loop updates.</param>
    /// <param name="checkpoint">The checkpoint that the state is from; null for a new run.</param>
    /// <param name="output">Writes reports and checkpoints.</param>
    /// <param name="memory">Reads the memory figures for the reports.</param>
    /// <exception cref="InvalidDataException">The optimizer's part of the checkpoint is damaged.</exception>
    public TrainingLoop(
        ITrainingTask task, TrainingOptions options, RunState state, string? checkpoint, RunOutput output, MemoryMeter memory)
    {
        (_task, _options, _state, _output, _memory) = (task, options, state, output, memory);
        _maxSteps = options.EffectiveMaxSteps!.Value;
        _schedule = RunLength.Schedule(options);
        var constants = new AdamWSettings(options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay);
        _optimizer = new FlatAdamW(task.ParameterGroups, constants, options.OptimizerPlacement, task.Flat);
        _guard = new StepGuard(options.OutlierFactor, options.MaxSkippedSteps) { State = state.Guard };
        _update = new ParameterUpdate(_optimizer, _guard, options.MaxGradNorm);
        _elapsedBefore = state.Elapsed;
        _reported = (TimeSpan.Zero, state.Units);
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

    private bool IsLastStep => _state.Step >= _maxSteps;

    private bool HasStalled => _options.EarlyStoppingPatience > 0 && _state.EvaluationsSinceBest >= _options.EarlyStoppingPatience;

    /// <summary>Takes the remaining steps.</summary>
    /// <exception cref="OperationCanceledException">
    /// The options' token was cancelled; a checkpoint of the last step was written. The message names that step.
    /// </exception>
    /// <exception cref="InvalidOperationException">Too many steps in a row were skipped, or all of them.</exception>
    /// <exception cref="OverflowException">A value is outside the range of exact arithmetic.</exception>
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
        catch (OperationCanceledException e) when (_state.Step > 0)
        {
            // A pass that ended early inside which the optimizer steps has changed some layers: the weights are those of no step.
            if (!_updatesInPass) Checkpoint();
            throw new OperationCanceledException($"The run was cancelled after step {_state.Step}.", e, e.CancellationToken);
        }
    }

    /// <summary>Loads the weights of the best evaluation into the model.</summary>
    /// <exception cref="InvalidDataException">Its checkpoint is damaged or missing.</exception>
    public void TakeBest()
    {
        if (_state.Best is { } best && best.Step != _state.Step) RunCheckpoint.ReadBestWeights(_output.PathOf(best.Step), _task);
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    /// <summary>Throws if no step was taken, so that an untrained model is not returned as a trained one.</summary>
    private void RequireAStepTaken()
    {
        if (_state.OptimizerSteps == 0)
            throw new InvalidOperationException(
                $"None of the {_state.Step} steps could be taken: the loss or its gradient was never finite. " +
                "A smaller step size of the scheme may help, or starting from other weights.");
    }

    private void Step()
    {
        using var scope = NewDisposeScope();
        int step = _state.Step + 1;
        double rate = _schedule.At(step - 1);
        _training.Start();
        (MicroBatch[] batches, long examples) = NextBatches();
        long units = batches.Sum(batch => batch.UnitCount);
        _updatesInPass = _options.OptimizerPlacement == OptimizerPlacement.InsideBackward;
        ParameterUpdate.Outcome outcome = _update.Take(step, rate, layerDone => Differentiate(batches, units, step, layerDone));
        _updatesInPass = false;
        bool report = step == 1 || step % _options.ReportInterval == 0 || IsEvaluation(step);
        // Reading the loss waits for the device, so it is read only for reports.
        double loss = report ? outcome.Loss.item<double>() / units : double.NaN;
        _training.Stop();

        _changed = true;
        _state.Step = step;
        _state.Examples = examples;
        _state.Units += units;
        _state.OptimizerSteps = _optimizer.StepCount;
        _state.Guard = _guard.State;
        _state.Elapsed = _elapsedBefore + _training.Elapsed;
        _state.Pending = report ? new PendingReport(loss, rate, outcome.GradNorm) : null;
        _output.Step(step, units, outcome.GradNorm, outcome.Taken);
    }

    /// <summary>Reads a step's micro-batches, and returns the place after them.</summary>
    private (MicroBatch[] Batches, long Examples) NextBatches()
    {
        long first = _options.OverfitOneBatch ? 0 : _state.Examples;
        var batches = new MicroBatch[_options.GradientAccumulationSteps];
        for (int i = 0; i < batches.Length; i++, first += _options.BatchSize) batches[i] = _task.Read(first, _options.BatchSize);
        return (batches, first);
    }

    /// <summary>Returns the summed loss of a step's micro-batches. The gradients are those of the mean over all their units.</summary>
    private Tensor Differentiate(MicroBatch[] batches, long units, int step, Action<int>? layerDone)
    {
        Tensor lossSum = zeros(1, dtype: ScalarType.Float64, device: _task.Device);
        for (int i = 0; i < batches.Length; i++)
        {
            var context = new StepContext(1.0 / units, PassSeed(step, i), layerDone, _options.CancellationToken);
            using Tensor loss = batches[i].Differentiate(context);
            lossSum.add_(loss);
        }
        return lossSum;
    }

    /// <summary>Returns a seed for each pass, so that a scheme's draws depend on the step and not on earlier passes.</summary>
    private long PassSeed(int step, int pass) =>
        ((long)_state.Fingerprint.Seed << 32) + (long)step * _options.GradientAccumulationSteps + pass;

    private bool IsEvaluation(int step) => step % _options.EvaluationInterval == 0 || step == _maxSteps;

    /// <summary>Reports the last step, after an evaluation if one is due.</summary>
    /// <returns>Whether the evaluation was the best so far.</returns>
    private bool Report(PendingReport pending)
    {
        HeldOutResult? heldOut = null;
        bool best = false;
        if (IsEvaluation(_state.Step))
        {
            heldOut = Evaluate(IsLastStep ? int.MaxValue : _options.EvaluationBatches);
            best = heldOut?.Criterion is { } loss && double.IsFinite(loss) && !(loss >= _state.Best?.Loss);
            int sinceBest = best ? 0 : _state.EvaluationsSinceBest + 1;
            bool stalls = _options.EarlyStoppingPatience > 0 && sinceBest >= _options.EarlyStoppingPatience;
            if (stalls && !IsLastStep) heldOut = Evaluate(int.MaxValue);
            if (best) _state.Best = new BestEvaluation(_state.Step, heldOut!.Criterion);
            _state.EvaluationsSinceBest = sinceBest;
            _state.ValidationUnits = heldOut?.UnitCount ?? 0;
        }

        TimeSpan time = _training.Elapsed - _reported.Time;
        double unitsPerSecond = (_state.Units - _reported.Units) / Math.Max(time.TotalSeconds, 1e-9);
        _reported = (_training.Elapsed, _state.Units);
        (long? device, long host) = _memory.Read();
        var progress = new TrainingProgress(
            _state.Step, _maxSteps, _state.Units, pending.Loss, pending.LearningRate, pending.GradNorm, unitsPerSecond,
            heldOut?.Loss, host, _state.Guard.SkippedSteps, device)
        {
            Unit = _task.Unit,
        };
        if (heldOut is not null) progress = progress with { ValidationFigures = heldOut.Figures };
        _state.History.Add(progress);
        _state.Pending = null;
        _changed = true;
        _output.Report(progress);
        return best;
    }

    private HeldOutResult? Evaluate(int batches) => _task.Evaluate(_options.BatchSize, batches, _options.CancellationToken);

    private void Checkpoint()
    {
        if (_changed) _output.Checkpoint(_task, _optimizer, _state);
        _changed = false;
    }
}

/// <summary>
/// Takes one optimizer step with its backward pass, for either placement of the optimizer: zero gradients, backward pass, norm, guard,
/// clipping, update.
/// </summary>
/// <remarks>
/// <para>
/// With the optimizer after the backward pass, the global norm is read once, and a skipped step changes nothing.
/// </para>
/// <para>
/// With the optimizer inside the backward pass, the norm of each layer's gradient is read before the layer's update, which waits for the
/// device once per layer. The global norm is not known yet. Clipping uses the larger of the previous accepted step's global norm and the
/// group's own norm, so that the first step and a sudden large gradient are clipped too. From the first group whose gradient is not finite,
/// no group is updated. A loss that is not finite already shows in the first group, so such a step changes nothing. If gradients overflow
/// only later in the backward pass, the layers above have already been updated, with their finite gradients.
/// </para>
/// </remarks>
/// <param name="optimizer">The optimizer.</param>
/// <param name="guard">Decides whether to take a step.</param>
/// <param name="maxGradNorm">The norm that gradients are clipped to; 0 means not to clip.</param>
internal sealed class ParameterUpdate(FlatAdamW optimizer, StepGuard guard, double maxGradNorm)
{
    /// <summary>The result of a step.</summary>
    /// <param name="Loss">The loss that the backward pass returned.</param>
    /// <param name="GradNorm">The global norm of the gradients before clipping; not finite if a gradient is not.</param>
    /// <param name="Taken">Whether the step was taken.</param>
    public readonly record struct Outcome(Tensor Loss, double GradNorm, bool Taken);

    /// <summary>Takes a step, or skips it.</summary>
    /// <param name="step">The step, for messages.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="backward">
    /// Adds the loss's gradients to the parameters' <c>grad</c> and returns the loss. Its argument is the
    /// <see cref="StepContext.LayerDone"/> of the pass; if that is not null, there must be only one backward pass.
    /// </param>
    /// <exception cref="InvalidOperationException">Too many steps in a row were skipped.</exception>
    public Outcome Take(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        optimizer.ZeroGradients();
        return optimizer.Placement == OptimizerPlacement.AfterBackward ? After(step, rate, backward) : Inside(step, rate, backward);
    }

    /// <summary>Checks options that depend on each other.</summary>
    /// <returns>A message with the conflict and its remedy, and the option to name; null if there is no conflict.</returns>
    public static (string Message, string Option)? Conflict(
        OptimizerPlacement placement, double maxGradNorm, bool clipWithPreviousNorm, int gradientAccumulationSteps, double outlierFactor)
    {
        if (placement == OptimizerPlacement.AfterBackward) return null;
        if (gradientAccumulationSteps > 1)
            return ("GradientAccumulationSteps must be 1 if OptimizerPlacement is InsideBackward: " +
                "a layer's whole gradient is needed at once.", "GradientAccumulationSteps");
        if (maxGradNorm > 0 && !clipWithPreviousNorm)
            return ("MaxGradNorm must be 0 if OptimizerPlacement is InsideBackward, because the norm of the whole gradient is " +
                "not known yet; or set ClipWithPreviousNorm to clip by the previous step's norm.", "MaxGradNorm");
        if (outlierFactor > 0)
            return ("OutlierFactor must be 0 if OptimizerPlacement is InsideBackward: " +
                "when the norm of the whole gradient is known, the layers have already been updated.", "OutlierFactor");
        return null;
    }

    private Outcome After(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        Tensor loss = backward(null);
        double norm = optimizer.GradNorm();
        bool taken = guard.Accept(step, norm);
        if (taken) optimizer.Step(rate, ClipScale(norm));
        return new(loss, norm, taken);
    }

    private Outcome Inside(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        double squares = 0;
        Tensor loss = backward(layer =>
        {
            StepGroup(layer);
            optimizer.PassGradientOn(layer);
        });
        StepGroup(optimizer.OuterGroup);
        double norm = Math.Sqrt(squares);
        bool taken = guard.Accept(step, norm);
        if (taken) optimizer.CompleteStep();
        return new(loss, norm, taken);

        void StepGroup(int group)
        {
            double own = optimizer.GradNorm(group);
            squares += own * own;
            if (double.IsFinite(squares)) optimizer.StepGroup(group, rate, ClipScale(Math.Max(own, guard.State.LastNorm)));
        }
    }

    /// <summary>Returns the same scale as PyTorch's <c>clip_grad_norm_</c>.</summary>
    private double ClipScale(double norm) => maxGradNorm > 0 ? Math.Min(1, maxGradNorm / (norm + 1e-6)) : 1;
}
