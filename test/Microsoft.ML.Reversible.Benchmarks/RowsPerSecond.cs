using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Measures rows per second of a model's columns: one row at a time, as a prediction engine does, and with Transform.</summary>
internal static class RowsPerSecond
{
    public static System.CommandLine.Command Command()
    {
        var model = new Argument<DirectoryInfo>("model") { Description = "A folder in Hugging Face's layout." };
        var text = new Argument<FileInfo>("text") { Description = "A text file, which is cut into rows." };
        var tokenizer = new Option<string?>("--tokenizer");
        var device = new Option<string?>("--device");
        var rows = new Option<int>("--rows") { Description = "Number of rows.", DefaultValueFactory = _ => 2000 };
        var characters = new Option<int[]>("--characters")
        {
            Description = "Characters of a row; half of the rows have between half of it and all of it, the others all of it.",
            AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [40],
        };
        var rounds = new Option<int>("--rounds")
        {
            Description = "Rounds; the two alternate, and the best counts.", DefaultValueFactory = _ => 3,
        };
        var command = new System.CommandLine.Command("rows", "Measures rows per second of a model's columns, alone and together.")
        {
            model, text, tokenizer, device, rows, characters, rounds,
        };
        command.SetAction(p =>
        {
            var ml = new MLContext();
            using ReversibleLmTransformer loaded = ml.Reversible().LoadPretrained(
                p.GetValue(model)!.FullName, device: p.GetValue(device), tokenizerPath: p.GetValue(tokenizer));
            Console.WriteLine("| characters | rows | tokens | columns | one at a time, rows/s | Transform | times |");
            Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
            string all = File.ReadAllText(p.GetValue(text)!.FullName);
            foreach (int length in p.GetValue(characters)!)
            {
                Row[] data = Cut(all, p.GetValue(rows), length);
                Show(ml, loaded, data, length, "scores", new(), p.GetValue(rounds));
                Show(ml, loaded, data, length, "scores, embedding", new() { EmbeddingColumnName = "Embedding" }, p.GetValue(rounds));
            }
        });
        return command;
    }

    private static void Show(
        MLContext ml, ReversibleLmTransformer model, Row[] rows, int length, string columns, LanguageModelScoringEstimator.Options options,
        int rounds)
    {
        IDataView data = ml.Data.LoadFromEnumerable(rows);
        ReversibleLmTransformer applied = ml.Reversible().ApplyLanguageModel(model, options).Fit(data);
        using var engine = ml.Model.CreatePredictionEngine<Row, Scored>(applied, new PredictionEngineOptions { OwnsTransformer = false });
        long tokens = Together(rows.Length);
        double together = double.PositiveInfinity, apart = double.PositiveInfinity;
        for (int round = 0; round < rounds; round++)
        {
            together = Math.Min(together, Seconds(() => Together(rows.Length)));
            apart = Math.Min(apart, Seconds(() =>
            {
                foreach (Row row in rows) engine.Predict(row);
            }));
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {length} | {rows.Length} | {tokens} | {columns} | {rows.Length / apart:F0} | {rows.Length / together:F0} " +
            $"| {apart / together:F1} |"));

        // A new view each time, since a view remembers its rows.
        long Together(int count) => applied.Transform(data).GetColumn<int>("TokenCount").Take(count).Sum(value => (long)value);
    }

    private static Row[] Cut(string text, int count, int length)
    {
        var random = new Random(1);
        return
        [
            .. Enumerable.Range(0, count).Select(i => new Row
            {
                Text = text.Substring(random.Next(text.Length - length), i % 2 == 0 ? length : random.Next(length / 2, length + 1)),
            }),
        ];
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }

    private sealed class Scored
    {
        public int TokenCount { get; set; }
    }
}
