using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Benchmarks;

/// <summary>Tests that prompts equal those of lm-evaluation-harness, to the character.</summary>
[TestClass]
public sealed class WorkedStringsTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    public void Piqa_asks_for_the_goal() => AssertItem(
        ZeroShotTasks.Piqa,
        new PiqaRow { goal = "dresser", sol1 = "replace drawer with bobby pin ", sol2 = "finish, woodgrain with  bobby pin ", label = 1 },
        ["Question: dresser\nAnswer:"], ["replace drawer with bobby pin ", "finish, woodgrain with  bobby pin "], 1);

    [TestMethod]
    [DataRow(new[] { "A", "B", "C" }, "C", 2)]
    [DataRow(new[] { "A", "B", "C", "D", "E" }, "E", 4)]
    [DataRow(new[] { "1", "2", "3", "4" }, "2", 1)]
    public void Arc_takes_any_number_of_choices_with_any_labels(string[] labels, string key, int gold)
    {
        string[] choices = [.. labels.Select(label => $"choice {label}")];
        foreach (ZeroShotTask task in new[] { ZeroShotTasks.ArcEasy, ZeroShotTasks.ArcChallenge })
            AssertItem(
                task, new ArcRow { question = "Which piece?", choices = choices, labels = labels, answerKey = key },
                ["Question: Which piece?\nAnswer:"], choices, gold);
    }

    [TestMethod]
    public void OpenBookQa_gives_the_stem_alone() => AssertItem(
        ZeroShotTasks.OpenBookQa,
        new BookRow
        {
            question_stem = "There is most likely going to be fog around:",
            choices = ["a marsh", "a tundra", "the plains", "a desert"],
            labels = ["A", "B", "C", "D"],
            answerKey = " A",
        },
        ["There is most likely going to be fog around:"], ["a marsh", "a tundra", "the plains", "a desert"], 0);

    [TestMethod]
    public void Winogrande_cuts_at_the_blank() => AssertItem(
        ZeroShotTasks.Winogrande,
        new GrandeRow
        {
            sentence = "Sarah was a much better surgeon than Maria so _ always got the easier cases.",
            option1 = "Sarah",
            option2 = "Maria",
            answer = "2",
        },
        ["Sarah was a much better surgeon than Maria so Sarah", "Sarah was a much better surgeon than Maria so Maria"],
        ["always got the easier cases."], 1);

    [TestMethod]
    public void Winogrande_keeps_punctuation_after_the_blank_as_the_rest() => AssertItem(
        ZeroShotTasks.Winogrande,
        new GrandeRow { sentence = "It does not fit because of the _.", option1 = "trophy", option2 = "case", answer = "1" },
        ["It does not fit because of the trophy", "It does not fit because of the case"], ["."], 0);

    [TestMethod]
    [DataRow("then, the man WRITES over the snow.", "Then, the man writes over the snow.")]
    [DataRow("", "")]
    [DataRow("\U00010428B", "\U00010400b")]
    [DataRow("émigré ÉCRIT", "Émigré écrit")]
    public void HellaSwag_capitalizes_the_start_of_the_ending(string start, string capitalized)
    {
        string context = $"Removing ice: A man. {capitalized}".TrimEnd();
        AssertItem(
            ZeroShotTasks.HellaSwag,
            new SwagRow { activity_label = "Removing ice", ctx_a = "A man.", ctx_b = start, endings = [" one.", "two"], label = 1 },
            [context], ["one.", "two"], 1);
    }

    [TestMethod]
    [DataRow("How to cut [header] hair [title] Wash it. [step]  Dry it.", "How to cut hair. Wash it.  Dry it.")]
    [DataRow("a [one] [two] b", "a  b")]
    [DataRow("a   b    c", "a  b  c")]
    [DataRow("open [here\nand] there [gone]", "open [here\nand] there ")]
    [DataRow("left ] [ right", "left ] [ right")]
    [DataRow("\u001c x [[y] z]", "x z]")]
    [DataRow(" [title] first", " first")]
    public void HellaSwag_drops_what_is_left_of_the_markup(string ending, string expected) => AssertItem(
        ZeroShotTasks.HellaSwag,
        new SwagRow { activity_label = "X", ctx_a = "a", ctx_b = "b", endings = [ending], label = 0 },
        ["X: a B"], [expected], 0);

    [TestMethod]
    public void Mmlu_shows_the_choices_and_scores_the_letters()
    {
        var row = new MmluRow
        {
            question = "\nFind the degree over Q. ",
            choices = ["0", "4", "2", "6"],
            answer = 1,
        };
        AssertItem(
            ZeroShotTasks.Mmlu("abstract_algebra"), row,
            ["The following are multiple choice questions (with answers) about abstract algebra.\n\n" +
                "Find the degree over Q.\nA. 0\nB. 4\nC. 2\nD. 6\nAnswer:"],
            ["A", "B", "C", "D"], 1);
        AssertItem(
            ZeroShotTasks.MmluContinuation("abstract_algebra"), row,
            ["The following are questions (with answers) about abstract algebra.\n\nQuestion: Find the degree over Q.\nAnswer:"],
            ["0", "4", "2", "6"], 1);
    }

    [TestMethod]
    [DataRow("I don't care about signs", "I don't care about", "signs")]
    [DataRow("line\n\nbreaks stay\nhere", "line\n\nbreaks", "stay\nhere")]
    [DataRow("alone", "", "alone")]
    [DataRow("é 漢字 🦊", "é 漢字", "🦊")]
    public void Lambada_cuts_at_the_last_space(string text, string context, string word) =>
        AssertItem(ZeroShotTasks.LambadaOpenAi, new TextRow { text = text }, [context], [word], 0);

    [TestMethod]
    [DataRow(" \n = Robert <unk> = \n \n He had a guest @-@ starring role .\n", "\n= Robert <unk> =\n\nHe had a guest-starring role .\n")]
    [DataRow("1 @,@ 234 @.@ 5 , and : so ; it ! is ? there . ok", "1,234.5, and: so; it! is? there. ok")]
    [DataRow("( a ) [ b ( c ] { d } \" e \" ' f ' x's ( open", "(a) [b ( c] {d} \"e\" 'f' x's ( open")]
    [DataRow(" = = Life = = \n = = = Work = = = ", " == Life ==\n=== Work === ")]
    [DataRow("40 \u00b0 N 3", "40\u00b0N 3")]
    [DataRow("the dogs ' tail is Tom 's", "the dogs'tail is Tom's")]
    [DataRow("see /' 5/ here", "see /'[0-9]/ here")]
    public void Wikitext_takes_the_spaces_out_and_counts_the_page_as_it_stands(string page, string scored)
    {
        ZeroShotItem item = Item(ZeroShotTasks.Wikitext, new PageRow { page = page });
        Assert.AreEqual(ZeroShotItem.WholeText(scored, page), item);
        Assert.IsEmpty(item.Contexts);
        Assert.AreEqual(page, item.CountedText);
    }

    [TestMethod]
    public void A_choice_may_be_empty_or_equal_to_another() => AssertItem(
        ZeroShotTasks.Piqa, new PiqaRow { goal = "", sol1 = "", sol2 = "", label = 0 }, ["Question: \nAnswer:"], ["", ""], 0);

    private static void AssertItem<TRow>(ZeroShotTask task, TRow row, string[] contexts, string[] continuations, int gold)
        where TRow : class
    {
        ZeroShotItem item = Item(task, row);
        CollectionAssert.AreEqual(contexts, item.Contexts.ToArray());
        CollectionAssert.AreEqual(continuations, item.Continuations.ToArray());
        Assert.AreEqual(gold, item.Gold);
    }

    private static ZeroShotItem Item<TRow>(ZeroShotTask task, TRow row)
        where TRow : class => task.Items(Ml.Data.LoadFromEnumerable([row])).Single();

