using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/training.md. What stands between the markers is compared with the page and run.</summary>
internal static class TrainingSnippets
{
    internal sealed class TextRow
    {
        public string Text { get; set; } = "";
    }

    public static LanguageMetrics Train(string folder)
    {
        // <snippet>
        var ml = new MLContext(seed: 1);
        string corpus = Path.Combine(folder, "corpus.txt");
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        IDataView data = ml.Data.LoadFromEnumerable(File.ReadLines(corpus, utf8).Select(line => new TextRow { Text = line }));
        using var stop = new CancellationTokenSource();
        using var signals = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Cancel(); });
        using ReversibleLmTransformer model = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            Family = ModelFamily.Llama,
            LayerCount = 4,
            Width = 48,
            ContextLength = 32,
            VocabularySize = 300,
            TokenCachePath = Path.Combine(folder, "corpus.tokens"),
            BatchSize = 8,
            MaxSteps = 40,
            Schedule = LearningRateScheduleKind.WarmupStableDecay,
            WarmupSteps = 5,
            EvaluationInterval = 10,
            EarlyStoppingPatience = 20,
            ReturnBest = true,
            CheckpointFolder = Path.Combine(folder, "run"),
            CheckpointInterval = 10,
            MetricsPath = Path.Combine(folder, "metrics.jsonl"),
            CancellationToken = stop.Token,
        }).Fit(data);
        LanguageMetrics metrics = model.Metrics!;
        Console.WriteLine($"step {metrics.ModelStep}; at the end {metrics.ValidationBitsPerByte:F3} bits a byte");
        // </snippet>
        return metrics;
    }

    public static ReversibleLmTransformer FineTune(MLContext ml, IDataView data, string folder)
    {
        // <snippet>
        ReversibleLmTransformer tuned = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            PretrainedFolder = Path.Combine(folder, "run", "step-00000040"),
            ContextLength = 32,
            MaxEpochs = 1,
            LearningRate = 1e-4,
        }).Fit(data);
        // </snippet>
        return tuned;
    }
}
