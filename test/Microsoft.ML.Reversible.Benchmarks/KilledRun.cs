using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// A small training run with a checkpoint after every step, in a process of its own, killed at random moments until it is through.
/// </summary>
internal static class KilledRun
{
    public sealed class Row
    {
        public string Text { get; set; } = "";
    }

    public static System.CommandLine.Command Command()
    {
        var folder = new Argument<string>("folder");
        var command = new System.CommandLine.Command(
            "resumable-run", "Trains a small model with a checkpoint after every step; goes on where it stood.")
        {
            folder,
        };
        command.SetAction(p =>
        {
            using ReversibleLmTransformer model = Train(p.GetRequiredValue(folder), step => Console.WriteLine(step));
        });
        return command;
    }

    /// <summary>The run.</summary>
    /// <param name="folder">Where its checkpoints, tokens and metrics are.</param>
    /// <param name="reported">Told of each step, before its checkpoint is written.</param>
    public static ReversibleLmTransformer Train(string folder, Action<int>? reported = null)
    {
        var ml = new MLContext(seed: 1);
        IDataView rows = ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 300).Select(i => new Row { Text = $"row {i} of {i % 7} and {i % 11}" }));
        return ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            LayerCount = 2,
            HeadCount = 2,
            Width = 16,
            ContextLength = 16,
            BatchSize = 4,
            GradientAccumulationSteps = 2,
            Tokenization = TextTokenization.Bpe,
            VocabularySize = 270,
            MaxSteps = 100,
            WarmupSteps = 5,
            EvaluationInterval = 7,
            EvaluationBatches = 2,
            ReportInterval = 1,
            CheckpointInterval = 1,
            CheckpointsKept = 2,
            CheckpointFolder = Path.Combine(folder, "checkpoints"),
            MetricsPath = Path.Combine(folder, "metrics.jsonl"),
            TokenCachePath = Path.Combine(folder, "tokens.bin"),
            Seed = 1,
            Progress = new Listener(reported),
        }).Fit(rows);
    }

    /// <summary>Starts the run again and again, and kills it a random moment after one of its steps.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="kills">How many times to kill it.</param>
    /// <param name="random">Draws the moments.</param>
    /// <returns>How many of the processes were killed; fewer where the run came to its end before.</returns>
    public static int KillAgainAndAgain(string folder, int kills, Random random)
    {
        for (int killed = 0; killed < kills; killed++)
        {
            using Process child = ChildProcess.Start("resumable-run", folder);
            for (int steps = random.Next(1, 12); steps > 0; steps--)
                if (child.StandardOutput.ReadLine() is null) return killed;
            // A step with its checkpoint takes longer than this: most kills fall into the writing of a checkpoint.
            Thread.Sleep(random.Next(10));
            child.Kill();
            child.WaitForExit();
        }
        return kills;
    }

    private sealed class Listener(Action<int>? reported) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reported?.Invoke(value.Step);
    }
}
