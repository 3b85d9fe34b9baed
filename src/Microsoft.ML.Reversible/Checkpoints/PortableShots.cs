using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The examples of a few-shot task as a zip holds them.</summary>
/// <param name="Count">How many come before a question.</param>
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

    /// <exception cref="InvalidDataException">An example is none of the task's kind.</exception>
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
