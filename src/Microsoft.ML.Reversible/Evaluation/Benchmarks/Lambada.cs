using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;

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
                if (!json.Has("continuation")) return new Row { Text = json.Text("text") };
                string word = json.Text("continuation");
                if (word.Contains(' ')) throw json.Broken($"the continuation '{SourceLine.Shown(word)}' is more than one word.");
                return new Row { Text = $"{json.Text("context")} {word}" };
            }

            public ZeroShotItem ToItem()
            {
                int space = Text.LastIndexOf(' ');
                return ZeroShotItem.LastWord(Text[..Math.Max(0, space)], Text[(space + 1)..]);
            }
        }
    }
}
