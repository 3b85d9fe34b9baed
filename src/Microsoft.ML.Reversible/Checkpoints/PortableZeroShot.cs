using System.Text.Json;
using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A zero-shot evaluation in a zip, without its model.</summary>
/// <param name="Task">The name of a task of <see cref="ZeroShotTasks"/>.</param>
/// <param name="Columns">The columns that it adds.</param>
/// <param name="Model">The columns of the model.</param>
/// <param name="Shots">The examples before each question; null where there are none.</param>
internal sealed record PortableZeroShot(string Task, ZeroShotColumns Columns, PortableColumns Model, PortableShots? Shots)
{
    /// <exception cref="NotSupportedException">It has a task or a model that no zip can hold.</exception>
    public static PortableZeroShot Of(ZeroShotTransformer live, out ReversibleLmTransformer model)
    {
        if (!live.Task.IsBuiltIn)
            throw new NotSupportedException(
                $"The task '{live.Task.Name}' is made of your own functions, which cannot be saved. Save the model alone, and make the " +
                "evaluator anew with mlContext.Reversible().ZeroShot(model, task).");
        model = live.Source as ReversibleLmTransformer ?? throw new NotSupportedException(
            $"The log-likelihoods of task '{live.Task.Name}' come from {live.Source.GetType()}, which cannot be saved: only a " +
            $"{nameof(ReversibleLmTransformer)} can.");
        return new(live.Task.Name, live.Columns, model.Columns.ToPortable(), PortableShots.Of(live.Task));
    }

    public string ToJson() => JsonSerializer.Serialize(this);

    /// <exception cref="InvalidDataException">The text is damaged.</exception>
    public static PortableZeroShot Parse(ReadOnlySpan<char> json)
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

    /// <summary>Makes the evaluation with its model, which it owns.</summary>
    /// <exception cref="InvalidDataException">There is no such task, or its examples are damaged.</exception>
    public ZeroShotTransformer ToLive(MLContext context, ReversibleLmTransformer model)
    {
        try
        {
            var options = new ZeroShotEvaluator.Options
            {
                ScoreColumnName = Columns.Score,
                ScoreNormalizedColumnName = Columns.ScoreNormalized,
                PredictedLabelColumnName = Columns.PredictedLabel,
                PredictedLabelNormalizedColumnName = Columns.PredictedLabelNormalized,
            };
            options.Check();
            ZeroShotTask task = ZeroShotTasks.Named(Task);
            return new ZeroShotTransformer(context, model, Shots?.AddTo(task) ?? task, options, ownsSource: true);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The saved zero-shot evaluation is damaged. {e.Message}", e);
        }
    }
}

/// <summary>The examples of a few-shot task in a zip.</summary>
/// <param name="Count">Number of examples before a question.</param>
/// <param name="Sampling">How they are chosen.</param>
/// <param name="Seed">Seeds the draws.</param>
/// <param name="ExamplesAreScored">Whether the questions are among the examples.</param>
/// <param name="Examples">The examples.</param>
internal sealed record PortableShots(
    int Count, FewShotSampling Sampling, int Seed, bool ExamplesAreScored, IReadOnlyList<PortableShots.Example> Examples)
{
    /// <summary>An item, without description.</summary>
    internal sealed record Example(IReadOnlyList<string> Contexts, IReadOnlyList<string> Continuations, int Gold);

    public static PortableShots? Of(ZeroShotTask task) => task.Shots is not { } shots
        ? null
        : new(
            shots.Count, shots.Sampling, shots.Seed, shots.ExamplesAreScored,
            [.. shots.Examples.Select(item => new Example(item.Contexts, item.Continuations, item.Gold))]);

    /// <exception cref="InvalidDataException">An example is not of the task's kind.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are too few examples.</exception>
    public ZeroShotTask AddTo(ZeroShotTask task)
    {
        if (Examples is null || task.Kind == ZeroShotKind.RollingLogLikelihood) throw Damaged();
        ZeroShotItem[] items = [.. Examples.Select(example => Item(task.Kind, example))];
        for (int i = 0; i < items.Length; i++) ZeroShotItemCheck.Check(items[i], task.Kind, i);
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
