using System.Globalization;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// A training run: the checkpoint folder, the checkpoint to resume from, the loop, and the metrics at the end. It is opened before the data
/// is read, which may take hours, so that errors in the options, the folder or the files show at once.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly IChannel _channel;
    private readonly RunFolder? _folder;
    private readonly RunState? _resumed;
    private readonly Fingerprint _known;

    /// <summary>Opens a run.</summary>
    /// <param name="options">The options, already checked.</param>
    /// <param name="context">Gives the device if the options do not.</param>
    /// <param name="host">Draws a seed if the options have none.</param>
    /// <param name="channel">The log.</param>
    /// <param name="known">The task's entries of the fingerprint that are known without the data.</param>
    /// <exception cref="InvalidOperationException">The GPU is missing, or the checkpoint belongs to another run.</exception>
    /// <exception cref="InvalidDataException">A checkpoint is damaged.</exception>
    /// <exception cref="IOException">Another run uses the folder, or a file cannot be written.</exception>
    public TrainingRun(
        TrainingOptions options, MLContext context, IHost host, IChannel channel, IEnumerable<FingerprintEntry> known)
    {
        (_options, _channel) = (options, channel);
        Device = Devices.Resolve(options.Device, context, channel);
        _folder = options.CheckpointFolder is { } path ? RunFolder.Open(path) : null;
        try
        {
            if (_folder is not null
                && RunCheckpoint.Find(
                    _folder, options.Resume, options.DamagedCheckpoint, text => channel.Warning(MessageSensitivity.None, "{0}", text))
                    is var (checkpoint, state))
                (Checkpoint, _resumed) = (checkpoint, state);
            Seed = options.Seed ?? _resumed?.Fingerprint.Seed ?? host.Rand.Next();
            _known = Fingerprint.Of(options, Seed).With(known);
            if (_resumed is not null)
            {
                string? conflict = RunLength.Conflict(_resumed, _known, options, examplesPerEpoch: null);
                _resumed.Fingerprint.Require(_known, Checkpoint!, conflict);
                _resumed.RequirePlaceIn(options, Checkpoint!);
            }
            if (options.MetricsPath is { } metrics) MetricsLog.RequireWritable(metrics);
            if (options.TensorBoardFolder is { } board) TensorBoardLog.RequireWritable(board);
        }
        catch
        {
            _folder?.Dispose();
            throw;
        }
    }

    /// <summary>The device of the model.</summary>
    public Device Device { get; }

    /// <summary>The seed of the weights and of the order of the data.</summary>
    public int Seed { get; }

    /// <summary>The checkpoint that the run is resumed from; null for a new run.</summary>
    public string? Checkpoint { get; }

    /// <summary>Trains to the end.</summary>
    /// <param name="task">The task, with the weights of <see cref="Checkpoint"/> or the initial weights.</param>
    /// <exception cref="InvalidOperationException">
    /// The checkpoint belongs to another run, MaxEpochs is too large, or no step could be taken.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The warm-up or the decay takes more steps than MaxEpochs gives.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public TrainingMetrics Train(ITrainingTask task)
    {
        Fingerprint fingerprint = _known.With(task.Fingerprint, task.Source);
        string? conflict = _resumed is null ? null : RunLength.Conflict(_resumed, fingerprint, _options, task.ExamplesPerEpoch);
        _resumed?.Fingerprint.Require(fingerprint, Checkpoint!, conflict);
        TrainingOptions options = _options.WithStepsOf(task.ExamplesPerEpoch);
        _resumed?.RequirePlaceIn(options, Checkpoint!);
        RunState state = _resumed ?? new RunState { Fingerprint = fingerprint };
        // The number of steps may be another one than the checkpoint's.
        state.Fingerprint = state.Fingerprint.WithLengthOf(fingerprint);
        int? resumedFrom = _resumed?.Step;
        _channel.Info(MessageSensitivity.None, "{0}", $"{task.Description}, on {task.Device}, from step {state.Step}");

        using var instruments = new TrainingInstruments(task.Unit, task.Device.ToString());
        using var output = new RunOutput(_options, _folder, state.Step, _channel, instruments);
        var memory = new MemoryMeter(task.Device);
        using var loop = new TrainingLoop(task, options, state, Checkpoint, output, memory);
        loop.Run();
        if (_options.ReturnBest) loop.TakeBest();
        return new TrainingMetrics(state.History, state.ValidationUnits, state.Elapsed, memory.DevicePeak)
        {
            ResumedFrom = resumedFrom,
            MaxSteps = options.EffectiveMaxSteps!.Value,
            ModelStep = _options.ReturnBest && state.Best is { } best ? best.Step : state.Step,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _folder?.Dispose();
}

/// <summary>Writes a run's reports and checkpoints.</summary>
internal sealed class RunOutput : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly RunFolder? _folder;
    private readonly IChannel _channel;
    private readonly TrainingInstruments _instruments;
    private readonly MetricsLog? _log;
    private readonly TensorBoardLog? _board;

    /// <summary>Opens the metrics file and the TensorBoard folder, if the options name them.</summary>
    /// <param name="options">The options, which say what is written and kept.</param>
    /// <param name="folder">The checkpoint folder, owned by the caller; null for none.</param>
    /// <param name="step">The step that the run starts from.</param>
    /// <param name="channel">The log.</param>
    /// <param name="instruments">The run's instruments, owned by the caller.</param>
    public RunOutput(TrainingOptions options, RunFolder? folder, int step, IChannel channel, TrainingInstruments instruments)
    {
        (_options, _folder, _channel, _instruments) = (options, folder, channel, instruments);
        _log = options.MetricsPath is { } path ? new MetricsLog(path, step) : null;
        try
        {
            _board = options.TensorBoardFolder is { } board ? new TensorBoardLog(board, step) : null;
        }
        catch
        {
            _log?.Dispose();
            throw;
        }
    }

    /// <summary>Passes a report to the files, the listener and the log.</summary>
    public void Report(TrainingProgress progress)
    {
        _log?.Add(progress);
        _board?.Add(progress);
        _instruments.Report(progress);
        _options.Progress?.Report(progress);
        string validation = progress.ValidationLoss is { } loss
            ? string.Create(CultureInfo.InvariantCulture, $", validation {loss:F4}")
            : "";
        _channel.Info(MessageSensitivity.None, "{0}", string.Create(
            CultureInfo.InvariantCulture,
            $"step {progress.Step}/{progress.MaxSteps}: loss {progress.Loss:F4}{validation}, " +
            $"learning rate {progress.LearningRate:G3}, {progress.UnitsPerSecond:F0} {progress.Unit}/s"));
    }

    /// <summary>Counts a step, and logs it if it was skipped.</summary>
    public void Step(int step, long units, double gradNorm, bool taken)
    {
        _instruments.Step(units, skipped: !taken);
        if (taken) return;
        _channel.Warning(MessageSensitivity.None, "{0}", string.Create(
            CultureInfo.InvariantCulture, $"step {step} skipped: the norm of its gradients is {gradNorm:G4}"));
    }

    /// <summary>Writes a checkpoint, if there is a checkpoint folder, and removes those that are not kept.</summary>
    public void Checkpoint(ITrainingTask task, FlatAdamW optimizer, RunState state)
    {
        if (_folder is null) return;
        RunCheckpoint.Write(_folder.PathOf(state.Step), task, optimizer, state);
        _folder.Prune(_options.CheckpointsKept, state.Step, state.Best?.Step);
    }

    /// <summary>Returns the folder of a step's checkpoint.</summary>
    public string PathOf(int step) => _folder!.PathOf(step);

    /// <inheritdoc/>
    public void Dispose()
    {
        _log?.Dispose();
        _board?.Dispose();
    }
}
