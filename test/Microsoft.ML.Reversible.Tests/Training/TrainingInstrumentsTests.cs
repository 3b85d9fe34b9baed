using System.Diagnostics.Metrics;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Alone, since a listener hears every run of the process.</summary>
[TestClass]
[DoNotParallelize]
public sealed class TrainingInstrumentsTests
{
    [TestMethod]
    public void AListenerGetsTheFiguresOfTheReports()
    {
        // Steps whose gradients are far above their mean are skipped; noise makes some of them so.
        RegressionOptions options = RegressionTask.Options(null);
        (options.OutlierFactor, options.Noise, options.MaxSkippedSteps) = (1.2, 5, 60);
        using var meters = new Meters("examples");
        List<TrainingProgress> reports = [];
        List<Dictionary<string, double>> measured = [];
        options.Progress = new Listener(progress =>
        {
            reports.Add(progress);
            measured.Add(meters.Gauges());
        });
        (TrainingMetrics metrics, _) = RegressionTask.Train(options);

        Assert.HasCount(60, measured);
        double? validation = null;
        foreach ((TrainingProgress report, Dictionary<string, double> gauges) in reports.Zip(measured))
        {
            Assert.AreEqual(report.Loss, gauges["reversible.training.loss"]);
            Assert.AreEqual(report.LearningRate, gauges["reversible.training.learning_rate"]);
            Assert.AreEqual(report.GradNorm, gauges["reversible.training.grad_norm"]);
            validation = report.ValidationLoss ?? validation;
            Assert.AreEqual(validation, gauges.TryGetValue("reversible.training.validation.loss", out double loss) ? loss : null);
            Assert.IsFalse(gauges.ContainsKey("reversible.training.device.memory"), "there is no GPU");
        }
        Assert.AreEqual(60, meters.Sum("reversible.training.steps"));
        Assert.AreEqual(60 * 16, meters.Sum("reversible.training.units"));
        Assert.IsGreaterThan(0, metrics.SkippedSteps);
        Assert.AreEqual(metrics.SkippedSteps, meters.Sum("reversible.training.skipped_steps"));
        Assert.IsEmpty(meters.Gauges(), "a run that has ended has no figures");
    }

    [TestMethod]
    public void TheTableOfThePageHasTheInstrumentsAndTheirUnits()
    {
        using (ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 1))
        using (var meters = new Meters("none"))
        {
            model.GenerateIds([1], new GenerationOptions { MaxTokens = 1 });
            CollectionAssert.AreEquivalent(
                Document.Open("docs/training.md").Rows("instrument", "kind")
                    .SelectMany(row => row[0].Split(", ").Select(name => $"{name} {row[2]}")).ToArray(),
                meters.Instruments);
        }
    }

    private sealed class Listener(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}

/// <summary>Listens to the library's meter, to the measurements of one unit or device alone.</summary>
internal sealed class Meters : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly string _tag;

    public Meters(string tag)
    {
        _tag = tag;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != "Microsoft.ML.Reversible") return;
            lock (_measured) Instruments.Add($"{instrument.Name} {instrument.Unit}");
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Names and units of the instruments.</summary>
    public List<string> Instruments { get; } = [];

    /// <summary>The measurements of an instrument so far.</summary>
    public (double Value, Dictionary<string, object?> Tags)[] Of(string name)
    {
        lock (_measured) return [.. _measured.Where(one => one.Name == name).Select(one => (one.Value, one.Tags))];
    }

    public double Sum(string name) => Of(name).Sum(one => one.Value);

    /// <summary>Reads the gauges.</summary>
    public Dictionary<string, double> Gauges()
    {
        lock (_measured)
        {
            int before = _measured.Count;
            _listener.RecordObservableInstruments();
            return _measured.Skip(before).ToDictionary(one => one.Name, one => one.Value);
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        Dictionary<string, object?> all = new([.. tags]);
        if (!all.ContainsValue(_tag)) return;
        lock (_measured) _measured.Add((instrument.Name, value, all));
    }
}
