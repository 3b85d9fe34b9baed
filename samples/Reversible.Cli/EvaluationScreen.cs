using System.Globalization;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Shows an evaluation: a progress bar for each task on a terminal, and a line of JSON or a table of results.</summary>
internal sealed class EvaluationScreen(Terminal terminal, bool json)
{
    private readonly List<ZeroShotMetrics> _results = [];

    /// <summary>Runs a task and adds its result.</summary>
    public ZeroShotMetrics During(ZeroShotTask task, Func<IProgress<ZeroShotProgress>?, ZeroShotMetrics> evaluate)
    {
        ZeroShotMetrics metrics;
        if (terminal.ShowsProgress)
        {
            var columns = new ProgressColumn[]
            {
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn(),
            };
            metrics = terminal.ForProgress().Progress().AutoClear(true).Columns(columns)
                .Start(context => evaluate(new Bar(context.AddTask(Markup.Escape(task.Name)))));
        }
        else metrics = evaluate(null);
        terminal.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{task.Name}: {metrics.ItemCount:N0} items in {metrics.Duration.TotalSeconds:F1} s"));
        Add(metrics);
        return metrics;
    }

    /// <summary>Adds a result.</summary>
    public void Add(ZeroShotMetrics metrics)
    {
        _results.Add(metrics);
        if (!json) return;
        terminal.Out.Write(metrics.ToJson() + "\n");
        terminal.Out.Flush();
    }

    /// <summary>Writes all results, in the columns of lm-evaluation-harness.</summary>
    public void ShowTable()
    {
        if (_results.Count > 0) (json ? terminal.Error : terminal.Out).WriteLine(ZeroShotMetrics.ToTable(_results).TrimEnd());
    }

    private sealed class Bar(ProgressTask task) : IProgress<ZeroShotProgress>
    {
        public void Report(ZeroShotProgress progress) =>
            (task.MaxValue, task.Value) = (progress.ItemCount ?? progress.Items, progress.Items);
    }
}
