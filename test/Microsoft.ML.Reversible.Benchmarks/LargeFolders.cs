using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Saves and loads models with real configurations and random weights as sharded bfloat16 folders, each in a child process.
/// </summary>
internal static class LargeFolders
{
    private const long ShardBytes = 1_000_000_000;

    private static readonly Dictionary<string, LanguageModelConfiguration> _models = new()
    {
        ["gpt2-large"] = new GptConfiguration
        {
            VocabularySize = 50257, ContextLength = 1024, LayerCount = 36, HeadCount = 20, Width = 1280, Activation = Activation.GeluTanh,
        },
        ["tinyllama-1.1b"] = new LlamaConfiguration
        {
            VocabularySize = 32000, ContextLength = 2048, LayerCount = 22, HeadCount = 32, KeyValueHeadCount = 4, Width = 2048,
            MlpWidth = 5632, TiedHead = false,
        },
        ["smollm2-1.7b"] = new LlamaConfiguration
        {
            VocabularySize = 49152, ContextLength = 8192, LayerCount = 24, HeadCount = 32, KeyValueHeadCount = 32, Width = 2048,
            MlpWidth = 8192, RopeTheta = 130000,
        },
    };

    /// <summary>The measurements of one process.</summary>
    /// <param name="Parameters">Number of parameters.</param>
    /// <param name="FolderBytes">Size of the folder.</param>
    /// <param name="Files">Number of safetensors files.</param>
    /// <param name="Seconds">Time of saving or loading alone, in seconds.</param>
    /// <param name="PeakBytes">Peak resident memory of the process.</param>
    /// <param name="Sum">The sum of the parameters' absolute values as bfloat16, to compare the two processes.</param>
    internal sealed record Result(long Parameters, long FolderBytes, int Files, double Seconds, long PeakBytes, double Sum);

    public static IEnumerable<System.CommandLine.Command> Commands()
    {
        var folder = new Argument<DirectoryInfo>("folder");
        var model = new Argument<string>("model") { Description = string.Join(", ", _models.Keys) };
        var table = new System.CommandLine.Command(
            "folders", "Saves and loads large models as sharded bfloat16 folders, as a Markdown table.")
        {
            folder
        };
        table.SetAction(p => Show(p.GetValue(folder)!));
        var save = new System.CommandLine.Command("save-folder", "Saves a model with random weights, with JSON output.") { model, folder };
        save.SetAction(p => Console.WriteLine(JsonSerializer.Serialize(Save(_models[p.GetValue(model)!], p.GetValue(folder)!))));
        var load = new System.CommandLine.Command("load-folder", "Loads a folder, with JSON output.") { folder };
        load.SetAction(p => Console.WriteLine(JsonSerializer.Serialize(Load(p.GetValue(folder)!))));
        return [table, save, load];
    }

    private static void Show(DirectoryInfo scratch)
    {
        Console.WriteLine(
            "| model | parameters | as float32, GiB | folder, GiB | files | save, s (MB/s) | peak, GiB | load, s (MB/s) | peak, GiB |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (string name in _models.Keys)
        {
            DirectoryInfo folder = new(Path.Combine(scratch.FullName, name));
            try
            {
                var saved = ChildProcess.Run<Result>("save-folder", name, folder.FullName);
                var loaded = ChildProcess.Run<Result>("load-folder", folder.FullName);
                if (saved.Sum != loaded.Sum) throw new InvalidOperationException($"{name} was not loaded as saved: {saved}, {loaded}.");
                Console.WriteLine(
                    $"| {name} | {saved.Parameters:N0} | {GiB(saved.Parameters * 4)} | {GiB(saved.FolderBytes)} | {saved.Files} " +
                    $"| {Time(saved)} | {GiB(saved.PeakBytes)} | {Time(loaded)} | {GiB(loaded.PeakBytes)} |");
            }
            finally
            {
                if (folder.Exists) folder.Delete(recursive: true);
            }
        }

        static string GiB(long bytes) => $"{bytes / (double)(1 << 30):F2}";
        static string Time(Result r) => $"{r.Seconds:F1} ({r.FolderBytes / r.Seconds / 1e6:F0})";
    }

    private static Result Save(LanguageModelConfiguration configuration, DirectoryInfo folder)
    {
        using LanguageNetwork network =
            configuration.Build(Scheme.Residual, BackwardMode.Stored, Arithmetic.Float, Precision.Float32, CPU, seed: 1);
        var watch = Stopwatch.StartNew();
        PretrainedFolder.Save(new LanguageModel(network, tokenizer: null), folder.FullName, WeightPrecision.BFloat16, ShardBytes);
        return Measured(network, folder, watch.Elapsed.TotalSeconds);
    }

    private static Result Load(DirectoryInfo folder)
    {
        var watch = Stopwatch.StartNew();
        using LanguageModel model = PretrainedFolder.Load(folder.FullName, CPU, Precision.Float32);
        return Measured(model.Network, folder, watch.Elapsed.TotalSeconds);
    }

    private static Result Measured(LanguageNetwork network, DirectoryInfo folder, double seconds)
    {
        using var process = Process.GetCurrentProcess();
        long peak = process.PeakWorkingSet64;
        FileInfo[] files = new DirectoryInfo(folder.FullName).GetFiles();
        return new(
            network.Configuration.ParameterCount, files.Sum(file => file.Length), files.Count(file => file.Extension == ".safetensors"),
            seconds, peak, network.parameters().Sum(Sum));

        static double Sum(Tensor parameter)
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            return parameter.to(ScalarType.BFloat16).to(ScalarType.Float32).abs().sum(ScalarType.Float64).item<double>();
        }
    }
}
