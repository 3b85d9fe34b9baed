using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The normalizer of tokenizer.json: steps that change a text before it is cut into pieces.</summary>
internal sealed class TextNormalizer
{
    /// <summary>The most that a text may grow, as a factor: the steps of a damaged file may double every character many times.</summary>
    private const int GreatestGrowth = 64;

    private readonly IReadOnlyList<(string Name, Func<string, string> Apply)> _steps;

    private TextNormalizer(IReadOnlyList<(string Name, Func<string, string> Apply)> steps) => _steps = steps;

    /// <summary>The normalizer that changes nothing.</summary>
    public static TextNormalizer None { get; } = new([]);

    /// <summary>Whether it changes no text.</summary>
    public bool IsIdentity => _steps.Count == 0;

    /// <summary>What each step does, for hashes.</summary>
    public IReadOnlyList<string> Names => [.. _steps.Select(step => step.Name)];

    /// <summary>Reads the normalizer of a file.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or has a step that is not supported; the message names it.</exception>
    public static TextNormalizer Read(TokenizerJsonFile file)
    {
        IReadOnlyList<JsonElement> steps = file.Sequence("normalizer", "normalizers");
        return steps.Count == 0 ? None : new([.. steps.SelectMany(step => ReadStep(step, file))]);
    }

    /// <summary>Returns a text as its tokens are found in it.</summary>
    /// <param name="text">Well-formed text.</param>
    /// <exception cref="ArgumentException">The text grows too much.</exception>
    public string Apply(string text)
    {
        string changed = text;
        foreach ((string name, Func<string, string> apply) in _steps)
        {
            changed = apply(changed);
            if (changed.Length > (text.Length + 1L) * GreatestGrowth)
                throw new ArgumentException(
                    $"The tokenizer's normalizer ({name}) makes a text of {text.Length} characters more than {GreatestGrowth} times as " +
                    "long. Use another tokenizer.");
        }
        return changed;
    }

    private static IEnumerable<(string Name, Func<string, string> Apply)> ReadStep(JsonElement step, TokenizerJsonFile file)
    {
        switch (step.TextOf("type"))
        {
            case "NFC": return [("NFC", FormC.Normalize)];
            case "NFD": return [("NFD", FormC.Decompose)];
            case "Lowercase": return [("Lowercase", Lower)];
            case "Prepend":
                string before = Text("prepend");
                return [($"Prepend {before}", text => text.Length == 0 ? text : before + text)];
            case "Strip":
                (bool left, bool right) = (step.IsTrue("strip_left"), step.IsTrue("strip_right"));
                return [($"Strip {left} {right}", text => (left, right) switch
                {
                    (true, true) => text.Trim(),
                    (true, false) => text.TrimStart(),
                    (false, true) => text.TrimEnd(),
                    _ => text,
                })];
            case "Replace":
                string content = step.TextOf("content") ?? throw file.Malformed("the normalizer Replace lacks a text content");
                SplitPattern pattern = TextCut.ReadPattern(step, file);
                return [($"Replace {pattern.Expression} by {content}", text => Replaced(text, pattern, content))];
            case "Precompiled" when step.TextOf("precompiled_charsmap") is null or "": return [];
            case var type: throw file.Unsupported($"it normalizes text by {type}");
        }

        string Text(string name) => step.TextOf(name) is { Length: > 0 and <= TokenizerJson.LongestToken } text
            ? text
            : throw file.Malformed(
                $"the normalizer {step.TextOf("type")} lacks a text {name} of at most {TokenizerJson.LongestToken} characters");
    }

    private static string Replaced(string text, SplitPattern pattern, string content)
    {
        if (pattern.Literal is { } literal) return text.Replace(literal, content, StringComparison.Ordinal);
        var replaced = new StringBuilder(text.Length);
        foreach ((int offset, int length, bool isMatch) in pattern.Matches(text))
            if (isMatch) replaced.Append(content);
            else replaced.Append(text, offset, length);
        return replaced.ToString();
    }

    /// <summary>Returns a text in lower case, character by character. The dotted capital I becomes two characters.</summary>
    private static string Lower(string text)
    {
        var lower = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            if (rune.Value == 0x130) lower.Append("i\u0307");
            else lower.Append(Rune.ToLowerInvariant(rune));
        return lower.ToString();
    }
}
