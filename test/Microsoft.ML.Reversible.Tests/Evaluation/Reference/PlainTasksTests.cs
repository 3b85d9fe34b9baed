using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The reference's own prompts against the worked strings of the rules, and its tokens against the product's.</summary>
[TestClass]
public sealed class PlainTasksTests
{
    [TestMethod]
    public void The_prompts_are_the_worked_strings()
    {
        var piqa = PlainTasks.Piqa(TestData.Require("piqa/valid.jsonl"), TestData.Require("piqa/valid-labels.lst"))[1];
        var stem = PlainTasks.OpenBookQa(TestData.Require("openbookqa/test.tsv"))[1];
        var schema = PlainTasks.WinoGrande(TestData.Require("eval/winogrande.jsonl"))[0];
        var mmlu = PlainTasks.Mmlu(TestData.Require("mmlu/test/abstract_algebra_test.csv"))[0]
            .After(PlainTasks.MmluDescription("abstract_algebra"), []);

        Assert.AreEqual("Question: dresser\nAnswer:", piqa.Contexts[0]);
        CollectionAssert.AreEqual(new[] { "replace drawer with bobby pin ", "finish, woodgrain with  bobby pin " }, piqa.Continuations);
        Assert.AreEqual("There is most likely going to be fog around:", stem.Contexts[3]);
        CollectionAssert.AreEqual(new[] { "a marsh", "a tundra", "the plains", "a desert" }, stem.Choices);
        CollectionAssert.AreEqual(
            new[] { "Sarah was a much better surgeon than Maria so Sarah", "Sarah was a much better surgeon than Maria so Maria" },
            schema.Contexts);
        Assert.AreEqual(
            "The following are multiple choice questions (with answers) about abstract algebra.\n\n" +
            "Find the degree for the given field extension Q(sqrt(2), sqrt(3), sqrt(18)) over Q.\nA. 0\nB. 4\nC. 2\nD. 6\nAnswer:",
            mmlu.Contexts[0]);
        Assert.AreEqual((1, 0, 1, 1), (piqa.Gold, stem.Gold, schema.Gold, mmlu.Gold));
    }

    [TestMethod]
    public void Both_layouts_of_a_task_give_the_same_items()
    {
        AssertSame(
            PlainTasks.Piqa(TestData.Require("piqa/valid.jsonl"), TestData.Require("piqa/valid-labels.lst")),
            PlainTasks.Queries(TestData.Require("eval/piqa.jsonl"), "Answer:"));
        AssertSame(
            PlainTasks.OpenBookQa(TestData.Require("openbookqa/test.tsv")),
            PlainTasks.Queries(TestData.Require("eval/openbook_qa.jsonl"), ""));
    }

    [TestMethod]
    public void The_tokens_are_those_of_the_tokenizer()
    {
        var product = LanguageModelTokenizer.Load(TestData.Require("stories260k/tok512.model"));
        var plain = PlainModel.Tokenizer();
        IEnumerable<PlainQuestion> questions =
        [
            .. PlainTasks.Piqa(TestData.Require("piqa/valid.jsonl"), TestData.Require("piqa/valid-labels.lst")),
            .. PlainTasks.Queries(TestData.Require("eval/arc_easy.jsonl"), "\nAnswer:"),
            .. PlainTasks.Mmlu(TestData.Require("mmlu/test/college_mathematics_test.csv")),
            .. PlainTasks.Lambada(TestData.Require("eval/lambada_openai.jsonl")).Take(500),
        ];
        foreach (string text in questions.SelectMany(q => q.Choices.Append(q.Shot)))
            CollectionAssert.AreEqual(product.Encode(text), plain.Encode(text).ToArray(), text);
    }

    private static void AssertSame(PlainQuestion[] first, PlainQuestion[] second)
    {
        Assert.HasCount(first.Length, second);
        for (int i = 0; i < first.Length; i++)
        {
            CollectionAssert.AreEqual(first[i].Contexts.Select(c => c.Trim()).ToArray(), second[i].Contexts, $"item {i}");
            CollectionAssert.AreEqual(first[i].Choices.Select(c => c.Trim()).ToArray(), second[i].Choices, $"item {i}");
            Assert.AreEqual(first[i].Gold, second[i].Gold, $"item {i}");
        }
    }
}
