using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A zero-shot task: how the rows of a data set become the contexts and continuations that a model scores, and which one is right.
/// </summary>
/// <remarks>
/// <see cref="ZeroShotTasks"/> has those of lm-evaluation-harness. One's own takes a name, its columns and a function:
/// <code>
/// var task = new ZeroShotTask(
///     "trivia", ZeroShotKind.MultipleChoice,
///     [ZeroShotColumn.Text("question"), ZeroShotColumn.Texts("choices"), ZeroShotColumn.Integer("label")],
///     row => ZeroShotItem.MultipleChoice($"Question: {row.Text("question")}\nAnswer:", row.Texts("choices"), row.Integer("label")));
/// </code>
/// A task does not change, and is safe to use from several threads.
/// </remarks>
public sealed partial class ZeroShotTask
{
    /// <summary>What stands between a context and its continuation: a space.</summary>
    public const string Delimiter = " ";

    /// <summary>What stands after each example of a few-shot context: an empty line.</summary>
    public const string FewShotDelimiter = "\n\n";

    private readonly Func<ZeroShotRow, ZeroShotItem> _toItem;
    private readonly FewShotContext? _shots;

    /// <summary>Makes a task.</summary>
    /// <param name="name">Its name, such as <c>arc_easy</c>.</param>
    /// <param name="kind">What is asked of the model.</param>
    /// <param name="columns">The columns that <paramref name="toItem"/> reads, at least one.</param>
    /// <param name="toItem">Makes a row an item; it is called from several threads, each with a row of its own.</param>
    /// <exception cref="ArgumentException">The name is empty, or there is no column.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not one that there is.</exception>
    public ZeroShotTask(string name, ZeroShotKind kind, IEnumerable<ZeroShotColumn> columns, Func<ZeroShotRow, ZeroShotItem> toItem)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(toItem);
        if (!Enum.IsDefined(kind))
            throw new ArgumentOutOfRangeException(
                nameof(kind), kind, $"kind must be one of {string.Join(", ", Enum.GetNames<ZeroShotKind>())}.");
        Name = name;
        Kind = kind;
        Columns = [.. columns];
        if (Columns.Count == 0) throw new ArgumentException("A task must read at least one column.", nameof(columns));
        _toItem = toItem;
        Metrics = ZeroShotMetricNames.Of(kind);
    }

    private ZeroShotTask(ZeroShotTask task, FewShotContext shots)
        : this(task.Name, task.Kind, task.Columns, task._toItem)
    {
        Groups = task.Groups;
        Description = task.Description;
        Metrics = task.Metrics;
        ChoiceNames = task.ChoiceNames;
        IsBuiltIn = task.IsBuiltIn;
        _shots = shots;
    }

    /// <summary>The task's name, as a table of results shows it.</summary>
    public string Name { get; }

    /// <summary>What is asked of the model.</summary>
    public ZeroShotKind Kind { get; }

    /// <summary>The groups whose average the task counts in, the widest first, such as <c>mmlu</c> and <c>mmlu_stem</c>.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>What every context begins with, before the examples; it holds its own line breaks.</summary>
    public string Description { get; init; } = "";

    /// <summary>The columns that the task reads.</summary>
    public IReadOnlyList<ZeroShotColumn> Columns { get; }

    /// <summary>
    /// The metrics that are customary for the task, by the harness's names: <c>acc</c>, <c>acc_norm</c>, <c>perplexity</c>,
    /// <c>word_perplexity</c>, <c>byte_perplexity</c>, <c>bits_per_byte</c>.
    /// </summary>
    public IReadOnlyList<string> Metrics { get; init; }

    /// <summary>
    /// What the choices are called where every row has the same number of them; none where rows differ. They become the slot names of the
    /// scores, and a row with another number of choices is refused.
    /// </summary>
    public IReadOnlyList<string> ChoiceNames { get; init; } = [];

    /// <summary>How many examples come before each question.</summary>
    public int ShotCount => _shots?.Count ?? 0;

    /// <summary>Whether <see cref="ZeroShotTasks.Named"/> gives this task, apart from its examples.</summary>
    internal bool IsBuiltIn { get; init; }

    /// <summary>The examples, or null.</summary>
    internal FewShotContext? Shots => _shots;

    /// <summary>
    /// The same task with examples before each question: the description, then each example's context, a space and its right answer, each
    /// followed by <see cref="FewShotDelimiter"/>, then the question.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Examples come from another part of the data than the questions, <c>train</c> or <c>dev</c>. Where the questions themselves are the
    /// examples, set <paramref name="examplesAreScored"/>: one more example is taken, so that there are <paramref name="count"/> without
    /// the question, as lm-evaluation-harness does it. An example that says what the question says is never shown, whether that is set or
    /// not; the harness may show one that stands in both parts of the data.
    /// </para>
    /// <para>
    /// Sampled examples are those that the harness draws for a task whose data has the same order: Python's draws, one row after the other.
    /// In an example of a <see cref="ZeroShotKind.LastWord"/> task two spaces stand before the word, since there the harness counts the
    /// delimiter to the word and puts another before it.
    /// </para>
    /// </remarks>
    /// <param name="count">How many examples, at least 0 and no more than there are.</param>
    /// <param name="examples">Data with the task's columns; it is read at once.</param>
    /// <param name="sampling">The first ones, or a draw for each question.</param>
    /// <param name="seed">Seeds the draws; the harness's is 1234.</param>
    /// <param name="examplesAreScored">Whether the questions are among the examples.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The count is below 0, there are fewer examples, or a column is missing or of another type.
    /// </exception>
    /// <exception cref="InvalidOperationException">The task has examples already, or scores whole texts, which take none.</exception>
    /// <exception cref="InvalidDataException">A row makes no item of the task; the message names it.</exception>
    public ZeroShotTask FewShot(
        int count, IDataView examples, FewShotSampling sampling = FewShotSampling.FirstN, int seed = 1234, bool examplesAreScored = false)
    {
        ArgumentNullException.ThrowIfNull(examples);
        if (_shots is not null) throw new InvalidOperationException($"Task '{Name}' has examples already: add them to the task without.");
        if (Kind == ZeroShotKind.RollingLogLikelihood)
            throw new InvalidOperationException($"Task '{Name}' scores whole texts, which take no examples.");
        return FewShot(new FewShotContext(this, count, [.. Read(examples, Question)], sampling, seed, examplesAreScored));
    }

    /// <summary>The same task with examples that have been read before.</summary>
    internal ZeroShotTask FewShot(FewShotContext shots) => new(this, shots);

    /// <summary>The items that the rows of data become, read lazily.</summary>
    /// <param name="data">Data with the task's columns.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">A row makes no item of the task; the message names it.</exception>
    public IEnumerable<ZeroShotItem> Items(IDataView data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return Read(data, ToItem);
    }

    /// <summary>The item that a row becomes, with the description and the examples in its contexts.</summary>
    /// <exception cref="InvalidDataException">The row makes no item of the task; the message names it.</exception>
    internal ZeroShotItem ToItem(ZeroShotRow row)
    {
        ZeroShotItem item = Question(row);
        string prefix = Description + _shots?.Before(item, row.Number);
        return prefix.Length == 0 ? item : item with { Contexts = [.. item.Contexts.Select(context => prefix + context)] };
    }

    /// <summary>The item alone, as an example is made of it.</summary>
    private ZeroShotItem Question(ZeroShotRow row)
    {
        ZeroShotItem item = _toItem(row) ?? throw new InvalidDataException($"Task '{Name}' made no item of row {row.Number}.");
        ZeroShotItemCheck.Check(item, Kind, row.Number);
        return item;
    }

    private IEnumerable<ZeroShotItem> Read(IDataView data, Func<ZeroShotRow, ZeroShotItem> read)
    {
        DataViewSchema.Column[] columns = [.. Columns.Select(column => column.Find(data.Schema))];
        return Rows();

        IEnumerable<ZeroShotItem> Rows()
        {
            using DataViewRowCursor cursor = data.GetRowCursor(columns);
            var row = new ZeroShotRow(cursor, Columns);
            while (cursor.MoveNext()) yield return read(row);
        }
    }
}
