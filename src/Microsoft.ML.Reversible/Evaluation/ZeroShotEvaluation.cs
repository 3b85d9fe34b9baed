using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Scores the items of a task's data and computes the metrics.</summary>
internal sealed class ZeroShotEvaluation(
    MLContext context, ILogLikelihoodSource source, ZeroShotTask task, ZeroShotEvaluator.Options options)
{
    /// <summary>
    /// The number of items that are scored together, so that the source can batch them. Their texts are small compared with the model.
    /// </summary>
    private const int ItemsTogether = 512;

    /// <summary>The source; a model of this library with the batch size of the options.</summary>
    private ILogLikelihoodSource Source => source is ReversibleLmTransformer model
        ? new LogLikelihoodScorer(model.Model, options.BatchTokens)
        : source;

    /// <summary>Returns a function that reads the item at a row or cursor.</summary>
    public Func<ZeroShotItem> StartReading(DataViewRow row)
    {
        var columns = new ZeroShotRow(row, task.Columns);
        return () => Checked(task.ToItem(columns), columns.Number);
    }

    /// <summary>Scores items.</summary>
    public IReadOnlyList<ZeroShotScore> Score(IReadOnlyList<ZeroShotItem> items) =>
        ZeroShotScorer.Score(Source, task.Kind, items, progress: null, options.CancellationToken);

    /// <summary>Scores all rows and returns the metrics.</summary>
    /// <exception cref="InvalidOperationException">There are no rows.</exception>
    public ZeroShotMetrics Run(IDataView data)
    {
        if (options.ItemLogPath is { } path) AtomicFile.RequireWritable(path);
        using IChannel channel = ((IHostEnvironment)context).Register(nameof(ZeroShotEvaluator)).Start("Evaluation");
        var watch = Stopwatch.StartNew();
        var counts = new ZeroShotCounts(task);
        using ZeroShotItemLog? log = options.ItemLogPath is null ? null : new();
        long? rows = data.GetRowCount();
        foreach (ZeroShotItem[] items in Items(data).Chunk(ItemsTogether))
        {
            long before = counts.ItemCount;
            var progress = options.Progress is { } told
                ? new Reports(done => told.Report(new(task.Name, before + done, rows, watch.Elapsed)))
                : null;
            foreach (ZeroShotScore score in ZeroShotScorer.Score(Source, task.Kind, items, progress, options.CancellationToken))
            {
                log?.Add(counts.ItemCount, task.Kind, score);
                counts.Add(score);
            }
        }
        if (counts.ItemCount == 0)
            throw new InvalidOperationException($"The data has no rows, so task '{task.Name}' has nothing to evaluate.");
        log?.Save(options.ItemLogPath!);
        ZeroShotMetrics metrics = counts.ToMetrics(watch.Elapsed, options.CancellationToken);
        channel.Info(MessageSensitivity.None, "{0}", metrics.ToJson());
        return metrics;
    }

    private IEnumerable<ZeroShotItem> Items(IDataView data)
    {
        DataViewSchema.Column[] columns = [.. task.Columns.Select(column => column.Find(data.Schema))];
        using DataViewRowCursor cursor = data.GetRowCursor(columns);
        Func<ZeroShotItem> read = StartReading(cursor);
        while (cursor.MoveNext()) yield return read();
    }

    private ZeroShotItem Checked(ZeroShotItem item, long row)
    {
        int promised = task.ChoiceNames.Count;
        if (promised > 0 && item.ChoiceCount != promised)
            throw new InvalidDataException(
                $"Row {row} has {item.ChoiceCount} choices, but rows of task '{task.Name}' must have {promised}.");
        return item;
    }

    private sealed class Reports(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}

/// <summary>Converts items to requests to a model, and its results to the items' scores.</summary>
internal static class ZeroShotScorer
{
    /// <summary>Scores items.</summary>
    /// <param name="source">The model.</param>
    /// <param name="kind">The kind of the items' task.</param>
    /// <param name="items">The items.</param>
    /// <param name="progress">Receives the number of items that are done.</param>
    /// <param name="cancellationToken">Cancels the scoring.</param>
    /// <exception cref="InvalidOperationException">The source returned another number of scores than requests.</exception>
    public static ZeroShotScore[] Score(
        ILogLikelihoodSource source, ZeroShotKind kind, IReadOnlyList<ZeroShotItem> items, IProgress<int>? progress,
        CancellationToken cancellationToken)
    {
        ContinuationRequest[] requests = [];
        string[] texts = [];
        if (kind == ZeroShotKind.RollingLogLikelihood) texts = [.. items.Select(item => item.Continuations[0])];
        else requests = [.. items.SelectMany(Requests)];
        int count = texts.Length + requests.Length;
        var each = progress is null ? null : new Share(progress, items.Count, count);
        IReadOnlyList<ContinuationScore> scores = kind == ZeroShotKind.RollingLogLikelihood
            ? source.ScoreRolling(texts, each, cancellationToken)
            : source.Score(requests, each, cancellationToken);
        if (scores.Count != count)
            throw new InvalidOperationException(
                $"The log-likelihood source {source.GetType()} returned {scores.Count} scores for {count} requests.");

        var results = new ZeroShotScore[items.Count];
        int next = 0;
        for (int i = 0; i < results.Length; i++)
        {
            var own = new ContinuationScore[items[i].ChoiceCount];
            for (int choice = 0; choice < own.Length; choice++) own[choice] = scores[next++];
            results[i] = new(items[i], own);
        }
        return results;
    }

    private static IEnumerable<ContinuationRequest> Requests(ZeroShotItem item)
    {
        for (int choice = 0; choice < item.ChoiceCount; choice++)
        {
            yield return new(
                item.Contexts[item.Contexts.Count == 1 ? 0 : choice],
                ZeroShotTask.Delimiter + item.Continuations[item.Continuations.Count == 1 ? 0 : choice]);
        }
    }

    /// <summary>Converts the number of requests done to a number of items.</summary>
    private sealed class Share(IProgress<int> progress, int items, int requests) : IProgress<int>
    {
        public void Report(int value) => progress.Report((int)((long)items * value / requests));
    }
}

/// <summary>An item and the log-likelihoods that a model assigns to its choices.</summary>
/// <param name="Item">The item.</param>
/// <param name="Scores">One score for each choice.</param>
internal sealed record ZeroShotScore(ZeroShotItem Item, ContinuationScore[] Scores)
{
    /// <summary>The log-likelihood of each choice, nats.</summary>
    public double[] LogLikelihoods { get; } = Array.ConvertAll(Scores, score => score.LogLikelihood);

    /// <summary>The approximate size in memory, bytes.</summary>
    public long Size => 2L * Item.Contexts.Concat(Item.Continuations).Sum(text => (long)text.Length) + 200 * Scores.Length;

    /// <summary>The length of each choice in characters as Python counts them: Unicode code points.</summary>
    public int[] Lengths { get; } = [.. Scores.Select((_, i) => Text(Item, i).EnumerateRunes().Count())];

    /// <summary>The length of each choice in bytes of UTF-8.</summary>
    public int[] ByteLengths { get; } = [.. Scores.Select((_, i) => Encoding.UTF8.GetByteCount(Text(Item, i)))];

    /// <summary>The log-likelihood of each choice divided by its characters.</summary>
    public double[] Normalized => Divided(Lengths);

    /// <summary>The most likely choice.</summary>
    public int Prediction => IndexOfLargest(LogLikelihoods);

    /// <summary>The choice with the largest log-likelihood per character.</summary>
    public int NormalizedPrediction => IndexOfLargest(Normalized);

    /// <summary>The choice with the largest log-likelihood per byte.</summary>
    public int BytesPrediction => IndexOfLargest(Divided(ByteLengths));

    /// <summary>Returns the same index as NumPy's <c>argmax</c>: that of the first NaN, or else of the first largest number.</summary>
    internal static int IndexOfLargest(ReadOnlySpan<double> values)
    {
        int best = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i])) return i;
            if (values[i] > values[best]) best = i;
        }
        return best;
    }

    private double[] Divided(int[] lengths) => [.. LogLikelihoods.Zip(lengths, (sum, length) => sum / length)];

    private static string Text(ZeroShotItem item, int choice) => item.Continuations[item.Continuations.Count == 1 ? 0 : choice];
}

