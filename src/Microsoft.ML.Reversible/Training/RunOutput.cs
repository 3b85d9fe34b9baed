using System.Globalization;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Where a run's reports and checkpoints go.</summary>
internal sealed class RunOutput : IDisposable
{
    private readonly ReversibleLmTrainer.Options _options;
    private readonly RunFolder? _folder;
    private readonly IChannel _channel;
    private readonly MetricsLog? _log;

    /// <summary>Opens the file of metrics where one is asked for.</summary>
    /// <param name="options">Say what is kept.</param>
    /// <param name="folder">The folder of checkpoints, owned by the caller; null for none.</param>
    /// <param name="step">The step that the run stands at.</param>
    /// <param name="channel">Told of every report.</param>
    public RunOutput(ReversibleLmTrainer.Options options, RunFolder? folder, int step, IChannel channel)
    {
        (_options, _folder, _channel) = (options, folder, channel);
        _log = options.MetricsPath is { } path ? new MetricsLog(path, step) : null;
    }

    /// <summary>Tells everybody who listens.</summary>
    public void Report(TrainingProgress progress)
    {
        _log?.Add(progress);
        _options.Progress?.Report(progress);
        string validation = progress.ValidationLoss is { } loss
            ? string.Create(CultureInfo.InvariantCulture, $", validation {loss:F4}")
            : "";
        _channel.Info(MessageSensitivity.None, "{0}", string.Create(
            CultureInfo.InvariantCulture,
            $"step {progress.Step}/{progress.MaxSteps}: loss {progress.Loss:F4}{validation}, " +
            $"learning rate {progress.LearningRate:G3}, {progress.TokensPerSecond:F0} tokens/s"));
    }

    /// <summary>Says that a step was skipped.</summary>
    public void Skipped(int step, double gradNorm) =>
        _channel.Warning(MessageSensitivity.None, "{0}", string.Create(
            CultureInfo.InvariantCulture, $"step {step} skipped: the norm of its gradients is {gradNorm:G4}"));

    /// <summary>Leaves a checkpoint, if there is a folder for them, and removes those that are not kept.</summary>
    public void Checkpoint(LanguageModel model, FlatAdamW optimizer, RunState state)
    {
        if (_folder is null) return;
        RunCheckpoint.Write(_folder.PathOf(state.Step), model, optimizer, state);
        _folder.Prune(_options.CheckpointsKept, state.Step, state.Best?.Step);
    }

    /// <summary>The folder of a step's checkpoint.</summary>
    public string PathOf(int step) => _folder!.PathOf(step);

    /// <inheritdoc/>
    public void Dispose() => _log?.Dispose();
}
