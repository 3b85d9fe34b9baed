using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary><c>lambada_openai</c>: the last word of a passage. A column of text <c>text</c>, cut at its last space.</summary>
    public static ZeroShotTask LambadaOpenAi => Named("lambada_openai");

    /// <summary>LAMBADA, in OpenAI's preprocessing.</summary>
    private sealed class LambadaBenchmark : Benchmark<LambadaBenchmark.Row>
    {
        public override IEnumerable<ZeroShotTask> MakeTasks() =>
        [
            new("lambada_openai", ZeroShotKind.LastWord, Columns, Items((row, _) => row.ToItem())) { Benchmark = this },
        ];

        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) => JsonRow.Read(path).Select(Row.Of);

        public sealed class Row
        {
            [ColumnName("text")]
            public string Text { get; set; } = "";

            /// <summary>Reads a whole passage, or one whose last word is in a separate field.</summary>
            public static Row Of(JsonRow json)
            {
                string text = json.Text(json.Has("continuation") ? "continuation" : "text");
                if (string.IsNullOrWhiteSpace(text[(text.LastIndexOf(' ') + 1)..]))
                    throw json.Broken("the text does not end with a word, so there is nothing to score.");
                if (!json.Has("continuation")) return new Row { Text = text };
                if (text.Contains(' ')) throw json.Broken($"the continuation '{SourceLine.Shown(text)}' is more than one word.");
                return new Row { Text = $"{json.Text("context")} {text}" };
            }

            public ZeroShotItem ToItem()
            {
                int space = Text.LastIndexOf(' ');
                return ZeroShotItem.LastWord(Text[..Math.Max(0, space)], Text[(space + 1)..]);
            }
        }
    }
}
