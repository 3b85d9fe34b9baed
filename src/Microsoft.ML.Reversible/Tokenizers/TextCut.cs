using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>What becomes of the matches of an expression that cuts text, under the names of tokenizer.json.</summary>
internal enum SplitBehavior
{
    /// <summary>A match is a piece.</summary>
    Isolated,

    /// <summary>A match belongs to no piece.</summary>
    Removed,

    /// <summary>A match ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the piece after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring matches are one piece.</summary>
    Contiguous,
}

/// <summary>Cuts text by an expression with one of the behaviors of tokenizer.json.</summary>
/// <param name="pattern">The expression.</param>
/// <param name="behavior">What becomes of its matches.</param>
/// <param name="inverts">Whether what the expression does not match counts as its matches.</param>
internal sealed class TextCut(SplitPattern pattern, SplitBehavior behavior, bool inverts) : PreTokenizer
{
    /// <summary>What it does, for hashes: the expression alone where its matches are pieces.</summary>
    public string Name => behavior == SplitBehavior.Isolated ? pattern.Expression : $"{behavior} {inverts} {pattern.Expression}";

    /// <summary>Reads a part of a pre-tokenizer that cuts text by an expression.</summary>
    /// <exception cref="InvalidDataException">It is malformed or not supported; the message names it.</exception>
    public static TextCut Read(JsonElement part, TokenizerJsonFile file)
    {
        switch (part.TextOf("type"))
        {
            case "Digits":
                string digits = part.IsTrue("individual_digits") ? @"\p{N}" : @"\p{N}+";
                return new(new SplitPattern(digits), SplitBehavior.Isolated, inverts: false);
            case "WhitespaceSplit": return new(new SplitPattern(@"\s"), SplitBehavior.Removed, inverts: false);
            case "Punctuation": return new(new SplitPattern(@"[\p{P}$+<=>^`|~]"), ReadBehavior(part, file), inverts: false);
            case "Split": return new(ReadPattern(part, file), ReadBehavior(part, file), part.IsTrue("invert"));
            case var type: throw file.Unsupported($"it cuts text by {type}");
        }
    }

    /// <summary>Reads the member "pattern", which is a text or a regular expression.</summary>
    /// <exception cref="InvalidDataException">It is missing, or has syntax that is not supported.</exception>
    public static SplitPattern ReadPattern(JsonElement part, TokenizerJsonFile file)
    {
        part.TryGet("pattern", out JsonElement pattern);
        if (pattern.TextOf("String") is { Length: > 0 and <= TokenizerJson.LongestToken } text) return SplitPattern.OfText(text);
        if (pattern.TextOf("Regex") is not { Length: > 0 } expression)
            throw file.Malformed($"{part.TextOf("type")} lacks a pattern with a String or a Regex");
        try
        {
            return new SplitPattern(expression);
        }
        catch (FormatException e)
        {
            throw file.Unsupported($"its {part.TextOf("type")} has the regular expression '{expression}': {e.Message}");
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        if (behavior == SplitBehavior.Isolated) return pattern.PreTokenize(text);
        IEnumerable<(int Offset, int Length, bool IsMatch)> parts = pattern.Matches(text);
        if (inverts) parts = parts.Select(part => (part.Offset, part.Length, !part.IsMatch));
        return behavior switch
        {
            SplitBehavior.Removed => parts.Where(part => !part.IsMatch && part.Length > 0).Select(part => (part.Offset, part.Length)),
            SplitBehavior.MergedWithNext => MergedWithNext([.. parts]),
            SplitBehavior.Contiguous => Merged(parts, (isMatch, wasMatch) => isMatch == wasMatch),
            _ => Merged(parts, (isMatch, wasMatch) => isMatch && !wasMatch),
        };
    }

    private static SplitBehavior ReadBehavior(JsonElement part, TokenizerJsonFile file)
    {
        if (!part.TryGet("behavior", out JsonElement behavior)) return SplitBehavior.Isolated;
        return behavior.ValueKind == JsonValueKind.String && Enum.TryParse(behavior.GetString(), out SplitBehavior named)
            && named.ToString() == behavior.GetString()
            ? named
            : throw file.Unsupported($"its {part.TextOf("type")} has the behavior {behavior.GetRawText()}");
    }

    /// <summary>Joins a part to the piece before it if a rule says so, given whether the part and the one before it are matches.</summary>
    private static List<(int Offset, int Length)> Merged(
        IEnumerable<(int Offset, int Length, bool IsMatch)> parts, Func<bool, bool, bool> joins)
    {
        var pieces = new List<(int Offset, int Length)>();
        bool wasMatch = false;
        foreach ((int offset, int length, bool isMatch) in parts)
        {
            if (pieces.Count > 0 && joins(isMatch, wasMatch))
                pieces[^1] = (pieces[^1].Offset, pieces[^1].Length + length);
            else
                pieces.Add((offset, length));
            wasMatch = isMatch;
        }
        return pieces;
    }

    private static List<(int Offset, int Length)> MergedWithNext(List<(int Offset, int Length, bool IsMatch)> parts)
    {
        var pieces = new List<(int Offset, int Length)>();
        for (int i = 0; i < parts.Count; i++)
        {
            (int offset, int length, bool isMatch) = parts[i];
            if (isMatch && i + 1 < parts.Count && !parts[i + 1].IsMatch) length += parts[++i].Length;
            pieces.Add((offset, length));
        }
        return pieces;
    }
}
