using System.Diagnostics;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Runs the same training with <c>Fit</c> on a large corpus and on its first megabyte. Tokens are read from disk as needed, so the
/// size of the corpus must affect neither speed nor memory.
/// </summary>
internal static class CorpusTraining
{
    public const int SmallBytes = 1_000_000;

    /// <summary>Trains on each corpus.</summary>
    /// <param name="large">The lines of the large corpus.</param>
    /// <param name="cache">Its existing token cache.</param>
    /// <param name="tokenizer">The tokenizer of both corpora.</param>
    /// <param name="folder">A folder for temporary files.</param>
    /// <param name="steps">Steps of each run.</param>
    /// <param name="report">Receives the result of each run.</param>
    public static void Run(
        IEnumerable<string> large, string cache, LanguageModelTokenizer tokenizer, string folder, int steps, Action<string> report)
    {
        string tokenizerFolder = Path.Combine(folder, "tokenizer");
        Directory.CreateDirectory(tokenizerFolder);
        tokenizer.Save(tokenizerFolder);
        long length = 0;
        string[] small = [.. large.TakeWhile(line => (length += line.Length + 1) < SmallBytes)];
        DateTime made = File.GetLastWriteTimeUtc(cache);
        Train("large corpus", large, cache, tokenizerFolder, steps, report);
        Train("first MB", small, Path.Combine(folder, "small.tokens"), tokenizerFolder, steps, report);
        if (File.GetLastWriteTimeUtc(cache) != made) throw new InvalidOperationException("The cache was created again, not reused.");
    }

    private static void Train(
        string name, IEnumerable<string> lines, string cache, string tokenizer, int steps, Action<string> report)
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        var watch = Stopwatch.StartNew();
        TimeSpan processorTime = default;
        using ReversibleLmTransformer model = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            LayerCount = 4,
            HeadCount = 4,
            Width = 128,
            ContextLength = 256,
            BatchSize = 16,
            MaxSteps = steps,
            WarmupSteps = steps / 10,
            ValidationFraction = 0,
            TokenizerPath = tokenizer,
            TokenCachePath = cache,
            ReportInterval = steps,
            Seed = 1,
            Progress = new FirstStep(() => processorTime = Environment.CpuUsage.TotalTime),
        }).Fit(ml.Data.LoadFromEnumerable(lines.Select(line => new CorpusTokenization.Row { Text = line })));
        processorTime = Environment.CpuUsage.TotalTime - processorTime;
        LanguageMetrics metrics = model.Metrics!;
        report($"trained on the {name}: {metrics.TokensPerSecond:F0} tokens/s, {processorTime.TotalMilliseconds / (steps - 1):F0} ms of " +
            $"processor time per step, loss {metrics.TrainingLoss:F3} after {steps} steps, {watch.Elapsed.TotalSeconds:F1} s in total, " +
            $"of which {metrics.Elapsed.TotalSeconds:F1} s in steps");
    }

    private sealed class FirstStep(Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == 1) action();
        }
    }
}