/// <summary>Collects the items of an evaluation as lines of JSON, and saves them at the end.</summary>
internal sealed class ZeroShotItemLog : IDisposable
{
    private static readonly JsonWriterOptions _format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly MemoryStream _lines = new();

    /// <summary>Adds an item.</summary>
    public void Add(long row, ZeroShotKind kind, ZeroShotScore score)
    {
        using (var json = new Utf8JsonWriter(_lines, _format))
        {
            json.WriteStartObject();
            json.WriteNumber("doc_id", row);
            Write(json, "contexts", score.Item.Contexts, json.WriteStringValue);
            Write(json, "continuations", score.Item.Continuations, json.WriteStringValue);
            Write(json, "log_likelihoods", score.LogLikelihoods, value => WriteFinite(json, value));
            Write(json, "is_greedy", score.Scores.Select(one => one.IsGreedy), json.WriteBooleanValue);
            Write(json, "token_counts", score.Scores.Select(one => one.TokenCount), json.WriteNumberValue);
            Write(json, "lengths", score.Lengths, json.WriteNumberValue);
            Write(json, "byte_lengths", score.ByteLengths, json.WriteNumberValue);
            if (kind is ZeroShotKind.MultipleChoice or ZeroShotKind.MultipleInput)
            {
                json.WriteNumber("gold", score.Item.Gold);
                json.WriteNumber("prediction", score.Prediction);
                json.WriteNumber("prediction_norm", score.NormalizedPrediction);
                json.WriteNumber("prediction_bytes", score.BytesPrediction);
            }
            json.WriteEndObject();
        }
        _lines.WriteByte((byte)'\n');
    }

    /// <summary>Writes the file atomically.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing it is not permitted.</exception>
    public void Save(string path) => AtomicFile.Write(path, _lines.WriteTo);

    public void Dispose() => _lines.Dispose();

    private static void Write<T>(Utf8JsonWriter json, string name, IEnumerable<T> values, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T value in values) write(value);
        json.WriteEndArray();
    }

    private static void WriteFinite(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value)) json.WriteNumberValue(value);
        else json.WriteNullValue();
    }
}
