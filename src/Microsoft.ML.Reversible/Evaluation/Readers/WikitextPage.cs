using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>An article of wikitext.</summary>
internal sealed class WikitextPage
{
    [ColumnName("page")]
    public string Page { get; set; } = "";

    /// <summary>
    /// Reads the corpus's file; an article begins at a heading of the first level. The line break before a heading belongs to neither
    /// article, as in the data set that lm-evaluation-harness takes.
    /// </summary>
    public static IEnumerable<WikitextPage> Read(string path)
    {
        List<string> page = [];
        foreach (SourceLine line in SourceFile.Lines(path))
        {
            if (IsTitle(line.Text))
            {
                if (!IsBlank(page)) yield return Of(page);
                page.Clear();
            }
            page.Add(line.Text);
        }
        if (!IsBlank(page)) yield return Of(page);
    }

    private static WikitextPage Of(List<string> page) => new() { Page = string.Join('\n', page) };

    private static bool IsBlank(List<string> page) => page.TrueForAll(string.IsNullOrWhiteSpace);

    private static bool IsTitle(string line)
    {
        string joined = PythonText.Strip(
            line.Replace("= = =", "===", StringComparison.Ordinal).Replace("= =", "==", StringComparison.Ordinal));
        return joined.StartsWith("= ", StringComparison.Ordinal) && joined.EndsWith(" =", StringComparison.Ordinal);
    }
}
