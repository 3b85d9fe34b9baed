namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class TaskNamesTests
{
    [TestMethod]
    public void Every_task_has_the_name_that_finds_it()
    {
        string[] single = ["piqa", "arc_easy", "arc_challenge", "openbookqa", "winogrande", "hellaswag", "lambada_openai", "wikitext"];
        CollectionAssert.IsSubsetOf(single, ZeroShotTasks.Names.ToArray());
        foreach (string name in ZeroShotTasks.Names) Assert.AreEqual(name, ZeroShotTasks.Named(name).Name);
        Assert.AreSame(ZeroShotTasks.HellaSwag, ZeroShotTasks.Named("hellaswag"));
        Assert.AreSame(ZeroShotTasks.MmluContinuation("virology"), ZeroShotTasks.Named("mmlu_virology_continuation"));
    }

    [TestMethod]
    [DataRow("mmlu", 57)]
    [DataRow("mmlu_stem", 19)]
    [DataRow("mmlu_humanities", 13)]
    [DataRow("mmlu_social_sciences", 12)]
    [DataRow("mmlu_other", 13)]
    [DataRow("mmlu_continuation", 57)]
    [DataRow("mmlu_stem_continuation", 19)]
    [DataRow("piqa", 0)]
    public void Groups_hold_their_tasks(string group, int count) => Assert.HasCount(count, ZeroShotTasks.InGroup(group));

    [TestMethod]
    public void The_subjects_are_those_of_the_files()
    {
        IEnumerable<string> files = Directory.GetFiles(TestData.Require("mmlu/test"))
            .Select(file => Path.GetFileName(file)[..^"_test.csv".Length]);
        CollectionAssert.AreEqual(files.Order(StringComparer.Ordinal).ToArray(), ZeroShotTasks.MmluSubjects.ToArray());
    }

    [TestMethod]
    [DataRow("arc", "There is no task 'arc'. The tasks are arc_easy, arc_challenge, hellaswag, lambada_openai, openbookqa, piqa, ")]
    [DataRow("arc", ", the 57 tasks of group mmlu, such as mmlu_abstract_algebra, the 57 tasks of group mmlu_continuation, such as ")]
    [DataRow("mmlu", "'mmlu' is a group of 57 tasks, such as mmlu_abstract_algebra: InGroup returns them.")]
    public void A_name_that_is_no_task_is_refused(string name, string words) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ZeroShotTasks.Named(name)).Message, words);

    [TestMethod]
    public void A_subject_that_is_none_is_refused() =>
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => ZeroShotTasks.Mmlu("cooking")).Message, "MMLU has no subject 'cooking'.");

    [TestMethod]
    [DataRow("piqa", "acc, acc_norm")]
    [DataRow("arc_challenge", "acc, acc_norm")]
    [DataRow("winogrande", "acc")]
    [DataRow("mmlu_anatomy", "acc")]
    [DataRow("mmlu_anatomy_continuation", "acc, acc_norm")]
    [DataRow("lambada_openai", "perplexity, acc")]
    [DataRow("wikitext", "word_perplexity, byte_perplexity, bits_per_byte")]
    public void The_metrics_are_those_of_the_harness(string name, string metrics) =>
        Assert.AreEqual(metrics, string.Join(", ", ZeroShotTasks.Named(name).Metrics));
}
