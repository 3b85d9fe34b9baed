namespace Microsoft.ML.Reversible;

/// <summary>One question in the form that a model scores: contexts, continuations, and which of them is right.</summary>
/// <remarks>
/// A continuation is scored after its context and <see cref="ZeroShotTask.Delimiter"/>, a space, which neither of them includes.
/// Two items are equal if all their texts and <see cref="Gold"/> are.
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
    /// One context; one for each choice with <see cref="ZeroShotKind.MultipleInput"/>; none with
    /// <see cref="ZeroShotKind.RollingLogLikelihood"/>.
    /// </summary>
    public IReadOnlyList<string> Contexts { get; internal init; }

    /// <summary>The texts that are scored: one for each choice with <see cref="ZeroShotKind.MultipleChoice"/>, otherwise one.</summary>
    public IReadOnlyList<string> Continuations { get; }

    /// <summary>The index of the right choice; 0 for kinds without choices.</summary>
    public int Gold { get; }

    /// <summary>
    /// With <see cref="ZeroShotKind.RollingLogLikelihood"/>, the text whose words and bytes are counted for the perplexities: the scored
    /// text, or the text that it was derived from. Null for other kinds.
    /// </summary>
    public string? CountedText { get; }

    /// <summary>The number of choices; 1 for kinds without choices.</summary>
    public int ChoiceCount => Math.Max(Contexts.Count, Continuations.Count);

    /// <summary>Creates an item of a <see cref="ZeroShotKind.MultipleChoice"/> task.</summary>
    /// <param name="context">The text before each choice; may be empty.</param>
    /// <param name="choices">The choices, at least one, without the space before them.</param>
    /// <param name="gold">The index of the right one.</param>
    public static ZeroShotItem MultipleChoice(string context, IEnumerable<string> choices, int gold) => new([context], [.. choices], gold);

    /// <summary>Creates an item of a <see cref="ZeroShotKind.MultipleInput"/> task.</summary>
    /// <param name="contexts">The contexts to choose from, at least one.</param>
    /// <param name="continuation">The text after each context, without the space before it.</param>
    /// <param name="gold">The index of the right context.</param>
    public static ZeroShotItem MultipleInput(IEnumerable<string> contexts, string continuation, int gold) =>
        new([.. contexts], [continuation], gold);

    /// <summary>Creates an item of a <see cref="ZeroShotKind.LastWord"/> task.</summary>
    /// <param name="context">The text before the word.</param>
    /// <param name="word">The word, without the space before it.</param>
    public static ZeroShotItem LastWord(string context, string word) => new([context], [word], gold: 0);

    /// <summary>Creates an item of a <see cref="ZeroShotKind.RollingLogLikelihood"/> task.</summary>
    /// <param name="text">The text that is scored.</param>
    /// <param name="countedText">The text whose words and bytes are counted; null for <paramref name="text"/> itself.</param>
    public static ZeroShotItem WholeText(string text, string? countedText = null) => new([], [text], gold: 0, countedText ?? text);

    /// <summary>Checks that the item fits its task's kind.</summary>
    /// <exception cref="InvalidDataException">It does not; the message names the row.</exception>
    internal void Check(ZeroShotKind kind, long row)
    {
        if (Problem(kind, $"row {row}") is { } problem) throw new InvalidDataException(problem);
    }

    private string? Problem(ZeroShotKind kind, string row)
    {
        if (Contexts.Concat(Continuations).Any(text => text is null)) return $"A context or continuation of {row} is null.";
        (int contexts, int continuations, string shape) = kind switch
        {
            ZeroShotKind.MultipleChoice => (1, Math.Max(1, Continuations.Count), "one context and at least one choice"),
            ZeroShotKind.MultipleInput => (Math.Max(1, Contexts.Count), 1, "at least one context and one continuation"),
            ZeroShotKind.LastWord => (1, 1, "one context and one continuation"),
            _ => (0, 1, "one text and no context"),
        };
        if (Contexts.Count != contexts || Continuations.Count != continuations)
            return $"The item of {row} has {Contexts.Count} contexts and {Continuations.Count} continuations, " +
                $"but one of kind {kind} has {shape}.";
        // A choice may be empty: the space before it is scored.
        if (kind is ZeroShotKind.MultipleInput or ZeroShotKind.LastWord && string.IsNullOrWhiteSpace(Continuations[0]))
            return $"The continuation of {row} is empty, so there is nothing to score.";
        if ((uint)Gold < (uint)ChoiceCount) return null;
        string choices = ChoiceCount == 1 ? "is 1 choice" : $"are {ChoiceCount} choices";
        return $"gold {Gold} of {row} is out of range: there {choices}, counted from 0.";
    }

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
