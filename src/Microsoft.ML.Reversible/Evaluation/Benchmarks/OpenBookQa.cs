using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>
    /// <c>openbookqa</c>, elementary science questions. Columns of text <c>question_stem</c> and <c>answerKey</c>, and vectors of text
    /// <c>choices</c>
    /// and <c>labels</c>. The stem alone is the context.
    /// </summary>
    public static ZeroShotTask OpenBookQa => Named("openbookqa");

    /// <summary>OpenBookQA.</summary>
    private sealed class OpenBookQaBenchmark : Benchmark<OpenBookQaBenchmark.Row>
    {
        private static readonly string[] _letters = ["A", "B", "C", "D"];

        public override IEnumerable<ZeroShotTask> MakeTasks() =>
        [
            new("openbookqa", ZeroShotKind.MultipleChoice, Columns, Items((row, number) => row.ToItem(number))) { Benchmark = this },
        ];

        /// <summary>Reads lines of JSON, or tab-separated values with a header.</summary>
        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) =>
            JsonRow.IsIn(path) ? JsonRow.Read(path).Select(Row.Of) : Tabbed(SourceFile.Lines(path));

        private static IEnumerable<Row> Tabbed(IEnumerable<SourceLine> lines)
        {
            int[]? columns = null;
            foreach (SourceLine line in lines.Where(line => line.Text.Trim().Length > 0))
            {
                string[] fields = line.Text.Split('\t');
                if (columns is null)
                {
                    columns = [.. new[] { "Question Stem", "Choices", "Answer Key" }.Select(name =>
                        Array.FindIndex(fields, field => field.Trim().Equals(name, StringComparison.OrdinalIgnoreCase)))];
                    if (columns.Contains(-1))
                        throw line.Broken("is neither a JSON object nor a header with Question Stem, Choices and Answer Key between tabs.");
                    continue;
                }
                if (fields.Length <= columns.Max()) throw line.Broken($"has {fields.Length} fields between tabs, fewer than the header.");
                string key = fields[columns[2]].Trim();
                if (!_letters.Contains(key)) throw line.Broken($"the answer key '{SourceLine.Shown(key)}' is none of A, B, C, D.");
                yield return new Row
                {
                    Stem = fields[columns[0]], Choices = Split(line, fields[columns[1]]), Labels = _letters, AnswerKey = key,
                };
            }
        }

        /// <summary>Returns the texts after (A), (B), (C) and (D).</summary>
        private static string[] Split(SourceLine line, string choices)
        {
            var texts = new string[_letters.Length];
            int end = choices.Length;
            for (int i = texts.Length - 1; i >= 0; i--)
            {
                string mark = $"({_letters[i]})";
                int start = choices.AsSpan(0, end).LastIndexOf(mark, StringComparison.Ordinal);
                if (start < 0) throw line.Broken($"the choices have no {mark}: '{SourceLine.Shown(choices)}'.");
                texts[i] = choices[(start + mark.Length)..end].Trim();
                end = start;
            }
            return texts;
        }

        public sealed class Row : KeyedRow
        {
            [ColumnName("question_stem")]
            public string Stem { get; set; } = "";

            public static Row Of(JsonRow json)
            {
                var row = new Row();
                row.Stem = row.Fill(json, stem: "question_stem", query => query.Query);
                return row;
            }

            public ZeroShotItem ToItem(long number) => ZeroShotItem.MultipleChoice(
                Stem, Choices, IndexOf(PythonText.StripStart(AnswerKey), number));
        }
    }
}
