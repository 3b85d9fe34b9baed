using System.Text.Json;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The form of a <see cref="ZeroShotTransformer"/> in a zip, next to its model.</summary>
/// <param name="Task">The name of a task of <see cref="ZeroShotTasks"/>.</param>
/// <param name="Columns">The columns that it adds.</param>
/// <param name="Model">The columns of the model.</param>
/// <param name="Shots">The examples before each question; null if there are none.</param>
internal sealed record PortableZeroShot(string Task, ZeroShotColumns Columns, ScoreColumns Model, PortableShots? Shots)
{
    /// <summary>Describes a transformer for a zip.</summary>
    /// <exception cref="NotSupportedException">Its task or its model cannot be saved.</exception>
    public static PortableClient Save(ZeroShotTransformer live, out ReversibleLmTransformer model)
    {
        if (live.Task.Benchmark is null)
            throw new NotSupportedException(
                $"The task '{live.Task.Name}' is a custom one, whose functions cannot be saved. Save the model alone, and create the " +
                "evaluator again with mlContext.Reversible().ZeroShot(model, task).");
        model = live.Source as ReversibleLmTransformer ?? throw new NotSupportedException(
            $"The log-likelihoods of task '{live.Task.Name}' come from {live.Source.GetType()}, which cannot be saved: only a " +
            $"{nameof(ReversibleLmTransformer)} can.");
        ZeroShotColumns names = live.Columns;
        var saved = new PortableZeroShot(live.Task.Name, names, model.Columns, PortableShots.Of(live.Task));
        var columns = new ScoreColumns(PortableChain.KeyColumn, names.Score, names.PredictedLabel, names.ScoreNormalized);
        return new(JsonSerializer.Serialize(saved), columns);
    }

    /// <summary>Restores a transformer from a zip; it owns its model.</summary>
    /// <exception cref="InvalidDataException">The JSON is damaged, there is no such task, or its examples are damaged.</exception>
    public static ITransformer Open(MLContext context, string json, Func<ScoreColumns, ReversibleLmTransformer> openModel)
    {
        PortableZeroShot saved = Parse(json);
        ReversibleLmTransformer model = openModel(saved.Model);
        try
        {
            var options = new ZeroShotEvaluator.Options
            {
                ScoreColumnName = saved.Columns.Score,
                ScoreNormalizedColumnName = saved.Columns.ScoreNormalized,
                PredictedLabelColumnName = saved.Columns.PredictedLabel,
                PredictedLabelNormalizedColumnName = saved.Columns.PredictedLabelNormalized,
            };
            options.Check();
            ZeroShotTask task = ZeroShotTasks.Named(saved.Task);
            return new ZeroShotTransformer(context, model, saved.Shots?.AddTo(task) ?? task, options, ownsSource: true);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The saved zero-shot evaluation is damaged. {e.Message}", e);
        }
    }

    private static PortableZeroShot Parse(string json)
    {
        try
        {
            PortableZeroShot? saved = JsonSerializer.Deserialize<PortableZeroShot>(json);
            return saved is { Task: not null, Columns: not null, Model: not null } ? saved : throw new JsonException("A part is missing.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The saved zero-shot evaluation is damaged. {e.Message}", e);
        }
    }
}

/// <summary>The form of a few-shot task's examples in a zip.</summary>
/// <param name="Count">The number of examples before a question.</param>
/// <param name="Sampling">How they are chosen.</param>
/// <param name="Seed">The seed of the draws.</param>
/// <param name="ExamplesAreScored">Whether the questions are among the examples.</param>
/// <param name="Examples">The examples.</param>
internal sealed record PortableShots(
    int Count, FewShotSampling Sampling, int Seed, bool ExamplesAreScored, IReadOnlyList<PortableShots.Example> Examples)
{
    /// <summary>An item without description.</summary>
    internal sealed record Example(IReadOnlyList<string> Contexts, IReadOnlyList<string> Continuations, int Gold);

    /// <summary>Describes the examples of a task; null if it has none.</summary>
    public static PortableShots? Of(ZeroShotTask task) => task.Shots is not { } shots
        ? null
        : new(
            shots.Count, shots.Sampling, shots.Seed, shots.ExamplesAreScored,
            [.. shots.Examples.Select(item => new Example(item.Contexts, item.Continuations, item.Gold))]);

    /// <summary>Adds the examples to a task that has none.</summary>
    /// <exception cref="InvalidDataException">An example does not fit the task's kind.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are too few examples.</exception>
    public ZeroShotTask AddTo(ZeroShotTask task)
    {
        if (Examples is null || task.Kind == ZeroShotKind.RollingLogLikelihood) throw Damaged();
        ZeroShotItem[] items = [.. Examples.Select(example => Item(task.Kind, example))];
        for (int i = 0; i < items.Length; i++) items[i].Check(task.Kind, i);
        return task.FewShot(new FewShotContext(task, Count, items, Sampling, Seed, ExamplesAreScored));
    }

    private static ZeroShotItem Item(ZeroShotKind kind, Example example) => (kind, example.Contexts, example.Continuations) switch
    {
        (ZeroShotKind.MultipleChoice, [var context], { } choices) => ZeroShotItem.MultipleChoice(context, choices, example.Gold),
        (ZeroShotKind.MultipleInput, { } contexts, [var continuation]) => ZeroShotItem.MultipleInput(contexts, continuation, example.Gold),
        (ZeroShotKind.LastWord, [var context], [var word]) => ZeroShotItem.LastWord(context, word),
        _ => throw Damaged(),
    };

    private static InvalidDataException Damaged() => new("The examples of the saved zero-shot evaluation are damaged.");
}
