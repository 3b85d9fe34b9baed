using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Training;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Shows a training run: a progress bar on a terminal, otherwise one line per report, and lines of JSON on request.</summary>
internal sealed class TrainingScreen(Terminal terminal, bool json)
    : IProgress<TrainingProgress>, IProgress<TokenizationProgress>, IProgress<RetrofitReport>, IProgress<FineTuneReport>,
        IProgress<PreferenceReport>
{
    private const double BytesPerMiB = 1 << 20;

    private readonly IAnsiConsole _progress = terminal.ForProgress();
    private ProgressTask? _bar;
    private int _lastStep;

    /// <summary>Runs a training and shows its progress.</summary>
    /// <param name="train">Runs the training.</param>
    /// <param name="checkpoints">The folder of the checkpoints; null if there is none.</param>
    /// <param name="parsed">The command line.</param>
    public ReversibleLmTransformer During(Func<ReversibleLmTransformer> train, string? checkpoints, ParseResult parsed)
    {
        try
        {
            return terminal.ShowsProgress ? UnderABar(train) : train();
        }
        catch (InvalidOperationException e) when (_lastStep > 0)
        {
            // Before the first step, the input is the cause; after it, the run itself has failed.
            throw new IOException(ExitCode.Describe(e), e);
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCanceledException(Stopped(e.Message, checkpoints, parsed), e);
        }
    }

    /// <summary>Says where a run was stopped, what is kept of it, and how to continue it.</summary>
    private string Stopped(string where, string? checkpoints, ParseResult parsed)
    {
        if (checkpoints is not null && KeptStep(checkpoints) is { } step)
            return $"Stopped; '{checkpoints}' has the checkpoint of step {step}. Continue with: {CommandText.Continuing(parsed)}";
        return _lastStep == 0 ? "Stopped before the first step. Nothing was saved."
            : $"{where} Nothing was saved, and its steps are lost. With --checkpoint-folder FOLDER a run that is stopped keeps them, and "
                + "the same command continues it.";
    }

    /// <summary>Returns the step of the latest checkpoint in a folder; null if there is none.</summary>
    private static int? KeptStep(string folder)
    {
        using RunFolder run = RunFolder.Open(folder);
        return run.Checkpoints is [var latest, ..] ? latest.Step : null;
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress progress)
    {
        _lastStep = progress.Step;
        if (json) WriteLine(progress.ToJson());
        string text = string.Create(CultureInfo.InvariantCulture,
            $"step {progress.Step}/{progress.MaxSteps}, loss {progress.Loss:F3}, {progress.UnitsPerSecond:N0} {progress.Unit}/s");
        if (_bar is null)
        {
            string validation = progress.ValidationLoss is { } v ? string.Create(CultureInfo.InvariantCulture, $", validation {v:F3}") : "";
            terminal.Error.WriteLine(text + validation);
            return;
        }
        (_bar.MaxValue, _bar.Value, _bar.Description) = (progress.MaxSteps, progress.Step, text);
    }

    /// <inheritdoc/>
    public void Report(TokenizationProgress progress)
    {
        if (_bar is not null) _bar.Description = string.Create(CultureInfo.InvariantCulture, $"reading text: {progress.Tokens:N0} tokens");
    }

    /// <inheritdoc/>
    public void Report(RetrofitReport report)
    {
        // While a progress bar is shown, only Spectre's own console may write.
        if (_bar is null) terminal.Error.Write(report.ToString());
        else _progress.Write(report.ToString());
    }

    /// <inheritdoc/>
    public void Report(FineTuneReport report)
    {
        if (json) WriteLine(report.ToJson());
        if (_bar is null) terminal.Error.Write($"{report}\n");
        else _progress.Write($"{report}\n");
    }

    /// <inheritdoc/>
    public void Report(PreferenceReport report)
    {
        if (json) WriteLine(report.ToJson());
        if (_bar is null) terminal.Error.Write($"{report}\n");
        else _progress.Write($"{report}\n");
    }

    /// <summary>Shows the result of a training.</summary>
    public void ShowResult(ReversibleLmTransformer model, string folder)
    {
        LanguageMetrics metrics = model.Metrics!;
        if (json) WriteLine(ResultOf(metrics));
        ShowRun(model, "training loss");
        ShowSaved(folder);
    }

    /// <summary>Returns the fields of the last report, those of an evaluation even if nothing was held out, and the model's step.</summary>
    private static string ResultOf(LanguageMetrics metrics)
    {
        JsonObject result = JsonNode.Parse(metrics.History[^1].ToJson())!.AsObject();
        foreach (string name in FiguresOf(metrics).Select(figure => figure.Name).Prepend("validation_loss")) result.TryAdd(name, null);
        result.Add("model_step", metrics.ModelStep);
        return result.ToJsonString();
    }

    /// <summary>Returns the figures of an evaluation that are shown, with their titles and formats.</summary>
    private static (string Name, string Title, string Format)[] FiguresOf(LanguageMetrics metrics) => metrics.History[^1].Unit == "tokens"
        ? [("bits_per_byte", "bits per byte", "F3"), ("perplexity", "perplexity", "F2")]
        : [("accuracy", "accuracy", "F3"), ("margin", "margin", "F3")];

    /// <summary>Shows the loss curve and the figures of a training run.</summary>
    /// <param name="model">The trained model.</param>
    /// <param name="loss">The name of the loss that was minimised.</param>
    public void ShowRun(ReversibleLmTransformer model, string loss)
    {
        LanguageMetrics metrics = model.Metrics!;
        IAnsiConsole console = terminal.ForPeople(json);
        var figures = FiguresOf(metrics);
        Table curve = new Table().AddColumns(
            ["step", loss, "validation loss", .. figures.Select(figure => figure.Title), "learning rate"]);
        foreach (TrainingProgress p in metrics.History.Where(p => p.Step == 1 || p.ValidationLoss is not null || p == metrics.History[^1]))
        {
            IEnumerable<string> values = figures.Select(figure =>
                p.ValidationFigures.TryGetValue(figure.Name, out double value) ? value.ToString(figure.Format) : "");
            curve.AddRow(
                [$"{p.Step}", $"{p.Loss:F3}", p.ValidationLoss is { } v ? $"{v:F3}" : "", .. values, $"{p.LearningRate:0.0e0}"]);
        }
        console.Write(curve);
        LanguageModelConfiguration shape = model.Configuration;
        string unit = metrics.History[^1].Unit;
        console.MarkupLineInterpolated(
            $"{shape.ParameterCount:N0} parameters, scheme {model.Scheme}, vocabulary {shape.VocabularySize}, on {model.Network.Device}");
        double seconds = metrics.Elapsed.TotalSeconds;
        console.MarkupLineInterpolated(
            $"{metrics.UnitCount:N0} {unit} in {seconds:F0} s, {metrics.UnitsPerSecond:N0} {unit}/s, {Peaks(metrics)}");
        if (metrics.ResumedFrom is { } resumed) console.MarkupLineInterpolated($"Continued from the checkpoint of step {resumed}");
        if (metrics.StoppedEarly) console.MarkupLineInterpolated($"Stopped early: the evaluations did not improve");
        if (metrics.SkippedSteps > 0) console.MarkupLineInterpolated($"{metrics.SkippedSteps:N0} steps were skipped");
    }

    /// <summary>Returns the peak memory of a run, on the GPU if there is one and in RAM.</summary>
    internal static string Peaks(TrainingMetrics metrics)
    {
        string host = string.Create(CultureInfo.InvariantCulture, $"peak host memory {metrics.PeakHostMemory / BytesPerMiB:F0} MiB");
        return metrics.PeakDeviceMemory is { } device
            ? string.Create(CultureInfo.InvariantCulture, $"peak device memory {device / BytesPerMiB:F0} MiB, {host}")
            : host;
    }

    /// <summary>Shows the report of a retrofit.</summary>
    /// <param name="report">The report.</param>
    /// <param name="metrics">The metrics of the distillation; null if there was none.</param>
    public void ShowRetrofit(RetrofitReport report, LanguageMetrics? metrics)
    {
        if (json)
        {
            JsonObject result = JsonNode.Parse(report.ToJson())!.AsObject();
            result.Insert(0, "step", metrics?.ModelStep ?? 0);
            WriteLine(result.ToJsonString());
        }
        (json ? terminal.Error : terminal.Out).Write(report.ToString());
    }

    /// <summary>Shows where the result was saved.</summary>
    public void ShowSaved(string folder) => terminal.ForPeople(json).MarkupLineInterpolated($"Saved to {folder}");

    private ReversibleLmTransformer UnderABar(Func<ReversibleLmTransformer> train)
    {
        var columns = new ProgressColumn[]
        {
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new RemainingTimeColumn(),
        };
        return _progress.Progress().HideCompleted(false).Columns(columns).Start(context =>
        {
            _bar = context.AddTask("reading text");
            return train();
        });
    }

    private void WriteLine(string line)
    {
        terminal.Out.Write(line + "\n");
        terminal.Out.Flush();
    }
}
