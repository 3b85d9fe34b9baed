using Microsoft.ML;
using Microsoft.ML.Reversible;

namespace ZeroShot;

/// <summary>The output of the sample besides the table.</summary>
internal static class Screen
{
    /// <summary>Shows the first question that the model answers wrongly, with the log-likelihood of each choice.</summary>
    public static void ShowMistake(MLContext ml, ZeroShotTask task, IDataView scored)
    {
        ZeroShotItem[] items = [.. task.Items(scored)];
        AnsweredRow[] rows = [.. ml.Data.CreateEnumerable<AnsweredRow>(scored, reuseRowObject: false)];
        int wrong = Enumerable.Range(0, rows.Length).FirstOrDefault(i => rows[i].PredictedLabel != items[i].Gold, -1);
        if (wrong < 0) return;

        ZeroShotItem item = items[wrong];
        Console.WriteLine($"\n{task.Name}, a wrong answer:\n  {item.Contexts[0].ReplaceLineEndings("\n  ")}");
        for (int i = 0; i < item.ChoiceCount; i++)
        {
            string mark = i == item.Gold ? "right" : i == rows[wrong].PredictedLabel ? "chosen" : "";
            Console.WriteLine($"  {rows[wrong].Score[i],9:F2}  {mark,-6}  {item.Continuations[i]}");
        }
        Console.WriteLine();
    }

    /// <summary>Shows the number of evaluated items on one line.</summary>
    internal sealed class Counter : IProgress<ZeroShotProgress>
    {
        public void Report(ZeroShotProgress progress)
        {
            if (!Console.IsErrorRedirected) Console.Error.Write($"\r{progress.Task}: {progress.Items} of {progress.ItemCount} items ");
        }
    }

    /// <summary>The columns that the evaluator adds.</summary>
    private sealed class AnsweredRow
    {
        public float[] Score { get; set; } = [];

        public int PredictedLabel { get; set; }
    }
}
