using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Runs a task over data.</summary>
internal sealed class ZeroShotEvaluation(
    MLContext context, ILogLikelihoodSource source, ZeroShotTask task, ZeroShotEvaluator.Options options)
{
    /// <summary>Items that are sorted by length and batched together; what their texts take is small beside the model.</summary>
    private const int ItemsTogether = 512;

    /// <summary>A model of this library takes the options' batches.</summary>
    private ILogLikelihoodSource Source => source is ReversibleLmTransformer model
        ? new LogLikelihoodScorer(model.Model, options.BatchTokens)
        : source;

    /// <summary>Starts reading items off a row or cursor.</summary>
    public Func<ZeroShotItem> StartReading(DataViewRow row)
    {
        var columns = new ZeroShotRow(row, task.Columns);
        return () => Checked(task.ToItem(columns), columns.Number);
    }

    /// <summary>The scores of some items.</summary>
    public IReadOnlyList<ZeroShotScore> Score(IReadOnlyList<ZeroShotItem> items) =>
        ZeroShotScorer.Score(Source, task.Kind, items, progress: null, options.CancellationToken);

    /// <summary>The metrics over all rows.</summary>
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
            throw new InvalidOperationException($"The data has no rows, so that task '{task.Name}' has nothing to score.");
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
                $"Row {row} has {item.ChoiceCount} choices, but each of task '{task.Name}' has {promised}.");
        return item;
    }

    private sealed class Reports(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