#pragma warning disable IDE1006, SA1300
    private sealed class PiqaRow
    {
        public string goal { get; set; } = "";

        public string sol1 { get; set; } = "";

        public string sol2 { get; set; } = "";

        public int label { get; set; }
    }

    private sealed class ArcRow
    {
        public string question { get; set; } = "";

        public string[] choices { get; set; } = [];

        public string[] labels { get; set; } = [];

        public string answerKey { get; set; } = "";
    }

    private sealed class BookRow
    {
        public string question_stem { get; set; } = "";

        public string[] choices { get; set; } = [];

        public string[] labels { get; set; } = [];

        public string answerKey { get; set; } = "";
    }

    private sealed class GrandeRow
    {
        public string sentence { get; set; } = "";

        public string option1 { get; set; } = "";

        public string option2 { get; set; } = "";

        public string answer { get; set; } = "";
    }

    private sealed class SwagRow
    {
        public string activity_label { get; set; } = "";

        public string ctx_a { get; set; } = "";

        public string ctx_b { get; set; } = "";

        public string[] endings { get; set; } = [];

        public int label { get; set; }
    }

    private sealed class MmluRow
    {
        public string question { get; set; } = "";

        [VectorType(4)]
        public string[] choices { get; set; } = [];

        public long answer { get; set; }
    }

    private sealed class TextRow
    {
        public string text { get; set; } = "";
    }

    private sealed class PageRow
    {
        public string page { get; set; } = "";
    }
}
