using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>
    /// <c>hellaswag</c>: how a scene continues. Columns of text <c>activity_label</c>, <c>ctx_a</c>, <c>ctx_b</c>, a vector of text
    /// <c>endings</c>, and the integer <c>label</c>. Remains of WikiHow's markup are removed from contexts and endings.
    /// </summary>
    public static ZeroShotTask HellaSwag => Named("hellaswag");

    /// <summary>HellaSwag.</summary>
    private sealed class HellaSwagBenchmark : Benchmark<HellaSwagBenchmark.Row>
    {
        public override IEnumerable<ZeroShotTask> MakeTasks() =>
        [
            new("hellaswag", ZeroShotKind.MultipleChoice, Columns, Items((row, _) => row.ToItem()))
            {
                ChoiceNames = ["0", "1", "2", "3"],
                Benchmark = this,
            },
        ];

        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) => JsonRow.Read(path).Select(Row.Of);

        /// <summary>Removes the remains of WikiHow's markup: titles become sentences, other brackets are dropped.</summary>
        private static string WithoutMarkup(string text)
        {
            string titled = PythonText.Strip(text).Replace(" [title]", ". ", StringComparison.Ordinal);
            return WithoutBrackets(titled).Replace("  ", " ", StringComparison.Ordinal);
        }

        /// <summary>
        /// Removes text in brackets, from each opening bracket to the next closing one on the same line, like the pattern <c>\[.*?\]</c>.
        /// </summary>
        private static string WithoutBrackets(string text)
        {
            var kept = new StringBuilder(text.Length);
            int done = 0;
            while (text.IndexOf('[', done) is var open and >= 0 && text.AsSpan(open).IndexOfAny(']', '\n') is var length and >= 0)
            {
                bool isClosed = text[open + length] == ']';
                kept.Append(text, done, (isClosed ? open : open + length) - done);
                done = open + length + (isClosed ? 1 : 0);
            }
            return kept.Append(text, done, text.Length - done).ToString();
        }

        public sealed class Row
        {
            [ColumnName("activity_label")]
            public string ActivityLabel { get; set; } = "";

            [ColumnName("ctx_a")]
            public string Before { get; set; } = "";

            [ColumnName("ctx_b")]
            public string Start { get; set; } = "";

            [ColumnName("endings")]
            public string[] Endings { get; set; } = [];

            [ColumnName("label")]
            public int Label { get; set; }

            public static Row Of(JsonRow json)
            {
                string[] endings = json.Texts("endings");
                return new Row
                {
                    ActivityLabel = json.Text("activity_label"),
                    Before = json.Text("ctx_a"),
                    Start = json.Text("ctx_b"),
                    Endings = endings,
                    Label = json.Index("label", endings.Length),
                };
            }

            public ZeroShotItem ToItem() => ZeroShotItem.MultipleChoice(
                WithoutMarkup($"{ActivityLabel}: {Before} {PythonText.Capitalize(Start)}"), Endings.Select(WithoutMarkup), Label);
        }
    }
}
