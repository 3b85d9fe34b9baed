using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class FewShotTests
{
    private static readonly MLContext Ml = new(seed: 1);

    private static readonly ZeroShotTask Own = new(
        "own",
        ZeroShotKind.MultipleChoice,
        [ZeroShotColumn.Text("Question"), ZeroShotColumn.Texts("Choices"), ZeroShotColumn.Integer("Gold")],
        row => ZeroShotItem.MultipleChoice($"Q: {row.Text("Question")}\nA:", row.Texts("Choices"), row.Integer("Gold")))
    {
        Description = "Answer.\n\n",
    };

    [TestMethod]
    public void Description_and_examples_with_their_answers_come_before_the_question()
    {
        ZeroShotItem item = Own.FewShot(2, View(0, 1, 2)).Items(View(7)).Single();
        Assert.AreEqual("Answer.\n\nQ: number 0\nA: even\n\nQ: number 1\nA: odd\n\nQ: number 7\nA:", item.Contexts.Single());
        CollectionAssert.AreEqual(new[] { "even", "odd" }, item.Continuations.ToArray());
    }

    [TestMethod]
    public void No_examples_leave_the_context_as_it_is() =>
        Assert.AreEqual(Own.Items(View(7)).Single(), Own.FewShot(0, View(0, 1), FewShotSampling.Sampled).Items(View(7)).Single());

    [TestMethod]
    public void Each_context_of_a_schema_gets_the_examples_with_the_right_option()
    {
        var task = new ZeroShotTask(
            "blank", ZeroShotKind.MultipleInput, [ZeroShotColumn.Text("Question")],
            row => ZeroShotItem.MultipleInput([row.Text("Question") + " he", row.Text("Question") + " she"], "wins.", 1));
        ZeroShotItem item = task.FewShot(1, View(0)).Items(View(7)).Single();
        CollectionAssert.AreEqual(
            new[] { "number 0 she wins.\n\nnumber 7 he", "number 0 she wins.\n\nnumber 7 she" }, item.Contexts.ToArray());
        CollectionAssert.AreEqual(new[] { "wins." }, item.Continuations.ToArray());
    }

    [TestMethod]
    public void Two_spaces_stand_before_the_last_word_of_an_example_as_in_the_harness()
    {
        var task = new ZeroShotTask(
            "last", ZeroShotKind.LastWord, [ZeroShotColumn.Text("Question")],
            row => ZeroShotItem.LastWord(row.Text("Question"), "word"));
        ZeroShotItem item = task.FewShot(1, View(0)).Items(View(7)).Single();
        Assert.AreEqual("number 0  word\n\nnumber 7", item.Contexts.Single());
    }

    [TestMethod]
    public void Examples_are_drawn_as_Python_draws_them_for_each_row()
    {
        var random = new PythonRandom(1234);
        int[] examples = [.. Enumerable.Range(100, 40)];
        string[] contexts = Contexts(Own.FewShot(3, View(examples), FewShotSampling.Sampled), View(0, 1, 2, 3));
        foreach (string context in contexts)
            CollectionAssert.AreEqual(random.Sample(40, 3).Select(i => examples[i]).ToArray(), Shown(context));
    }

    [TestMethod]
    public void Another_seed_draws_other_examples()
    {
        IDataView examples = View([.. Enumerable.Range(100, 40)]), questions = View(0, 1, 2);
        string[] first = Contexts(Own.FewShot(3, examples, FewShotSampling.Sampled, seed: 1), questions);
        CollectionAssert.AreEqual(first, Contexts(Own.FewShot(3, examples, FewShotSampling.Sampled, seed: 1), questions));
        CollectionAssert.AreNotEqual(first, Contexts(Own.FewShot(3, examples, FewShotSampling.Sampled, seed: 2), questions));
    }

    [TestMethod]
    [DataRow(FewShotSampling.FirstN)]
    [DataRow(FewShotSampling.Sampled)]
    public void A_question_among_the_examples_is_left_out_and_another_taken(FewShotSampling sampling)
    {
        int[] rows = [.. Enumerable.Range(0, 12)];
        string[] contexts = Contexts(Own.FewShot(4, View(rows), sampling, examplesAreScored: true), View(rows));
        for (int row = 0; row < rows.Length; row++)
        {
            int[] shown = Shown(contexts[row]);
            Assert.HasCount(4, shown);
            CollectionAssert.DoesNotContain(shown, row);
        }
        CollectionAssert.AreEqual(sampling == FewShotSampling.FirstN ? new[] { 1, 2, 3, 4 } : Drawn(), Shown(contexts[0]));

        int[] Drawn() => [.. new PythonRandom(1234).Sample(12, 5).Where(i => i != 0).Take(4)];
    }

    [TestMethod]
    public void A_question_never_shows_its_own_answer_even_where_nobody_said_so()
    {
        string context = Contexts(Own.FewShot(2, View(7, 8, 9)), View(7)).Single();
        CollectionAssert.AreEqual(new[] { 8 }, Shown(context));
    }

    [TestMethod]
    public void Everything_else_of_the_task_stays()
    {
        ZeroShotTask task = ZeroShotTasks.Mmlu("anatomy"), shown = task.FewShot(0, MmluExamples());
        Assert.AreEqual((task.Name, task.Kind, task.Description), (shown.Name, shown.Kind, shown.Description));
        CollectionAssert.AreEqual(task.Groups.ToArray(), shown.Groups.ToArray());
        CollectionAssert.AreEqual(task.Metrics.ToArray(), shown.Metrics.ToArray());
        Assert.AreEqual(0, task.ShotCount);
        Assert.AreEqual(3, Own.FewShot(3, View(0, 1, 2)).ShotCount);
    }

    [TestMethod]
    [DataRow(-1, false)]
    [DataRow(4, false)]
    [DataRow(3, true)]
    public void More_examples_than_there_are_are_refused(int count, bool scored)
    {
        var thrown = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => Own.FewShot(count, View(0, 1, 2), examplesAreScored: scored));
        StringAssert.Contains(thrown.Message, "the 3 examples of task 'own'");
    }

    [TestMethod]
    public void Examples_of_examples_and_of_whole_texts_are_refused()
    {
        Assert.ThrowsExactly<InvalidOperationException>(() => Own.FewShot(1, View(0)).FewShot(1, View(0)));
        IDataView pages = new MLContext().Data.LoadFromEnumerable([new { page = "x" }]);
        Assert.ThrowsExactly<InvalidOperationException>(() => ZeroShotTasks.Wikitext.FewShot(1, pages));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Own.FewShot(1, View(0), (FewShotSampling)9));
    }

    private static string[] Contexts(ZeroShotTask task, IDataView data) => [.. task.Items(data).Select(item => item.Contexts.Single())];

    private static int[] Shown(string context) =>
        [.. context.Split("Q: number ")[1..^1].Select(shot => int.Parse(shot[..shot.IndexOf('\n', StringComparison.Ordinal)]))];

    private static IDataView MmluExamples() =>
        Ml.Data.LoadFromEnumerable([new { question = "q", choices = new[] { "a", "b", "c", "d" }, answer = 1 }]);

    private static IDataView View(params int[] numbers) => Ml.Data.LoadFromEnumerable(
        numbers.Select(n => new Row { Question = $"number {n}", Choices = ["even", "odd"], Gold = n % 2 }));

    private sealed class Row
    {
        public string Question { get; set; } = "";

        public string[] Choices { get; set; } = [];

        public int Gold { get; set; }
    }
}
