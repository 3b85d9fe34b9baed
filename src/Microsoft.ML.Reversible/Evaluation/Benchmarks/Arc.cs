using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>
    /// <c>arc_easy</c>, school science questions. Columns of text <c>question</c> and <c>answerKey</c>, and vectors of text
    /// <c>choices</c> and <c>labels</c>, three to five of each. The key is one of the labels, which are letters or digits. The context does
    /// not list the choices.
    /// </summary>
    public static ZeroShotTask ArcEasy => Named("arc_easy");

    /// <summary><c>arc_challenge</c>, the harder questions of the same exams, with the columns of <see cref="ArcEasy"/>.</summary>
    public static ZeroShotTask ArcChallenge => Named("arc_challenge");

    /// <summary>ARC, the AI2 Reasoning Challenge.</summary>
    private sealed class ArcBenchmark : Benchmark<ArcBenchmark.Row>
    {
        public override IEnumerable<ZeroShotTask> MakeTasks() => new[] { "arc_easy", "arc_challenge" }.Select(name =>
            new ZeroShotTask(name, ZeroShotKind.MultipleChoice, Columns, Items((row, number) => row.ToItem(number))) { Benchmark = this });

        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) => JsonRow.Read(path).Select(Row.Of);

        public sealed class Row : KeyedRow
        {
            [ColumnName("question")]
            public string Question { get; set; } = "";

            public static Row Of(JsonRow json)
            {
                var row = new Row();
                row.Question = row.Fill(json, stem: "question", query => query.Question(json, ending: ""));
                return row;
            }

            public ZeroShotItem ToItem(long number) => ZeroShotItem.MultipleChoice(
                $"Question: {Question}\nAnswer:", Choices, IndexOf(AnswerKey, number));
        }
    }
}
