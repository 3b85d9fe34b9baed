using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Tests.Evaluation.Reference;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Benchmarks;

/// <summary>Compares the items of the benchmarks' own files with those of the reference reader.</summary>
[TestClass]
public sealed class RealFilesTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    public void Piqa_as_published()
    {
        string rows = TestData.Require("piqa/valid.jsonl"), labels = TestData.Require("piqa/valid-labels.lst");
        ZeroShotItem[] items = Items("piqa", "piqa/valid.jsonl");
        Assert.HasCount(1838, items);
        AssertSame(PlainTasks.Piqa(rows, labels), items);
        Assert.AreEqual("Question: dresser\nAnswer:", items[1].Contexts.Single());
        CollectionAssert.AreEqual(
            new[] { "replace drawer with bobby pin ", "finish, woodgrain with  bobby pin " }, items[1].Continuations.ToArray());
        ZeroShotItem[] named = [.. ZeroShotTasks.Piqa.Items(Ml.Reversible().LoadZeroShot(ZeroShotTasks.Piqa, rows, labels))];
        CollectionAssert.AreEqual(items, named);
    }

    [TestMethod]
    public void Piqa_in_both_layouts_is_the_same_but_for_the_blanks_around_118_choices()
    {
        ZeroShotItem[] published = Items("piqa", "piqa/valid.jsonl"), queries = Items("piqa", "eval/piqa.jsonl");
        Assert.HasCount(published.Length, queries);
        int different = 0;
        for (int i = 0; i < queries.Length; i++)
        {
            if (!published[i].Equals(queries[i])) different++;
            ZeroShotItem stripped = ZeroShotItem.MultipleChoice(
                published[i].Contexts[0], published[i].Continuations.Select(choice => choice.Trim()), published[i].Gold);
            Assert.AreEqual(stripped, queries[i]);
        }
        Assert.AreEqual(118, different);
    }

    [TestMethod]
    public void OpenBookQa_is_the_same_in_both_layouts()
    {
        ZeroShotItem[] published = Items("openbookqa", "openbookqa/test.tsv"), queries = Items("openbookqa", "eval/openbook_qa.jsonl");
        Assert.HasCount(500, published);
        CollectionAssert.AreEqual(published, queries);
        AssertSame(PlainTasks.OpenBookQa(TestData.Require("openbookqa/test.tsv")), published);
        Assert.HasCount(500, Items("openbookqa", "openbookqa/dev.tsv"));
        Assert.AreEqual(
            ZeroShotItem.MultipleChoice(
                "There is most likely going to be fog around:", ["a marsh", "a tundra", "the plains", "a desert"], 0),
            published[1]);
    }

    [TestMethod]
    [DataRow("arc_easy", 2376)]
    [DataRow("arc_challenge", 1172)]
    public void Arc(string name, int count)
    {
        ZeroShotItem[] items = Items(name, $"eval/{name}.jsonl");
        Assert.HasCount(count, items);
        AssertSame(PlainTasks.Queries(TestData.Require($"eval/{name}.jsonl"), "\nAnswer:"), items);
    }

    [TestMethod]
    public void The_second_question_of_Arc_easy_is_the_worked_one()
    {
        ZeroShotItem item = Items("arc_easy", "eval/arc_easy.jsonl")[1];
        Assert.AreEqual(
            "Question: Which piece of safety equipment is used to keep mold spores from entering the respiratory system?\nAnswer:",
            item.Contexts.Single());
        CollectionAssert.AreEqual(
            new[] { "safety goggles", "breathing mask", "rubber gloves", "lead apron" }, item.Continuations.ToArray());
    }

    [TestMethod]
    public void Winogrande_agrees_with_the_published_labels()
    {
        ZeroShotItem[] items = Items("winogrande", "eval/winogrande.jsonl");
        string[] labels = File.ReadAllLines(TestData.Require("winogrande/dev-labels.lst"));
        Assert.HasCount(1267, items);
        CollectionAssert.AreEqual(labels, items.Select(item => $"{item.Gold + 1}").ToArray());
        AssertSame(PlainTasks.WinoGrande(TestData.Require("eval/winogrande.jsonl")), items);
        Assert.AreEqual(
            ZeroShotItem.MultipleInput(
                ["Sarah was a much better surgeon than Maria so Sarah", "Sarah was a much better surgeon than Maria so Maria"],
                "always got the easier cases.", 1),
            items[0]);
    }

    [TestMethod]
    public void Lambada()
    {
        ZeroShotItem[] items = Items("lambada_openai", "eval/lambada_openai.jsonl");
        Assert.HasCount(5153, items);
        AssertSame(PlainTasks.Lambada(TestData.Require("eval/lambada_openai.jsonl")), items);
    }

    [TestMethod]
    public void Mmlu_over_all_subjects()
    {
        string folder = TestData.Require("mmlu/test");
        int count = 0;
        foreach (string subject in ZeroShotTasks.MmluSubjects)
        {
            ZeroShotTask task = ZeroShotTasks.Mmlu(subject), continuation = ZeroShotTasks.MmluContinuation(subject);
            IDataView data = Ml.Reversible().LoadZeroShot(task, folder);
            ZeroShotItem[] items = [.. task.Items(data)];
            string file = Path.Combine(folder, $"{subject}_test.csv");
            PlainQuestion[] plain = [.. PlainTasks.Mmlu(file).Select(q => q.After(PlainTasks.MmluDescription(subject), []))];
            AssertSame(plain, items);
            string description = $"The following are questions (with answers) about {subject.Replace('_', ' ')}.\n\n";
            AssertSame(
                [.. PlainTasks.MmluContinuation(file).Select(q => q.After(description, []))], [.. continuation.Items(data)]);
            count += items.Length;
        }
        Assert.AreEqual(9143, count);
    }

    [TestMethod]
    public void Mmlu_with_the_first_five_of_the_dev_part_before_each_question()
    {
        string folder = TestData.Require("mmlu");
        ZeroShotTask task = ZeroShotTasks.Mmlu("college_biology");
        IDataView dev = Ml.Reversible().LoadZeroShot(task, Path.Combine(folder, "dev"));
        IDataView test = Ml.Reversible().LoadZeroShot(task, folder);
        ZeroShotItem[] items = [.. task.FewShot(5, dev).Items(test)];

        PlainQuestion[] shots = PlainTasks.Mmlu(Path.Combine(folder, "dev", "college_biology_dev.csv"));
        PlainQuestion[] plain = PlainTasks.Mmlu(Path.Combine(folder, "test", "college_biology_test.csv"));
        string description = PlainTasks.MmluDescription("college_biology");
        AssertSame([.. plain.Select(question => question.After(description, shots.Take(5)))], items);
        StringAssert.StartsWith(items[0].Contexts[0], description + shots[0].Contexts[0] + " ");
    }

    /// <summary>Counts and hashes are what Python gives for the harness's own cutting and spacing.</summary>
    [TestMethod]
    [DataRow("test", 62, 241335, 1256386, "d3a9f56365df82b54e98dc161f503b193736c52d759e02e74cd872f3d0ed0eb1")]
    [DataRow("valid", 60, 214006, 1121620, "07ba40a12c0e195e14458a7693caee338652871512939642bbc7559a24405777")]
    public void Wikitext(string part, int pages, int words, int bytes, string hash)
    {
        ZeroShotItem[] items = Items("wikitext", $"wikitext-2/{part}.txt");
        Assert.HasCount(pages, items);
        Assert.AreEqual(words, items.Sum(item => ZeroShotCounts.WordCount(item.CountedText!)));
        Assert.AreEqual(bytes, items.Sum(item => Encoding.UTF8.GetByteCount(item.CountedText!)));
        string scored = string.Join('\0', items.Select(item => item.Continuations.Single()));
        Assert.AreEqual(hash, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(scored))));
    }

    private static ZeroShotItem[] Items(string name, string file)
    {
        ZeroShotTask task = ZeroShotTasks.Named(name);
        return [.. task.Items(Ml.Reversible().LoadZeroShot(task, TestData.Require(file)))];
    }

    /// <summary>The reference repeats what its answers share.</summary>
    private static void AssertSame(PlainQuestion[] expected, ZeroShotItem[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (int i = 0; i < expected.Length; i++)
        {
            CollectionAssert.AreEqual(expected[i].Contexts, Repeated(actual[i].Contexts, expected[i].Contexts.Length), $"item {i}");
            CollectionAssert.AreEqual(
                expected[i].Continuations, Repeated(actual[i].Continuations, expected[i].Continuations.Length), $"item {i}");
            Assert.AreEqual(expected[i].Gold, actual[i].Gold, $"item {i}");
        }
    }

    private static string[] Repeated(IReadOnlyList<string> texts, int count) =>
        texts.Count == 1 ? [.. Enumerable.Repeat(texts[0], count)] : [.. texts];
}
