using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Creates an estimator that aligns a model with preferences, with the most common arguments.</summary>
    /// <param name="modelPath">The folder of the model to start from, in Hugging Face's layout.</param>
    /// <param name="chatFormat">How conversations become text; null is the format of the model's tokenizer files.</param>
    /// <param name="beta">How strongly the model is held to the reference, positive.</param>
    /// <param name="contextLength">The most tokens of a prompt with its answer, at least 1 and at most the model's context length.</param>
    /// <param name="batchSize">Pairs in a batch, at least 1.</param>
    /// <param name="maxSteps">The maximum number of optimizer steps, at least 1.</param>
    /// <param name="learningRate">The learning rate after the warm-up, positive; null is the default of the options.</param>
    /// <exception cref="ArgumentException">An argument is out of its range; the message names it and the range.</exception>
    public PreferenceEstimator AlignPreferences(
        string modelPath, ChatFormat? chatFormat = null, double beta = 0.1, int contextLength = 512, int batchSize = 4, int maxSteps = 500,
        double? learningRate = null) =>
        AlignPreferences(new PreferenceEstimator.Options
        {
            ModelPath = modelPath,
            ChatFormat = chatFormat,
            Beta = beta,
            ContextLength = contextLength,
            BatchSize = batchSize,
            MaxSteps = maxSteps,
            LearningRate = learningRate,
        });

    /// <summary>Creates an estimator that aligns a model with preferences.</summary>
    /// <param name="options">The options of the alignment; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public PreferenceEstimator AlignPreferences(PreferenceEstimator.Options options) => new(_context, options);

    /// <summary>Loads pairs of answers from a file of JSON lines, as rows of <see cref="PreferenceRow"/>.</summary>
    /// <remarks>
    /// Each line is an object in one of these layouts, which may be mixed:
    /// <code>
    ///     {"prompt": "Hi", "chosen": "Hello", "rejected": "Go away"}
    ///     {"prompt": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Hello"}], "rejected": [...]}
    ///     {"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "rejected": [...]}
    /// </code>
    /// In the last, chosen and rejected are whole conversations that differ in the last turn alone; a prompt that is text is left out then.
    /// A field system gives the system turn. All other fields are left out, and blank lines are skipped. The text is UTF-8, and all rows
    /// are read into memory.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is empty, damaged or of another kind, or a line has no prompt or no two answers; the message names the line, counted from
    /// 1.
    /// </exception>
    public IDataView LoadPreferences(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return _context.Data.LoadFromEnumerable(PreferenceFile.Read(path));
    }
}
