using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Models;

/// <summary>Selects modules by their names, as PEFT's target_modules does.</summary>
/// <remarks>
/// A module's name is that of its weight in files without <c>.weight</c>, for example <c>model.layers.0.self_attn.q_proj</c>.
/// </remarks>
internal sealed class LoraTargets
{
    /// <summary>The text that selects all matrices of the blocks.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>The time that a pattern that backtracks may take for a name: a damaged file may hold one that takes for ever.</summary>
    private static readonly TimeSpan _longestMatch = TimeSpan.FromMilliseconds(100);

    private static readonly ConditionalWeakTable<string, Regex> _expressionsOfNames = [], _expressionsOfEnds = [];

    private readonly bool _all;

    private LoraTargets(bool all, IReadOnlyList<string> items) => (_all, Items) = (all, items);

    /// <summary>The names and patterns; none for all matrices.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Reads <c>all-linear</c>, or names and patterns separated by commas.</summary>
    /// <param name="text">
    /// A name selects the modules with that name or whose names end with it after a point: <c>q_proj</c>, <c>mlp.c_proj</c>. A text with
    /// one of the characters <c>\ ^ $ * + ? { } [ ] ( ) |</c> is a regular expression of whole names: <c>.*\.[0-3]\..*proj</c>. A comma
    /// within brackets is a part of it.
    /// </param>
    /// <exception cref="ArgumentException">The text is empty, or a pattern is not a regular expression.</exception>
    public static LoraTargets Parse(string text)
    {
        if (string.Equals(text.Trim(), AllLinear, StringComparison.OrdinalIgnoreCase)) return new(all: true, []);
        string[] items = [.. Split(text).Select(item => item.Trim()).Where(item => item.Length > 0)];
        if (items.Length == 0)
            throw new ArgumentException(
                $"The targets of an adapter must be {AllLinear}, or names of matrices separated by commas.", nameof(text));
        foreach (string item in items) _ = IsPattern(item) && FullMatch(item, "");
        return new(all: false, items);
    }

    /// <summary>Whether a text is a regular expression, not a name.</summary>
    public static bool IsPattern(string item) => item.AsSpan().ContainsAny(@"\^$*+?{}[]()|");

    /// <summary>Returns whether a module is selected.</summary>
    public bool Match(string module) => _all || Items.Any(item => Matches(item, module));

    /// <summary>Returns whether a name or pattern selects a module.</summary>
    public static bool Matches(string item, string module) =>
        IsPattern(item) ? FullMatch(item, module) : module == item || module.EndsWith("." + item, StringComparison.Ordinal);

    /// <summary>Returns whether a regular expression matches a name from its beginning, or from after a point, to its end.</summary>
    public static bool EndMatches(string pattern, string module) =>
        Match(_expressionsOfEnds, @"\A(.*\.)?(", pattern, @")\z", module);

    /// <summary>Returns whether a regular expression of the ends of names can only be matched by backtracking.</summary>
    /// <exception cref="ArgumentException">The pattern is not a regular expression.</exception>
    public static bool Backtracks(string pattern)
    {
        EndMatches(pattern, "");
        return _expressionsOfEnds.TryGetValue(pattern, out Regex? expression) && !expression.Options.HasFlag(RegexOptions.NonBacktracking);
    }

    private static bool FullMatch(string pattern, string module) =>
        Match(_expressionsOfNames, @"\A(?:", pattern, @")\z", module);

    private static bool Match(
        ConditionalWeakTable<string, Regex> expressions, string before, string pattern, string after, string module)
    {
        try
        {
            return expressions.GetValue(pattern, key => Expression($"{before}{key}{after}".Replace("(?P<", "(?<"))).IsMatch(module);
        }
        catch (Exception e) when (e is RegexMatchTimeoutException or RegexParseException)
        {
            string why = e is RegexMatchTimeoutException ? "takes too long" : "is not a regular expression";
            throw new ArgumentException($"The pattern '{pattern}' of module names {why}. {e.Message}", nameof(pattern), e);
        }
    }

    /// <summary>Makes an expression that takes time proportional to the length of a name, or else one whose time is limited.</summary>
    private static Regex Expression(string text)
    {
        try
        {
            return new(text, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, _longestMatch);
        }
        catch (NotSupportedException)
        {
            // It looks around or refers back to a group.
            return new(text, RegexOptions.CultureInvariant, _longestMatch);
        }
    }

    /// <summary>Splits at commas outside brackets.</summary>
    private static IEnumerable<string> Split(string text)
    {
        int start = 0, depth = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] is '(' or '[' or '{') depth++;
            else if (text[i] is ')' or ']' or '}') depth--;
            else if (text[i] == ',' && depth <= 0)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }
}
