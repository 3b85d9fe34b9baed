using System.CommandLine;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Trains every scheme on one text for the same number of steps, each in a child process: loss, bits per byte, speed, memory.
/// </summary>
internal static class SchemeTable
{
    internal sealed record Result(
        string Scheme, double ValidationLoss, double BitsPerByte, double TokensPerSecond, long PeakBytes, double Seconds);

    public static System.CommandLine.Command Command()
    {
        var options = new RecipeOptions();
        var schemes = new Option<string[]>("--schemes")
        {
            DefaultValueFactory = _ => [.. Scheme.All.Select(s => s.Name)], AllowMultipleArgumentsPerToken = true,
        };
        var parallel = new Option<int>("--parallel") { DefaultValueFactory = _ => 1, Description = "Number of concurrent processes." };
        var command = new System.CommandLine.Command(
            "schemes", "Trains every scheme on one text for the same number of steps, as a Markdown table.") { schemes, parallel };
        options.AddTo(command);
        command.SetAction(p =>
        {
            Console.WriteLine("| scheme | validation loss, nats per token | perplexity | bits per byte | tokens/s | peak memory, MiB |");
            Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
            var results = p.GetValue(schemes)!.AsParallel().AsOrdered().WithDegreeOfParallelism(p.GetValue(parallel))
                .Select(scheme => ChildProcess.Run<Result>(["scheme-run", "--scheme", scheme, .. options.Arguments(p)]));
            foreach (Result r in results)
                Console.WriteLine(
                    $"| {r.Scheme} | {r.ValidationLoss:F4} | {Math.Exp(r.ValidationLoss):F2} | {r.BitsPerByte:F4} | " +
                    $"{r.TokensPerSecond:F0} | {r.PeakBytes / 1048576.0:F0} |");
        });
        return command;
    }

    public static System.CommandLine.Command RunCommand()
    {
        var options = new RecipeOptions();
        var scheme = new Option<string>("--scheme") { Required = true };
        var command = new System.CommandLine.Command("scheme-run", "Measures one row of the table, with JSON output.") { scheme };
        options.AddTo(command);
        command.SetAction(p =>
        {
            using var memory = new DeviceMemory(p.GetValue(options.Device));
            var ml = new MLContext(seed: 1) { FallbackToCpu = false };
            IEnumerable<Row> rows = p.GetRequiredValue(options.Files)
                .SelectMany(file => File.ReadLines(file.FullName)).Where(line => line.Length > 0).Select(line => new Row { Text = line });
            using ReversibleLmTransformer model =
                ml.Reversible().LanguageModel(options.Trainer(p, Scheme.Parse(p.GetRequiredValue(scheme))))
                    .Fit(ml.Data.LoadFromEnumerable(rows));
            LanguageMetrics m = model.Metrics!;
            Console.WriteLine(JsonSerializer.Serialize(new Result(
                $"{model.Scheme.Name}, {model.Network.Stack.Arithmetic.ToString().ToLowerInvariant()}", m.ValidationLoss!.Value,
                m.ValidationBitsPerByte!.Value, m.TokensPerSecond, memory.Peak ?? m.PeakHostMemory, m.Elapsed.TotalSeconds)));
        });
        return command;
    }

    private sealed class Row
    {
        [ColumnName("Text")]
        public string Text { get; set; } = "";
    }

    /// <summary>The options that the table and its rows share.</summary>
    private sealed class RecipeOptions
    {
        public Argument<FileInfo[]> Files { get; } =
            new("files") { Arity = ArgumentArity.OneOrMore, Description = "Text files, one row per line." };

        public Option<string?> Device { get; } = new("--device");

        private readonly Option<int> _steps = new("--steps") { DefaultValueFactory = _ => 1000 };
        private readonly Option<int> _layers = new("--layers") { DefaultValueFactory = _ => 8 };
        private readonly Option<int> _width = new("--width") { DefaultValueFactory = _ => 256 };
        private readonly Option<int> _context = new("--context") { DefaultValueFactory = _ => 256 };
        private readonly Option<int> _batch = new("--batch") { DefaultValueFactory = _ => 32 };
        private readonly Option<int> _vocabulary = new("--vocabulary") { DefaultValueFactory = _ => 4096 };

        private Option<int>[] Numbers => [_steps, _layers, _width, _context, _batch, _vocabulary];

        public void AddTo(System.CommandLine.Command command)
        {
            command.Add(Files);
            command.Add(Device);
            foreach (Option<int> option in Numbers) command.Add(option);
        }

        public IEnumerable<string> Arguments(ParseResult p) =>
        [
            .. p.GetRequiredValue(Files).Select(file => file.FullName),
            .. p.GetValue(Device) is { } device ? ["--device", device] : Array.Empty<string>(),
            .. Numbers.SelectMany(option => new[] { option.Name, $"{p.GetValue(option)}" }),
        ];

        public ReversibleLmTrainer.Options Trainer(ParseResult p, Scheme scheme) => new()
        {
            Scheme = scheme,
            LayerCount = p.GetValue(_layers),
            Width = p.GetValue(_width),
            HeadCount = Math.Max(1, p.GetValue(_width) / 64),
            ContextLength = p.GetValue(_context),
            BatchSize = p.GetValue(_batch),
            VocabularySize = p.GetValue(_vocabulary),
            MaxSteps = p.GetValue(_steps),
            WarmupSteps = p.GetValue(_steps) / 10,
            LearningRate = 1e-3,
            FinalLearningRate = 1e-4,
            EvaluationInterval = p.GetValue(_steps),
            Device = p.GetValue(Device),
            Seed = 1,
        };
    }
}
