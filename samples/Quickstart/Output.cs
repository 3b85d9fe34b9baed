using Microsoft.ML.Reversible;
using Spectre.Console;

namespace Quickstart;

/// <summary>The console of a sample. Pipes and files, NO_COLOR and TERM=dumb get plain text without escape sequences.</summary>
internal static class Output
{
    private static readonly bool _isPlain = System.Console.IsOutputRedirected
        || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } || Environment.GetEnvironmentVariable("TERM") == "dumb";

    /// <summary>The console to write to.</summary>
    public static IAnsiConsole Console { get; } = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = _isPlain ? AnsiSupport.No : AnsiSupport.Detect,
        ColorSystem = _isPlain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        Interactive = _isPlain ? InteractionSupport.No : InteractionSupport.Detect,
    });

    /// <summary>Runs a training with a progress bar, or with a line for each evaluation in plain text.</summary>
    public static ReversibleLmTransformer ShowProgress(string what, Func<IProgress<TrainingProgress>, ReversibleLmTransformer> train)
    {
        if (_isPlain) return train(new Lines(what));
        var columns = new ProgressColumn[]
        {
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new RemainingTimeColumn(),
        };
        return Console.Progress().HideCompleted(false).Columns(columns).Start(context =>
        {
            ProgressTask bar = context.AddTask(what);
            ReversibleLmTransformer model = train(new Bar(bar, what));
            bar.Value = bar.MaxValue;
            return model;
        });
    }

    private static string Text(string what, TrainingProgress p) =>
        $"{what}: step {p.Step}, loss {p.Loss:F3}, {p.UnitsPerSecond:N0} {p.Unit}/s";

    private sealed class Bar(ProgressTask task, string what) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress p) => (task.MaxValue, task.Value, task.Description) = (p.MaxSteps, p.Step, Text(what, p));
    }

    private sealed class Lines(string what) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress p)
        {
            if (p.Step == 1 || p.ValidationLoss is not null) System.Console.WriteLine(Text(what, p));
        }
    }
}
