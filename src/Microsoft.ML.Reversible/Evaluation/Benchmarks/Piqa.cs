using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>
    /// <c>piqa</c>, physical common sense: which of two ways reaches a goal. Columns of text <c>goal</c>, <c>sol1</c>, <c>sol2</c>, and
    /// the integer <c>label</c>, 0 or 1.
    /// </summary>
    public static ZeroShotTask Piqa => Named("piqa");

    /// <summary>PIQA.</summary>
    private sealed class PiqaBenchmark : Benchmark<PiqaBenchmark.Row>
    {
        protected override bool HasLabelFile => true;

        public override IEnumerable<ZeroShotTask> MakeTasks() =>
        [
            new("piqa", ZeroShotKind.MultipleChoice, Columns, Items((row, _) => row.ToItem()))
            {
                ChoiceNames = ["sol1", "sol2"],
                Benchmark = this,
            },
        ];

        /// <summary>Reads the published layout, with labels in the rows or in a separate file, or MosaicML's layout.</summary>
        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) => JsonRow.Read(path)
            .Select(json => QueryRow.Fits(json) ? Row.OfQuery(json) : Row.Of(json, labels));

        public sealed class Row
        {
            [ColumnName("goal")]
            public string Goal { get; set; } = "";

            [ColumnName("sol1")]
            public string First { get; set; } = "";

            [ColumnName("sol2")]
            public string Second { get; set; } = "";

            [ColumnName("label")]
            public int Label { get; set; }

            public static Row Of(JsonRow json, LabelFile labels) => new()
            {
                Goal = json.Text("goal"),
                First = json.Text("sol1"),
                Second = json.Text("sol2"),
                Label = json.Has("label") ? json.Index("label", 2) : labels.Next().Index(2),
            };

            public static Row OfQuery(JsonRow json)
            {
                QueryRow query = QueryRow.Of(json);
                if (query.Choices.Length != 2) throw json.Broken($"there are {query.Choices.Length} choices, but must be 2.");
                return new Row
                {
                    Goal = query.Question(json, ending: "\n"), First = query.Choices[0], Second = query.Choices[1], Label = query.Gold,
                };
            }

            public ZeroShotItem ToItem() => ZeroShotItem.MultipleChoice($"Question: {Goal}\nAnswer:", [First, Second], Label);
        }
    }
}
