using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// Takes the spaces out that wikitext has around punctuation, as lm-evaluation-harness does before it scores an article. The steps, and
/// what some of them break, are part of the published numbers.
/// </summary>
internal static partial class WikitextSpacing
{
    private static readonly (string From, string To)[] _numbersAndMarks =
    [
        (" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."),
        (" : ", ": "), (" ; ", "; "), (" . ", ". "), (" ! ", "! "), (" ? ", "? "), (" , ", ", "),
    ];

    private static readonly (char Open, char Close)[] _enclosures = [('(', ')'), ('[', ']'), ('{', '}'), ('"', '"'), ('\'', '\'')];

    private static readonly (string From, string To)[] _headingsAndLines =
    [
        ("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" \u00b0 ", "\u00b0"), (" \n", "\n"), ("\n ", "\n"), (" N ", " 1 "),
        (" 's", "'s"),
    ];

    /// <summary>The text as it was written, nearly.</summary>
    public static string Restore(string page)
    {
        string text = SlashedDigit().Replace(page.Replace("s '", "s'", StringComparison.Ordinal), "/'[0-9]/");
        text = ReplaceAll(text, _numbersAndMarks);
        foreach ((char open, char close) in _enclosures) text = StripInside(text, open, close);
        return ReplaceAll(text, _headingsAndLines);
    }

    private static string ReplaceAll(string text, (string From, string To)[] steps) =>
        steps.Aggregate(text, (current, step) => current.Replace(step.From, step.To, StringComparison.Ordinal));

    /// <summary>Takes white space off both ends of what stands between an opening mark and the next closing one.</summary>
    private static string StripInside(string text, char open, char close)
    {
        var stripped = new StringBuilder(text.Length);
        int done = 0;
        while (text.IndexOf(open, done) is var start and >= 0 && text.IndexOf(close, start + 1) is var end and >= 0)
        {
            stripped.Append(text, done, start + 1 - done).Append(PythonText.Strip(text[(start + 1)..end])).Append(close);
            done = end + 1;
        }
        return stripped.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>The harness writes its pattern out in the place of what it finds.</summary>
    [GeneratedRegex("/' [0-9]/")]
    private static partial Regex SlashedDigit();
}
