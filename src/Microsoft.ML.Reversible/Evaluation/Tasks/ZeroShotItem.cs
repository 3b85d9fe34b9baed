namespace Microsoft.ML.Reversible;

/// <summary>One question as a model is asked it: contexts, continuations, and which of them is right.</summary>
/// <remarks>
/// A continuation is scored after its context and the task's <see cref="ZeroShotTask.Delimiter"/>, a space; neither holds the delimiter.
/// Two items are equal where all their texts are.
/// </remarks>
public sealed record ZeroShotItem
{
    private ZeroShotItem(IReadOnlyList<string> contexts, IReadOnlyList<string> continuations, int gold, string? countedText = null)
    {
        Contexts = contexts;
        Continuations = continuations;
        Gold = gold;
        CountedText = countedText;
    }

    /// <summary>
    /// One context, or one for each choice with <see cref="ZeroShotKind.MultipleInput"/>; none where a whole text is scored.
    /// </summary>
    public IReadOnlyList<string> Contexts { get; internal init; }

    /// <summary>The choices' texts; with <see cref="ZeroShotKind.MultipleChoice"/> several, otherwise one.</summary>
    public IReadOnlyList<string> Continuations { get; }

    /// <summary>The index of the right choice; 0 where there is nothing to choose from.</summary>
    public int Gold { get; }

    /// <summary>
    /// Where a whole text is scored, the text whose words and bytes the perplexities are divided by: the text itself, or what it was made
    /// from; otherwise null.
    /// </summary>
    public string? CountedText { get; }

    /// <summary>How many answers there are to choose from: 1 where there is nothing to choose.</summary>
    public int ChoiceCount => Math.Max(Contexts.Count, Continuations.Count);

    /// <summary>An item of a <see cref="ZeroShotKind.MultipleChoice"/> task.</summary>
    /// <param name="context">What comes before each choice; it may be empty.</param>
    /// <param name="choices">The choices, without a space in front; at least one.</param>
    /// <param name="gold">The index of the right one.</param>
    public static ZeroShotItem MultipleChoice(string context, IEnumerable<string> choices, int gold) => new([context], [.. choices], gold);

    /// <summary>An item of a <see cref="ZeroShotKind.MultipleInput"/> task.</summary>
    /// <param name="contexts">The contexts to choose from, at least one.</param>
    /// <param name="continuation">What comes after each of them, without a space in front.</param>
    /// <param name="gold">The index of the right context.</param>
    public static ZeroShotItem MultipleInput(IEnumerable<string> contexts, string continuation, int gold) =>
        new([.. contexts], [continuation], gold);

    /// <summary>An item of a <see cref="ZeroShotKind.LastWord"/> task.</summary>
    /// <param name="context">What comes before the word.</param>
    /// <param name="word">The word, without a space in front.</param>
    public static ZeroShotItem LastWord(string context, string word) => new([context], [word], gold: 0);

    /// <summary>An item of a <see cref="ZeroShotKind.RollingLogLikelihood"/> task.</summary>
    /// <param name="text">The text that is scored.</param>
    /// <param name="countedText">The text whose words and bytes count; null is <paramref name="text"/> itself.</param>
    public static ZeroShotItem WholeText(string text, string? countedText = null) => new([], [text], gold: 0, countedText ?? text);

    /// <inheritdoc/>
    public bool Equals(ZeroShotItem? other) =>
        other is not null && Gold == other.Gold && CountedText == other.CountedText
        && Contexts.SequenceEqual(other.Contexts) && Continuations.SequenceEqual(other.Continuations);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (string text in Contexts.Concat(Continuations)) hash.Add(text);
        hash.Add(Gold);
        return hash.ToHashCode();
    }
}
