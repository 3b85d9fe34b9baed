using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// A small training run with a checkpoint after every step, in a child process that is killed at random moments until the run is complete.
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
            "resumable-run", "Trains a small model with a checkpoint after every step; continues from the last one.")
        {
            folder,
        };
        command.SetAction(p =>
        {
            using ReversibleLmTransformer model = Train(p.GetRequiredValue(folder), step => Console.WriteLine(step));
        });
        return command;
    }

    /// <summary>Runs the training.</summary>
    /// <param name="folder">The folder of its checkpoints, tokens and metrics.</param>
    /// <param name="reported">Called for each step, before its checkpoint is written.</param>
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

    /// <summary>Starts the run repeatedly, and kills it a random time after one of its steps.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="kills">Number of times to kill the run.</param>
    /// <param name="random">Draws the times.</param>
    /// <returns>Number of killed processes; fewer than asked for if the run ended before.</returns>
    public static int KillAgainAndAgain(string folder, int kills, Random random)
    {
        for (int killed = 0; killed < kills; killed++)
        {
            using Process child = ChildProcess.Start("resumable-run", folder);
            for (int steps = random.Next(1, 12); steps > 0; steps--)
                if (child.StandardOutput.ReadLine() is null) return killed;
            // A step with its checkpoint takes longer than this, so most kills happen while a checkpoint is being written.
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
