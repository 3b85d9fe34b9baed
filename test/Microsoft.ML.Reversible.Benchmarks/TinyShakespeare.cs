using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Runs nanoGPT's CPU recipe with Fit: characters of one text, with the first 90 % as training data; 4 layers, 4 heads, width 128,
/// context 64, batch 12, 2000 steps. nanoGPT publishes a validation loss of 1.88.
/// </summary>
internal static class TinyShakespeare
{
    public static System.CommandLine.Command Command()
    {
        var file = new Argument<FileInfo>("file") { Description = "The text." };
        var scheme = new Option<string>("--scheme") { DefaultValueFactory = _ => "midpoint" };
        var backwardMode = new Option<BackwardMode?>("--backward-mode");
        var arithmetic = new Option<Arithmetic?>("--arithmetic");
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1337 };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 2000 };
        var device = new Option<string?>("--device");
        var precision = new Option<Precision>("--precision");
        var command = new System.CommandLine.Command("tiny-shakespeare", "Runs nanoGPT's character-level CPU recipe.")
        {
            file, scheme, backwardMode, arithmetic, seed, steps, device, precision
        };
        command.SetAction(p =>
        {
            ReversibleLmTrainer.Options options = Recipe(Scheme.Parse(p.GetValue(scheme)!), p.GetValue(steps), p.GetValue(seed));
            options.BackwardMode = p.GetValue(backwardMode);
            options.Arithmetic = p.GetValue(arithmetic);
            options.Device = p.GetValue(device);
            options.Precision = p.GetValue(precision);
            Run(File.ReadAllText(p.GetValue(file)!.FullName), options);
        });
        return command;
    }

    /// <summary>The recipe; another number of steps changes nothing else.</summary>
    internal static ReversibleLmTrainer.Options Recipe(Scheme scheme, int steps, int seed) => new()
    {
        Scheme = scheme,
        LayerCount = 4,
        HeadCount = 4,
        Width = 128,
        ContextLength = 64,
        BatchSize = 12,
        Tokenization = TextTokenization.Character,
        MaxSteps = steps,
        LearningRate = 1e-3,
        FinalLearningRate = 1e-4,
        WarmupSteps = 100,
        Beta2 = 0.99,
        WeightDecay = 0.1,
        MaxGradNorm = 1.0,
        ValidationFraction = 0.1,
        Seed = seed,
    };

    private static void Run(string text, ReversibleLmTrainer.Options options)
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        var watch = Stopwatch.StartNew();
        using ReversibleLmTransformer model =
            ml.Reversible().LanguageModel(options).Fit(ml.Data.LoadFromEnumerable([new Document { Text = text }]));
        foreach (TrainingProgress p in model.Metrics!.History.Where(p => p.ValidationLoss is not null))
            Console.WriteLine($"step {p.Step}: training loss {p.Loss:F4}, validation loss {p.ValidationLoss:F4}");
        Console.WriteLine(
            $"{options.Scheme}, {model.Network.Stack.Arithmetic}, {model.Network.Stack.BackwardMode}, " +
            $"{options.Precision}, {options.Device ?? "cpu"}: " +
            $"validation loss {model.Metrics.ValidationLoss:F4} over {model.Metrics.ValidationTokens} characters, " +
            $"{model.Metrics.TokensPerSecond:F0} tokens/s, {watch.Elapsed.TotalSeconds:F0} s in total");
    }

    private sealed class Document
    {
        [ColumnName("Text")]
        public string Text { get; set; } = "";
    }
}
