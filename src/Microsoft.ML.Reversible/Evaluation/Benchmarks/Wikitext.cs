using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>
    /// <c>wikitext</c>: the perplexity of whole articles. A column of text <c>page</c>. The corpus's spaces around punctuation are removed
    /// before scoring, but words and bytes are counted in the original page.
    /// </summary>
    public static ZeroShotTask Wikitext => Named("wikitext");

    /// <summary>Wikitext-2 and Wikitext-103.</summary>
    private sealed partial class WikitextBenchmark : Benchmark<WikitextBenchmark.Row>
    {
        private static readonly (string From, string To)[] _numbersAndMarks =
        [
            (" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."),
            (" : ", ": "), (" ; ", "; "), (" . ", ". "), (" ! ", "! "), (" ? ", "? "), (" , ", ", "),
        ];

        private static readonly (char Open, char Close)[] _enclosures =
            [('(', ')'), ('[', ']'), ('{', '}'), ('"', '"'), ('\'', '\'')];

        private static readonly (string From, string To)[] _headingsAndLines =
        [
            ("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" \u00b0 ", "\u00b0"), (" \n", "\n"), ("\n ", "\n"), (" N ", " 1 "),
            (" 's", "'s"),
        ];

        public override string Version => "2";

        public override IEnumerable<ZeroShotTask> MakeTasks() =>
        [
            new("wikitext", ZeroShotKind.RollingLogLikelihood, Columns, Items((row, _) => row.ToItem())) { Benchmark = this },
        ];

        /// <summary>
        /// Reads the corpus, or Hugging Face's JSON lines with one article (<c>page</c>) or one line (<c>text</c>) each. Splits lines at
        /// first-level headings. The line break before a heading belongs to neither article, as in the
        /// data set that the harness loads.
        /// </summary>
        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels)
        {
            if (!JsonRow.IsIn(path)) return Pages(SourceFile.Lines(path).Select(line => line.Text));
            return JsonRow.Read(path).First().Has("page")
                ? JsonRow.Read(path).Select(row => new Row { Page = row.Text("page") })
                : Pages(JsonRow.Read(path).Select(row => row.Text("text")).SelectMany(text => text.TrimEnd('\n').Split('\n')));
        }

        private static IEnumerable<Row> Pages(IEnumerable<string> lines)
        {
            List<string> page = [];
            foreach (string line in lines)
            {
                if (IsTitle(line))
                {
                    if (!IsBlank(page)) yield return Row.Of(page);
                    page.Clear();
                }
                page.Add(line);
            }
            if (!IsBlank(page)) yield return Row.Of(page);
        }

        private static bool IsBlank(List<string> page) => page.TrueForAll(string.IsNullOrWhiteSpace);

        private static bool IsTitle(string line)
        {
            string joined = PythonText.Strip(
                line.Replace("= = =", "===", StringComparison.Ordinal).Replace("= =", "==", StringComparison.Ordinal));
            return joined.StartsWith("= ", StringComparison.Ordinal) && joined.EndsWith(" =", StringComparison.Ordinal);
        }

        /// <summary>
        /// Removes the corpus's spaces around punctuation with the same steps as the harness. Some of the steps damage text, and the
        /// published numbers include that damage.
        /// </summary>
        private static string Detokenize(string page)
        {
            // The harness replaces matches with the text of the pattern itself.
            string text = SlashedDigit().Replace(page.Replace("s '", "s'", StringComparison.Ordinal), "/'[0-9]/");
            text = ReplaceAll(text, _numbersAndMarks);
            foreach ((char open, char close) in _enclosures) text = StripInside(text, open, close);
            return ReplaceAll(text, _headingsAndLines);
        }

        private static string ReplaceAll(string text, (string From, string To)[] steps) =>
            steps.Aggregate(text, (current, step) => current.Replace(step.From, step.To, StringComparison.Ordinal));

        /// <summary>Strips white space inside each pair of an opening mark and the next closing one.</summary>
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

        [GeneratedRegex("/' [0-9]/")]
        private static partial Regex SlashedDigit();

        public sealed class Row
        {
            [ColumnName("page")]
            public string Page { get; set; } = "";

            public static Row Of(List<string> lines) => new() { Page = string.Join('\n', lines) };

            public ZeroShotItem ToItem() => ZeroShotItem.WholeText(Detokenize(Page), countedText: Page);
        }
    }
}
