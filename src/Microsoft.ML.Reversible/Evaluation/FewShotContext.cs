using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The examples of a few-shot task, and their text before a question.</summary>
internal sealed class FewShotContext
{
    private readonly IReadOnlyList<ZeroShotItem> _examples;
    private readonly string[] _texts;
    private readonly FewShotDraws? _draws;

    /// <param name="task">The task without examples.</param>
    /// <param name="count">The number of examples before a question.</param>
    /// <param name="examples">The examples, as items without description.</param>
    /// <param name="sampling">How examples are chosen.</param>
    /// <param name="seed">The seed of the draws.</param>
    /// <param name="examplesAreScored">Whether the questions are among the examples.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are too few examples, or the sampling is not a value of its enum.</exception>
    public FewShotContext(
        ZeroShotTask task, int count, IReadOnlyList<ZeroShotItem> examples, FewShotSampling sampling, int seed, bool examplesAreScored)
    {
        if (!Enum.IsDefined(sampling))
            throw new ArgumentOutOfRangeException(
                nameof(sampling), sampling, $"sampling must be one of {string.Join(", ", Enum.GetNames<FewShotSampling>())}.");
        int drawn = count > 0 && examplesAreScored ? count + 1 : count;
        if (count < 0 || drawn > examples.Count)
            throw new ArgumentOutOfRangeException(
                nameof(count), count, $"count must be at least 0 and at most the {examples.Count} examples of task '{task.Name}'" +
                (examplesAreScored ? ", not counting the question itself." : "."));
        Count = count;
        Sampling = sampling;
        Seed = seed;
        ExamplesAreScored = examplesAreScored;
        _examples = sampling == FewShotSampling.FirstN ? [.. examples.Take(drawn)] : examples;
        _texts = [.. _examples.Select(example => Text(example, task.Kind))];
        _draws = sampling == FewShotSampling.Sampled ? new FewShotDraws(seed, examples.Count, drawn) : null;
    }

    public int Count { get; }

    public FewShotSampling Sampling { get; }

    public int Seed { get; }

    public bool ExamplesAreScored { get; }

    /// <summary>The examples that may be used.</summary>
    public IReadOnlyList<ZeroShotItem> Examples => _examples;

    /// <summary>Returns the examples' text, which comes between the description and a question.</summary>
    /// <param name="item">The question, without description. Examples that equal it are left out.</param>
    /// <param name="row">Its row number, on which the draw depends.</param>
    public string Before(ZeroShotItem item, long row)
    {
        var text = new StringBuilder();
        int taken = 0;
        foreach (int i in _draws?.For(row) ?? Enumerable.Range(0, _examples.Count))
        {
            if (taken == Count) break;
            if (_examples[i].Equals(item)) continue;
            text.Append(_texts[i]);
            taken++;
        }
        return text.ToString();
    }

    private static string Text(ZeroShotItem example, ZeroShotKind kind)
    {
        string context = example.Contexts[example.Contexts.Count == 1 ? 0 : example.Gold];
        string answer = example.Continuations[example.Continuations.Count == 1 ? 0 : example.Gold];
        string delimiter = kind == ZeroShotKind.LastWord ? ZeroShotTask.Delimiter + ZeroShotTask.Delimiter : ZeroShotTask.Delimiter;
        return context + delimiter + answer + ZeroShotTask.FewShotDelimiter;
    }
}

/// <summary>
/// Draws the examples of each row. As in lm-evaluation-harness, one random generator draws for all rows in their order. The draws of
/// earlier rows are stored, so rows may be requested in any order and from several threads.
/// </summary>
internal sealed class FewShotDraws(int seed, int exampleCount, int count)
{
    /// <summary>
    /// The maximum row number, far more than any benchmark has. A larger one is an error, and draws up to it would fill the memory.
    /// </summary>
    private const long MostRows = 10_000_000;

    private readonly PythonRandom _random = new(seed);
    private readonly List<int[]> _drawn = [];

    /// <summary>Returns the indices of a row's examples, in order.</summary>
    /// <exception cref="InvalidDataException">There are too many rows.</exception>
    public int[] For(long row)
    {
        if (row is < 0 or >= MostRows)
            throw new InvalidDataException($"Row {row} is beyond the maximum of {MostRows} rows. Evaluate the data in parts.");
        lock (_drawn)
        {
            while (_drawn.Count <= row) _drawn.Add(_random.Sample(exampleCount, count));
            return _drawn[(int)row];
        }
    }
}
