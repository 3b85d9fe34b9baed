using System.Globalization;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Shows a training run: a bar where somebody looks, else a line a report; and lines of JSON where they are asked for.</summary>
internal sealed class TrainingScreen(Terminal terminal, bool json) : IProgress<TrainingProgress>
{
    private ProgressTask? _bar;

    /// <summary>Whether a first report has come.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Runs a training.</summary>
    public ReversibleLmTransformer During(Func<ReversibleLmTransformer> train)
    {
        if (!terminal.ErrorIsScreen) return train();
        var columns = new ProgressColumn[]
        {
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new RemainingTimeColumn(),
        };
        return terminal.ForProgress().Progress().HideCompleted(false).Columns(columns).Start(context =>
        {
            _bar = context.AddTask("reading text");
            return train();
        });
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress progress)
    {
        HasBegun = true;
        if (json) Line(progress).WriteTo(terminal.Out);
        string text = string.Create(CultureInfo.InvariantCulture,
            $"step {progress.Step}/{progress.MaxSteps}, loss {progress.Loss:F3}, {progress.TokensPerSecond:N0} tokens/s");
        if (_bar is null)
        {
            string validation = progress.ValidationLoss is { } v ? string.Create(CultureInfo.InvariantCulture, $", validation {v:F3}") : "";
            terminal.Error.WriteLine(text + validation);
            return;
        }
        (_bar.MaxValue, _bar.Value, _bar.Description) = (progress.MaxSteps, progress.Step, text);
    }

    /// <summary>What came of it.</summary>
    public void ShowResult(ReversibleLmTransformer model, string folder)
    {
        TrainingMetrics metrics = model.Metrics!;
        if (json)
        {
            new JsonLine().Add("validation_loss", metrics.ValidationLoss).Add("bits_per_byte", (double?)null)
                .Add("perplexity", metrics.ValidationPerplexity).WriteTo(terminal.Out);
        }
        IAnsiConsole console = terminal.ForPeople(json);
        Table curve = new Table().AddColumns("step", "training loss", "validation loss", "perplexity", "learning rate");
        foreach (TrainingProgress p in metrics.History.Where(p => p.Step == 1 || p.ValidationLoss is not null || p.Step == p.MaxSteps))
        {
            curve.AddRow(
                $"{p.Step}", $"{p.Loss:F3}",
                p.ValidationLoss is { } v ? $"{v:F3}" : "",
                p.ValidationLoss is { } w ? $"{Math.Exp(w):F2}" : "",
                $"{p.LearningRate:0.0e0}");
        }
        console.Write(curve);
        LanguageModelConfiguration shape = model.Configuration;
        console.MarkupLineInterpolated(
            $"{shape.ParameterCount:N0} parameters, scheme {model.Scheme}, vocabulary {shape.VocabularySize}, on {model.Network.Device}");
        double seconds = metrics.Elapsed.TotalSeconds, peak = metrics.PeakWorkingSet / 1048576.0;
        console.MarkupLineInterpolated(
            $"{metrics.Tokens:N0} tokens in {seconds:F0} s, {metrics.TokensPerSecond:N0} tokens/s, peak memory {peak:F0} MiB");
        console.MarkupLineInterpolated($"Saved to {folder}");
    }

    private static JsonLine Line(TrainingProgress progress) => new JsonLine()
        .Add("step", progress.Step)
        .Add("tokens", progress.Tokens)
        .Add("loss", progress.Loss)
        .Add("learning_rate", progress.LearningRate)
        .Add("grad_norm", progress.GradNorm)
        .Add("tokens_per_s", progress.TokensPerSecond)
        .Add("memory_gib", Environment.WorkingSet / (double)(1 << 30));
}
