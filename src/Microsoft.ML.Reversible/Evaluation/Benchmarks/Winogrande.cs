using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>
    /// <c>winogrande</c>: what a blank stands for. Columns of text <c>sentence</c>, with a <c>_</c>, <c>option1</c>, <c>option2</c>, and
    /// <c>answer</c>, 1 or 2. The sentence up to the blank with each option is a context, and the rest is scored.
    /// </summary>
    public static ZeroShotTask Winogrande => Named("winogrande");

    /// <summary>WinoGrande.</summary>
    private sealed class WinograndeBenchmark : Benchmark<WinograndeBenchmark.Row>
    {
        protected override bool HasLabelFile => true;

        public override IEnumerable<ZeroShotTask> MakeTasks() =>
        [
            new("winogrande", ZeroShotKind.MultipleInput, Columns, Items((row, number) => row.ToItem(number)))
            {
                ChoiceNames = ["option1", "option2"],
                Benchmark = this,
            },
        ];

        /// <summary>Reads the published layout, with answers in the rows or in a separate file, or MosaicML's layout.</summary>
        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) => JsonRow.Read(path)
            .Select(json => json.Has("context_options") ? Row.OfContexts(json) : Row.Of(json, labels));

        public sealed class Row
        {
            [ColumnName("sentence")]
            public string Sentence { get; set; } = "";

            [ColumnName("option1")]
            public string First { get; set; } = "";

            [ColumnName("option2")]
            public string Second { get; set; } = "";

            [ColumnName("answer")]
            public string Answer { get; set; } = "";

            public static Row Of(JsonRow json, LabelFile labels)
            {
                string sentence = json.Text("sentence");
                if (!sentence.Contains('_')) throw json.Broken("the sentence has no blank, which is written '_'.");
                RequireEnd(json, sentence[(sentence.IndexOf('_') + 1)..]);
                bool hasAnswer = json.Has("answer") && json.Label("answer").Length > 0;
                string answer = hasAnswer ? json.Label("answer") : labels.Next().Text;
                if (answer is not ("1" or "2")) throw json.Broken($"the answer is '{SourceLine.Shown(answer)}', but must be 1 or 2.");
                return new Row { Sentence = sentence, First = json.Text("option1"), Second = json.Text("option2"), Answer = answer };
            }

            /// <summary>MosaicML's rows are already cut at the blank, so the whole contexts replace the options.</summary>
            public static Row OfContexts(JsonRow json)
            {
                string[] contexts = json.Texts("context_options");
                if (contexts.Length != 2) throw json.Broken($"there are {contexts.Length} context_options, but must be 2.");
                RequireEnd(json, json.Text("continuation"));
                return new Row
                {
                    Sentence = $"_ {json.Text("continuation")}",
                    First = contexts[0],
                    Second = contexts[1],
                    Answer = json.Index("gold", 2) == 0 ? "1" : "2",
                };
            }

            public ZeroShotItem ToItem(long number)
            {
                int blank = Sentence.IndexOf('_');
                if (blank < 0) throw new InvalidDataException($"The sentence of row {number} has no blank, which is written '_'.");
                int gold = Answer switch
                {
                    "1" => 0,
                    "2" => 1,
                    _ => throw new InvalidDataException($"The answer of row {number} is '{Answer}', but must be 1 or 2."),
                };
                string before = Sentence[..blank];
                return ZeroShotItem.MultipleInput([before + First, before + Second], PythonText.Strip(Sentence[(blank + 1)..]), gold);
            }

            private static void RequireEnd(JsonRow json, string end)
            {
                if (string.IsNullOrWhiteSpace(end)) throw json.Broken("there is no text after the blank, so there is nothing to score.");
            }
        }
    }
}
