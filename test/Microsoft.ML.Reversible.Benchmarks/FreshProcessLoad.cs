using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Loads a saved ML.NET pipeline in this process, where nothing is registered, and evaluates a text.</summary>
internal static class FreshProcessLoad
{
    /// <summary>The result of the measurement.</summary>
    internal sealed record Result(double LoadSeconds, float LogLikelihood, int TokenCount, float Perplexity);

    public static System.CommandLine.Command Command()
    {
        var model = new Argument<FileInfo>("model")
        {
            Description = "A zip written by mlContext.Model.Save, or with --any-size by mlContext.Reversible().Save.",
        };
        var anySize = new Option<bool>("--any-size") { Description = "Loads the zip with mlContext.Reversible().Load." };
        var text = new Argument<string>("text");
        var command = new System.CommandLine.Command("load", "Loads a pipeline and evaluates a text, as JSON.") { model, text, anySize };
        command.SetAction(p =>
        {
            var ml = new MLContext();
            var watch = Stopwatch.StartNew();
            string path = p.GetValue(model)!.FullName;
            ITransformer loaded = p.GetValue(anySize) ? ml.Reversible().Load(path, out _) : ml.Model.Load(path, out _);
            IDataView scored = loaded.Transform(ml.Data.LoadFromEnumerable([new Row { Text = p.GetValue(text)! }]));
            Scores row = ml.Data.CreateEnumerable<Scores>(scored, reuseRowObject: false).Single();
            Console.WriteLine(JsonSerializer.Serialize(
                new Result(watch.Elapsed.TotalSeconds, row.LogLikelihood, row.TokenCount, row.Perplexity)));
        });
        return command;
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }

    private sealed class Scores
    {
        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }
    }
}
