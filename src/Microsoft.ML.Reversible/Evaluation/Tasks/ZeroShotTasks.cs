using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

/// <summary>The zero-shot tasks of lm-evaluation-harness, by its names, with its contexts to the character.</summary>
/// <remarks>Any data with a task's columns will do, whether read from the benchmark's files or from elsewhere.</remarks>
public static partial class ZeroShotTasks
{
    private static readonly Dictionary<string, ZeroShotTask> _byName = All().ToDictionary(task => task.Name);

    /// <summary>
    /// <c>piqa</c>, physical common sense: which of two ways reaches a goal. Columns of text <c>goal</c>, <c>sol1</c>, <c>sol2</c>, and
    /// the integer <c>label</c>, 0 or 1.
    /// </summary>
    public static ZeroShotTask Piqa => _byName["piqa"];

    /// <summary>
    /// <c>arc_easy</c>, school science: columns of text <c>question</c> and <c>answerKey</c>, and vectors of text <c>choices</c> and
    /// <c>labels</c>, three to five of each. The key is one of the labels, which are letters or digits. The choices are not shown.
    /// </summary>
    public static ZeroShotTask ArcEasy => _byName["arc_easy"];

    /// <summary><c>arc_challenge</c>, the harder questions of the same exams, with the columns of <see cref="ArcEasy"/>.</summary>
    public static ZeroShotTask ArcChallenge => _byName["arc_challenge"];

    /// <summary>
    /// <c>openbookqa</c>: columns of text <c>question_stem</c> and <c>answerKey</c>, and vectors of text <c>choices</c> and
    /// <c>labels</c>. The stem alone is the context.
    /// </summary>
    public static ZeroShotTask OpenBookQa => _byName["openbookqa"];

    /// <summary>
    /// <c>winogrande</c>: what a blank stands for. Columns of text <c>sentence</c>, with a <c>_</c>, <c>option1</c>, <c>option2</c>, and
    /// <c>answer</c>, 1 or 2. The sentence up to the blank with each option is a context, and its rest is scored.
    /// </summary>
    public static ZeroShotTask Winogrande => _byName["winogrande"];

    /// <summary>
    /// <c>hellaswag</c>: how a scene goes on. Columns of text <c>activity_label</c>, <c>ctx_a</c>, <c>ctx_b</c>, a vector of text
    /// <c>endings</c>, and the integer <c>label</c>. Contexts and endings lose the traces of WikiHow's markup.
    /// </summary>
    public static ZeroShotTask HellaSwag => _byName["hellaswag"];

    /// <summary><c>lambada_openai</c>: the last word of a passage. A column of text <c>text</c>, cut at its last space.</summary>
    public static ZeroShotTask LambadaOpenAi => _byName["lambada_openai"];

    /// <summary>
    /// <c>wikitext</c>: how likely whole articles are. A column of text <c>page</c>, which is scored with the corpus's spaces around
    /// punctuation taken out, while words and bytes are counted as they stand.
    /// </summary>
    public static ZeroShotTask Wikitext => _byName["wikitext"];

    /// <summary>The names of all tasks.</summary>
    public static IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>The task of a name, such as <c>arc_easy</c> or <c>mmlu_anatomy</c>.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no such task; the message says which there are.</exception>
    public static ZeroShotTask Named(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_byName.TryGetValue(name, out ZeroShotTask? task)) return task;
        int members = InGroup(name).Count;
        IEnumerable<string> others = _byName.Values.Where(one => one.Groups.Count == 0).Select(one => one.Name);
        string why = members == 0
            ? $"There is no task '{name}'. There are {string.Join(", ", others)}, and mmlu_SUBJECT " +
              $"and mmlu_SUBJECT_continuation for the {MmluSubjects.Count} subjects, such as mmlu_anatomy."
            : $"'{name}' is a group of {members} tasks, such as {InGroup(name)[0].Name}: {nameof(InGroup)} gives them all.";
        throw new ArgumentException(why, nameof(name));
    }

    /// <summary>The tasks of a group, such as <c>mmlu</c> or <c>mmlu_stem</c>; none where there is no such group.</summary>
    /// <param name="group">The group.</param>
    public static IReadOnlyList<ZeroShotTask> InGroup(string group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return [.. _byName.Values.Where(task => task.Groups.Contains(group))];
    }

    private static IEnumerable<ZeroShotTask> All() =>
    [
        Choice("piqa", TaskColumns.Piqa, TaskItems.Piqa, "sol1", "sol2"),
        Choice("arc_easy", TaskColumns.Arc, TaskItems.Arc),
        Choice("arc_challenge", TaskColumns.Arc, TaskItems.Arc),
        Choice("openbookqa", TaskColumns.OpenBookQa, TaskItems.OpenBookQa),
        new("winogrande", ZeroShotKind.MultipleInput, TaskColumns.Winogrande, TaskItems.Winogrande)
        {
            ChoiceNames = ["option1", "option2"],
            IsBuiltIn = true,
        },
        Choice("hellaswag", TaskColumns.HellaSwag, TaskItems.HellaSwag, "0", "1", "2", "3"),
        new("lambada_openai", ZeroShotKind.LastWord, TaskColumns.Lambada, TaskItems.Lambada) { IsBuiltIn = true },
        new("wikitext", ZeroShotKind.RollingLogLikelihood, TaskColumns.Wikitext, TaskItems.Wikitext) { IsBuiltIn = true },
        .. MmluTasks(),
    ];

    private static ZeroShotTask Choice(
        string name, IEnumerable<ZeroShotColumn> columns, Func<ZeroShotRow, ZeroShotItem> toItem, params string[] choiceNames) =>
        new(name, ZeroShotKind.MultipleChoice, columns, toItem) { ChoiceNames = choiceNames, IsBuiltIn = true };
}
