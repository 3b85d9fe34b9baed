namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>An item of a task: pair i of context and continuation is what is scored for answer i.</summary>
/// <param name="Contexts">The context of each answer; the same for all but where the answers differ in their contexts.</param>
/// <param name="Continuations">What follows it after one blank.</param>
/// <param name="Choices">The answers, whose length divides the normalized log-likelihood.</param>
/// <param name="Gold">The index of the right one.</param>
internal sealed record PlainQuestion(string[] Contexts, string[] Continuations, string[] Choices, int Gold)
{
    /// <summary>The text of the item as an example.</summary>
    public string Shot => Contexts[Gold] + " " + Continuations[Gold];

    /// <summary>A question with one context for all its choices.</summary>
    public static PlainQuestion Of(string context, IEnumerable<string> choices, int gold)
    {
        string[] texts = [.. choices];
        return new([.. texts.Select(_ => context)], texts, texts, gold);
    }

    /// <summary>The same item after a description and examples.</summary>
    public PlainQuestion After(string description, IEnumerable<PlainQuestion> shots)
    {
        string prefix = description + string.Concat(shots.Select(shot => shot.Shot + "\n\n"));
        return this with { Contexts = [.. Contexts.Select(context => prefix + context)] };
    }
}
