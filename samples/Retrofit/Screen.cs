using Microsoft.ML.Reversible;
using Quickstart;
using Spectre.Console;

namespace Retrofit;

/// <summary>The output of the sample.</summary>
internal static class Screen
{
    private const double BytesPerMiB = 1 << 20;

    public static void ShowReport(RetrofitReport report)
    {
        var table = new Table().Title($"Teacher and student ({report.Scheme})")
            .AddColumns("student", "KL per token", "same most likely token", "student's perplexity", "teacher's");
        Add("before distillation", report.Before);
        if (report.After is { } after) Add("after", after);
        Output.Console.Write(table);
        if (report.DistillationDiscarded) Output.Console.WriteLine("Distillation was discarded: the student is the one from before it.");
        if (report.Reason is { } reason) Output.Console.WriteLine(reason);
        HiddenStateMemory memory = report.Memory;
        double reversible = memory.Reversible / BytesPerMiB, checkpointed = memory.Checkpointed / BytesPerMiB;
        Output.Console.MarkupLineInterpolated(
            $"Hidden states of a batch of {memory.Tokens:N0} tokens: {reversible:F2} MiB, with checkpoints {checkpointed:F2} MiB");
        Output.Console.WriteLine();

        void Add(string when, RetrofitAgreement a) => table.AddRow(
            when, $"{a.KlPerToken:G3}", $"{a.Top1Agreement:P1}", $"{a.StudentPerplexity:F3}", $"{a.TeacherPerplexity:F3}");
    }

    public static void ShowBeside(string left, string leftText, string right, string rightText)
    {
        Table table = new Table().AddColumns(left, right);
        table.AddRow(new Text(leftText), new Text(rightText));
        Output.Console.Write(table);
        Output.Console.WriteLine();
    }

    public static void ShowSaved(string student, string tuned, ReversibleLmTransformer model)
    {
        Output.Console.MarkupLineInterpolated(
            $"Fine-tuned to a validation loss of {model.Metrics!.ValidationLoss:F3}, scheme {model.Scheme}, with a frozen embedding");
        Output.Console.MarkupLineInterpolated($"Saved to {student} and {tuned}");
    }
}
