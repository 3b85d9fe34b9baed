using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class OwnTaskTests
{
    private static readonly MLContext Ml = new(seed: 1);

    private static readonly ZeroShotTask Trivia = new(
        "trivia",
        ZeroShotKind.MultipleChoice,
        [ZeroShotColumn.Text("question"), ZeroShotColumn.Texts("choices"), ZeroShotColumn.Integer("label")],
        row => ZeroShotItem.MultipleChoice($"Question: {row.Text("question")}\nAnswer:", row.Texts("choices"), row.Integer("label")));

    [TestMethod]
    public void Reads_the_rows_of_any_data_with_its_columns()
    {
        IDataView data = Ml.Data.LoadFromEnumerable(
            [new { other = 1f, label = (byte)1, choices = new[] { "é", "🦊" }, question = "漢字?" }]);
        ZeroShotItem item = Trivia.Items(data).Single();
        Assert.AreEqual(ZeroShotItem.MultipleChoice("Question: 漢字?\nAnswer:", ["é", "🦊"], 1), item);
        Assert.AreEqual(2, item.ChoiceCount);
        CollectionAssert.AreEqual(new[] { "acc", "acc_norm" }, Trivia.Metrics.ToArray());
    }

    [TestMethod]
    public void Integers_of_every_width_are_read()
    {
        Check(new { n = (sbyte)-3 }, -3);
        Check(new { n = (short)-3 }, -3);
        Check(new { n = (ushort)3 }, 3);
        Check(new { n = 3u }, 3);
        Check(new { n = -3L }, -3);
        Check(new { n = 3UL }, 3);

        static void Check<TRow>(TRow row, int expected)
            where TRow : class
        {
            int read = 0;
            var task = new ZeroShotTask("n", ZeroShotKind.LastWord, [ZeroShotColumn.Integer("n")], r =>
            {
                read = r.Integer("n");
                return ZeroShotItem.LastWord("a", "b");
            });
            Assert.AreEqual(1, task.Items(Ml.Data.LoadFromEnumerable([row])).Count());
            Assert.AreEqual(expected, read);
        }
    }

    [TestMethod]
    public void An_integer_beyond_Int32_is_refused_with_its_row()
    {
        IDataView data = Ml.Data.LoadFromEnumerable([Row(0), Row(1L << 40)]);
        var thrown = Assert.ThrowsExactly<InvalidDataException>(() => Trivia.Items(data).ToArray());
        Assert.AreEqual("Row 1 of column 'label' is 1099511627776, which is outside the range of Int32.", thrown.Message);
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(-1)]
    public void A_gold_out_of_range_is_refused_with_its_row(long gold)
    {
        IDataView data = Ml.Data.LoadFromEnumerable([Row(0), Row(1), Row(gold)]);
        var thrown = Assert.ThrowsExactly<InvalidDataException>(() => Trivia.Items(data).ToArray());
        Assert.AreEqual($"gold {gold} of row 2 is out of range: there are 3 choices, counted from 0.", thrown.Message);
    }

    [TestMethod]
    public void Missing_columns_and_other_types_are_refused_in_the_words_of_ML_NET()
    {
        AssertRefused(new { question = "", choices = new[] { "" } }, "Could not find question column 'label'");
        AssertRefused(new { question = 1f, choices = new[] { "" }, label = 0 }, "Schema mismatch for question column 'question':");
        AssertRefused(new { question = "", choices = "", label = 0 }, "column 'choices': expected Vector<String>, got String");
        AssertRefused(new { question = "", choices = new[] { "" }, label = 0f }, "column 'label': expected an integer, got Single");
        AssertRefused(new { question = "", choices = new[] { "" }, label = new[] { 1 } }, "column 'label': expected an integer, got ");

        static void AssertRefused<TRow>(TRow row, string words)
            where TRow : class
        {
            IDataView data = Ml.Data.LoadFromEnumerable([row]);
            var thrown = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Trivia.Items(data));
            StringAssert.Contains(thrown.Message, words);
        }
    }

    [TestMethod]
    public void A_column_that_the_task_does_not_name_is_refused()
    {
        AssertRefused(row => row.Text("label"), "The task does not list column 'label' as ZeroShotColumn.Text.");
        AssertRefused(row => row.Text("hidden"), "add ZeroShotColumn.Text(\"hidden\")");

        static void AssertRefused(Func<ZeroShotRow, string> read, string words)
        {
            var task = new ZeroShotTask(
                "x", ZeroShotKind.LastWord, [ZeroShotColumn.Integer("label")], row => ZeroShotItem.LastWord("", read(row)));
            var thrown = Assert.ThrowsExactly<ArgumentException>(() => task.Items(Ml.Data.LoadFromEnumerable([Row(0)])).Count());
            StringAssert.Contains(thrown.Message, words);
        }
    }

    [TestMethod]
    public void An_item_of_another_shape_than_the_kind_is_refused()
    {
        ZeroShotItem choice = ZeroShotItem.MultipleChoice("", ["a", "b"], 0), input = ZeroShotItem.MultipleInput(["a", "b"], "c", 0);
        AssertRefused(ZeroShotKind.MultipleInput, choice, "row 0 has 1 contexts and 2 continuations");
        AssertRefused(ZeroShotKind.MultipleChoice, input, "one context and at least one choice");
        AssertRefused(ZeroShotKind.LastWord, choice, "one context and one continuation");
        AssertRefused(ZeroShotKind.RollingLogLikelihood, choice, "one text and no context");
        AssertRefused(ZeroShotKind.MultipleChoice, ZeroShotItem.MultipleChoice("", [], 0), "at least one choice");
        AssertRefused(ZeroShotKind.MultipleChoice, ZeroShotItem.MultipleChoice("", [null!], 0), "of row 0 is null");
        AssertRefused(ZeroShotKind.MultipleChoice, ZeroShotItem.MultipleChoice("", ["only"], 1), "there is 1 choice");
        AssertRefused(ZeroShotKind.MultipleChoice, null!, "returned no item for row 0");

        static void AssertRefused(ZeroShotKind kind, ZeroShotItem item, string words)
        {
            var task = new ZeroShotTask("x", kind, [ZeroShotColumn.Integer("label")], _ => item);
            var thrown = Assert.ThrowsExactly<InvalidDataException>(() => task.Items(Ml.Data.LoadFromEnumerable([Row(0)])).Count());
            StringAssert.Contains(thrown.Message, words);
        }
    }

    [TestMethod]
    public void A_task_without_a_name_columns_or_a_kind_is_refused()
    {
        Func<ZeroShotRow, ZeroShotItem> none = _ => ZeroShotItem.LastWord("", "");
        Assert.ThrowsExactly<ArgumentException>(() => new ZeroShotTask(" ", ZeroShotKind.LastWord, [ZeroShotColumn.Text("x")], none));
        Assert.ThrowsExactly<ArgumentException>(() => new ZeroShotTask("x", ZeroShotKind.LastWord, [], none));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ZeroShotTask("x", (ZeroShotKind)9, [ZeroShotColumn.Text("x")], none));
    }

    [TestMethod]
    public void The_text_loader_of_ML_NET_feeds_a_task()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("questions.tsv");
        File.WriteAllText(path, "question\tlabel\tfirst\tsecond\nWhy?\t1\tno\tyes, so\n");
        IDataView data = Ml.Data.LoadFromTextFile(
            path,
            [new("question", DataKind.String, 0), new("label", DataKind.Int32, 1), new("choices", DataKind.String, 2, 3)],
            hasHeader: true);
        Assert.AreEqual(
            ZeroShotItem.MultipleChoice("Question: Why?\nAnswer:", ["no", "yes, so"], 1), Trivia.Items(data).Single());
    }

    private static TriviaRow Row(long label) => new() { question = "Why?", choices = ["a", "b", "c"], label = label };

#pragma warning disable IDE1006
    private sealed class TriviaRow
    {
        public string question { get; set; } = "";

        public string[] choices { get; set; } = [];

        public long label { get; set; }
    }
}
