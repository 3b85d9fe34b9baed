using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A zero-shot task: turns each row of a data set into contexts and continuations for a model to score, and says which one is right.
/// </summary>
/// <remarks>
/// <see cref="ZeroShotTasks"/> has the tasks of lm-evaluation-harness. A custom task has a name, columns and a function:
/// <code>
/// var task = new ZeroShotTask(
///     "trivia", ZeroShotKind.MultipleChoice,
///     [ZeroShotColumn.Text("question"), ZeroShotColumn.Texts("choices"), ZeroShotColumn.Integer("label")],
///     row => ZeroShotItem.MultipleChoice($"Question: {row.Text("question")}\nAnswer:", row.Texts("choices"), row.Integer("label")));
/// </code>
/// A task is immutable and safe to use from several threads.
/// </remarks>
public sealed partial class ZeroShotTask
{
    /// <summary>The text between a context and its continuation: a space.</summary>
    public const string Delimiter = " ";

    /// <summary>The text after each example of a few-shot context: an empty line.</summary>
    public const string FewShotDelimiter = "\n\n";

    private readonly Func<ZeroShotRow, ZeroShotItem> _toItem;
    private readonly FewShotContext? _shots;

    /// <summary>Creates a task.</summary>
    /// <param name="name">The name, such as <c>arc_easy</c>.</param>
    /// <param name="kind">What is scored, and what counts as right.</param>
    /// <param name="columns">The columns that <paramref name="toItem"/> reads, at least one.</param>
    /// <param name="toItem">Converts a row to an item. It is called from several threads, each with its own row.</param>
    /// <exception cref="ArgumentException">The name is empty, or there is no column.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not a value of its enum.</exception>
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
        Benchmark = task.Benchmark;
        _shots = shots;
    }

    /// <summary>The task's name, which tables of results show.</summary>
    public string Name { get; }

    /// <summary>What is scored, and what counts as right.</summary>
    public ZeroShotKind Kind { get; }

    /// <summary>The groups whose averages include the task, the largest first, such as <c>mmlu</c> and <c>mmlu_stem</c>.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The beginning of every context, before the examples, with its line breaks.</summary>
    public string Description { get; init; } = "";

    /// <summary>The columns that the task reads.</summary>
    public IReadOnlyList<ZeroShotColumn> Columns { get; }

    /// <summary>
    /// The metrics that are usually reported for the task, by the harness's names: <c>acc</c>, <c>acc_norm</c>, <c>perplexity</c>,
    /// <c>word_perplexity</c>, <c>byte_perplexity</c>, <c>bits_per_byte</c>.
    /// </summary>
    public IReadOnlyList<string> Metrics { get; init; }

    /// <summary>
    /// The names of the choices, if every row has the same number of them; otherwise empty. They become the slot names of the scores. A row
    /// with another number of choices is an error.
    /// </summary>
    public IReadOnlyList<string> ChoiceNames { get; init; } = [];

    /// <summary>The number of examples before each question.</summary>
    public int ShotCount => _shots?.Count ?? 0;

    /// <summary>The benchmark of a task of <see cref="ZeroShotTasks"/>; null for a task of the user's own.</summary>
    internal Benchmark? Benchmark { get; init; }

    /// <summary>The examples, or null.</summary>
    internal FewShotContext? Shots => _shots;

    /// <summary>
    /// Returns the task with examples before each question. A context is then the description, the context and the right answer of each
    /// example with <see cref="FewShotDelimiter"/> after it, and the question.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Examples usually come from another part of the data than the questions, <c>train</c> or <c>dev</c>. If the questions themselves are
    /// the examples, set <paramref name="examplesAreScored"/>: as in lm-evaluation-harness, one more example is taken, so that <paramref
    /// name="count"/> remain without the question. An example that equals the question is never shown, whatever the setting; the harness
    /// may show it if it is in both parts of the data.
    /// </para>
    /// <para>
    /// Sampled examples are those that the harness draws, with Python's generator and row after row, for data in the same order. An example
    /// of a <see cref="ZeroShotKind.LastWord"/> task has two spaces before the word, because the harness includes the delimiter in the word
    /// and then adds another.
    /// </para>
    /// </remarks>
    /// <param name="count">The number of examples, at least 0 and at most the number of rows of <paramref name="examples"/>.</param>
    /// <param name="examples">Data with the task's columns. It is read immediately.</param>
    /// <param name="sampling">The first examples, or a draw for each question.</param>
    /// <param name="seed">The seed of the draws; the harness's is 1234.</param>
    /// <param name="examplesAreScored">Whether the questions are among the examples.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The count is below 0, there are fewer examples, or a column is missing or of another type.
    /// </exception>
    /// <exception cref="InvalidOperationException">The task already has examples, or scores whole texts, which take none.</exception>
    /// <exception cref="InvalidDataException">A row does not give a valid item; the message names it.</exception>
    public ZeroShotTask FewShot(
        int count, IDataView examples, FewShotSampling sampling = FewShotSampling.FirstN, int seed = 1234, bool examplesAreScored = false)
    {
        ArgumentNullException.ThrowIfNull(examples);
        if (_shots is not null) throw new InvalidOperationException($"Task '{Name}' already has examples: add them to the original task.");
        if (Kind == ZeroShotKind.RollingLogLikelihood)
            throw new InvalidOperationException($"Task '{Name}' scores whole texts, which take no examples.");
        return FewShot(new FewShotContext(this, count, [.. Read(examples, Question)], sampling, seed, examplesAreScored));
    }

    /// <summary>Returns the task with examples that were read before.</summary>
    internal ZeroShotTask FewShot(FewShotContext shots) => new(this, shots);

    /// <summary>Converts the rows of data to items, lazily.</summary>
    /// <param name="data">Data with the task's columns.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">A row does not give a valid item; the message names it.</exception>
    public IEnumerable<ZeroShotItem> Items(IDataView data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return Read(data, ToItem);
    }

    /// <summary>Converts a row to an item, with the description and the examples in its contexts.</summary>
    /// <exception cref="InvalidDataException">The row does not give a valid item; the message names it.</exception>
    internal ZeroShotItem ToItem(ZeroShotRow row)
    {
        ZeroShotItem item = Question(row);
        string prefix = Description + _shots?.Before(item, row.Number);
        return prefix.Length == 0 ? item : item with { Contexts = [.. item.Contexts.Select(context => prefix + context)] };
    }

    /// <summary>Converts a row to an item without description and examples. Examples are made from such items.</summary>
    private ZeroShotItem Question(ZeroShotRow row)
    {
        ZeroShotItem item = _toItem(row) ?? throw new InvalidDataException($"Task '{Name}' returned no item for row {row.Number}.");
        item.Check(Kind, row.Number);
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

/// <summary>Which texts of a zero-shot task's items are scored, and what counts as right.</summary>
public enum ZeroShotKind
{
    /// <summary>One context and several continuations. The most likely continuation is the answer.</summary>
    MultipleChoice,

    /// <summary>Several contexts and one continuation. The context that makes it most likely is the answer (WinoGrande).</summary>
    MultipleInput,

    /// <summary>One context and one continuation, which is right if greedy decoding would generate it (LAMBADA).</summary>
    LastWord,

    /// <summary>A whole text without a context, for perplexities per word and per byte (wikitext).</summary>
    RollingLogLikelihood,
}

/// <summary>How the examples before a question are chosen.</summary>
public enum FewShotSampling
{
    /// <summary>The first examples, the same for every question.</summary>
    FirstN,

    /// <summary>A random draw for each question, which depends on the seed and the question's row number.</summary>
    Sampled,
}
