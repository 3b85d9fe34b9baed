using Microsoft.ML.Reversible;
using Spectre.Console;

namespace Retrofit;

/// <summary>The output of the sample.</summary>
internal static class Screen
{
    private const double BytesPerMiB = 1 << 20;

    /// <summary>Runs a training with a progress bar.</summary>
    public static ReversibleLmTransformer ShowProgress(
        string what, Func<IProgress<TrainingProgress>, ReversibleLmTransformer> train)
    {
        var columns = new ProgressColumn[]
        {
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new RemainingTimeColumn(),
        };
        return AnsiConsole.Progress().HideCompleted(false).Columns(columns).Start(context =>
        {
            ProgressTask bar = context.AddTask(what);
            ReversibleLmTransformer model = train(new Bar(bar, what));
            bar.Value = bar.MaxValue;
            return model;
        });
    }

    public static void ShowReport(RetrofitReport report)
    {
        var table = new Table().Title($"Teacher and student ({report.Scheme})")
            .AddColumns("", "KL per token", "same most likely token", "student's perplexity", "teacher's");
        Add("before distillation", report.Before);
        if (report.After is { } after) Add("after", after);
        AnsiConsole.Write(table);
        if (report.DistillationDiscarded) AnsiConsole.WriteLine("Distillation was discarded: the student is the one from before it.");
        if (report.Reason is { } reason) AnsiConsole.WriteLine(reason);
        HiddenStateMemory memory = report.Memory;
        double reversible = memory.Reversible / BytesPerMiB, checkpointed = memory.Checkpointed / BytesPerMiB;
        AnsiConsole.MarkupLineInterpolated(
            $"Hidden states of a batch of {memory.Tokens:N0} tokens: {reversible:F2} MiB, with checkpoints {checkpointed:F2} MiB");
        AnsiConsole.WriteLine();

        void Add(string when, RetrofitAgreement a) => table.AddRow(
            when, $"{a.KlPerToken:G3}", $"{a.Top1Agreement:P1}", $"{a.StudentPerplexity:F3}", $"{a.TeacherPerplexity:F3}");
    }

    public static void ShowBeside(string left, string leftText, string right, string rightText)
    {
        Table table = new Table().AddColumns(left, right);
        table.AddRow(new Text(leftText), new Text(rightText));
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine();
    }

    public static void ShowSaved(string student, string tuned, ReversibleLmTransformer model)
    {
        AnsiConsole.MarkupLineInterpolated(
            $"Fine-tuned to a validation loss of {model.Metrics!.ValidationLoss:F3}, scheme {model.Scheme}, with a frozen embedding");
        AnsiConsole.MarkupLineInterpolated($"Saved to {student} and {tuned}");
    }

    private sealed class Bar(ProgressTask task, string what) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress p)
        {
            task.MaxValue = p.MaxSteps;
            task.Value = p.Step;
            task.Description = $"{what}: step {p.Step}, loss {p.Loss:F3}, {p.UnitsPerSecond:N0} {p.Unit}/s";
        }
    }
}
