using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The meter of the library, and the instruments of a training run.</summary>
/// <remarks>
/// Counters are added to after each step. Gauges give the values of the last report when a listener asks for them; a run that has ended
/// gives none. Without a listener nothing is read from the device and nothing is computed.
/// </remarks>
internal sealed class TrainingInstruments : IDisposable
{
    /// <summary>The meter of all instruments of the library.</summary>
    public static readonly Meter Meter = new("Microsoft.ML.Reversible");

    private static readonly Counter<long> _steps = Meter.CreateCounter<long>(
        "reversible.training.steps", "{step}", "Training steps done, including skipped ones.");

    private static readonly Counter<long> _skippedSteps = Meter.CreateCounter<long>(
        "reversible.training.skipped_steps", "{step}", "Training steps skipped because of their gradients.");

    private static readonly Counter<long> _units = Meter.CreateCounter<long>(
        "reversible.training.units", "{unit}", "Tokens, pairs or examples trained on.");

    private static readonly ConcurrentDictionary<long, TrainingInstruments> _runs = new();
    private static long _runCount;

    private readonly long _run = Interlocked.Increment(ref _runCount);
    private readonly TagList _tags;
    private volatile TrainingProgress? _last;
    private volatile TrainingProgress? _lastEvaluation;

    static TrainingInstruments()
    {
        Gauge("reversible.training.loss", "{nat}", "Mean loss of the last reported step.", run => run._last?.Loss);
        Gauge("reversible.training.learning_rate", "1", "Learning rate of the last reported step.", run => run._last?.LearningRate);
        Gauge("reversible.training.grad_norm", "1", "Norm of the gradients of the last reported step, before clipping.",
            run => run._last?.GradNorm);
        Gauge("reversible.training.validation.loss", "{nat}", "Mean loss on the held-out part at the last evaluation.",
            run => run._lastEvaluation?.ValidationLoss);
        Gauge("reversible.training.device.memory", "By", "Memory that the process holds on its GPU at the last report.",
            run => run._last?.DeviceMemoryBytes);
    }

    /// <summary>Begins a run.</summary>
    /// <param name="unit">The unit that is counted, in the plural: tokens, examples.</param>
    /// <param name="device">The device of the run.</param>
    public TrainingInstruments(string unit, string device)
    {
        _tags = new() { { "reversible.run", _run }, { "reversible.unit", unit }, { "reversible.device", device } };
        _runs[_run] = this;
    }

    /// <summary>Counts a step.</summary>
    /// <param name="units">The number of units of the step.</param>
    /// <param name="skipped">Whether the step was skipped.</param>
    public void Step(long units, bool skipped)
    {
        if (_steps.Enabled) _steps.Add(1, _tags);
        if (_units.Enabled) _units.Add(units, _tags);
        if (skipped && _skippedSteps.Enabled) _skippedSteps.Add(1, _tags);
    }

    /// <summary>Keeps a report for the gauges.</summary>
    public void Report(TrainingProgress progress)
    {
        _last = progress;
        if (progress.ValidationLoss is not null) _lastEvaluation = progress;
    }

    /// <summary>Ends the run: its gauges give no more values.</summary>
    public void Dispose() => _runs.TryRemove(_run, out _);

    private static void Gauge(string name, string unit, string description, Func<TrainingInstruments, double?> value) =>
        Meter.CreateObservableGauge(name, () => Measure(value), unit, description);

    private static IEnumerable<Measurement<double>> Measure(Func<TrainingInstruments, double?> value)
    {
        foreach (TrainingInstruments run in _runs.Values)
            if (value(run) is { } measured) yield return new(measured, run._tags);
    }
}
