namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Refuses items that do not fit their task's kind.</summary>
internal static class ZeroShotItemCheck
{
    /// <exception cref="InvalidDataException">The item does not fit; the message names the row.</exception>
    public static void Check(ZeroShotItem item, ZeroShotKind kind, long row)
    {
        string? problem = Problem(item, kind);
        if (problem is not null) throw new InvalidDataException(problem.Replace("{row}", $"row {row}", StringComparison.Ordinal));
    }

    private static string? Problem(ZeroShotItem item, ZeroShotKind kind)
    {
        if (item.Contexts.Concat(item.Continuations).Any(text => text is null)) return "A context or continuation of {row} is null.";
        (int contexts, int continuations, string shape) = kind switch
        {
            ZeroShotKind.MultipleChoice => (1, Math.Max(1, item.Continuations.Count), "one context and at least one choice"),
            ZeroShotKind.MultipleInput => (Math.Max(1, item.Contexts.Count), 1, "at least one context and one continuation"),
            ZeroShotKind.LastWord => (1, 1, "one context and one continuation"),
            _ => (0, 1, "one text and no context"),
        };
        if (item.Contexts.Count != contexts || item.Continuations.Count != continuations)
            return $"The item of {{row}} has {item.Contexts.Count} contexts and {item.Continuations.Count} continuations, " +
                $"but one of kind {kind} has {shape}.";
        // Of several choices one may be empty: the space before it is scored.
        if (kind is ZeroShotKind.MultipleInput or ZeroShotKind.LastWord && string.IsNullOrWhiteSpace(item.Continuations[0]))
            return "The continuation of {row} is empty, so there is nothing to score.";
        if ((uint)item.Gold < (uint)item.ChoiceCount) return null;
        string choices = item.ChoiceCount == 1 ? "is 1 choice" : $"are {item.ChoiceCount} choices";
        return $"gold {item.Gold} of {{row}} is out of range: there {choices}, counted from 0.";
    }
}
