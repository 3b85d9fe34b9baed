using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Trains for a given time, with evaluations and checkpoints, and prints the resident memory every minute.</summary>
internal static class LongRun
{
    public static System.CommandLine.Command Command()
    {
        var file = new Argument<FileInfo>("file") { Description = "The text, one row per line." };
        var minutes = new Option<double>("--minutes") { DefaultValueFactory = _ => 60 };
        var device = new Option<string?>("--device");
        var command = new System.CommandLine.Command(
            "long-run", "Trains for a given time and prints the resident memory every minute.") { file, minutes, device };
        command.SetAction(p => Run(p.GetRequiredValue(file), TimeSpan.FromMinutes(p.GetValue(minutes)), p.GetValue(device)));
        return command;
    }

    private static void Run(FileInfo file, TimeSpan length, string? device)
    {
        using var end = new CancellationTokenSource(length);
        string checkpoints = Directory.CreateTempSubdirectory("long-run-").FullName;
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        var rows = File.ReadLines(file.FullName).Where(line => line.Length > 0).Select(line => new Row { Text = line });
        var watch = Stopwatch.StartNew();
        Console.WriteLine("| minute | step | loss | resident memory, MiB |\n| --- | --- | --- | --- |");
        try
        {
            using ReversibleLmTransformer model = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
            {
                LayerCount = 6,
                HeadCount = 4,
                Width = 128,
                ContextLength = 128,
                BatchSize = 8,
                VocabularySize = 1024,
                MaxSteps = int.MaxValue / 2,
                Schedule = LearningRateScheduleKind.Constant,
                EvaluationInterval = 200,
                CheckpointInterval = 500,
                CheckpointFolder = checkpoints,
                Device = device,
                Seed = 1,
                Progress = new EveryMinute(watch),
                CancellationToken = end.Token,
            }).Fit(ml.Data.LoadFromEnumerable(rows));
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"ended after {watch.Elapsed.TotalMinutes:F1} minutes");
        }
        finally
        {
            Directory.Delete(checkpoints, recursive: true);
        }
    }

    private sealed class Row
    {
        [ColumnName("Text")]
        public string Text { get; set; } = "";
    }

    private sealed class EveryMinute(Stopwatch watch) : IProgress<TrainingProgress>
    {
        private int _next;

        public void Report(TrainingProgress value)
        {
            if (watch.Elapsed.TotalMinutes < _next) return;
            Console.WriteLine($"| {_next++} | {value.Step} | {value.Loss:F3} | {value.HostMemoryBytes / 1048576.0:F0} |");
        }
    }
}
