using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Creates an estimator that fine-tunes a model on conversations, with the most common arguments.</summary>
    /// <param name="modelPath">The folder of the model to start from, in Hugging Face's layout.</param>
    /// <param name="chatFormat">How conversations become text; null is the format of the model's tokenizer files.</param>
    /// <param name="contextLength">The most tokens in a window, at least 1 and at most the model's context length.</param>
    /// <param name="batchSize">Windows in a batch, at least 1.</param>
    /// <param name="maxSteps">The maximum number of optimizer steps, at least 1.</param>
    /// <param name="learningRate">The learning rate after the warm-up, positive; null is the default of the options.</param>
    /// <exception cref="ArgumentException">An argument is out of its range; the message names it and the range.</exception>
    public FineTuneEstimator FineTune(
        string modelPath, ChatFormat? chatFormat = null, int contextLength = 512, int batchSize = 8, int maxSteps = 500,
        double? learningRate = null) =>
        FineTune(new FineTuneEstimator.Options
        {
            ModelPath = modelPath,
            ChatFormat = chatFormat,
            ContextLength = contextLength,
            BatchSize = batchSize,
            MaxSteps = maxSteps,
            LearningRate = learningRate,
        });

    /// <summary>Creates an estimator that fine-tunes a model on conversations.</summary>
    /// <param name="options">The options of the fine-tuning; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public FineTuneEstimator FineTune(FineTuneEstimator.Options options) => new(_context, options);

    /// <summary>Loads conversations from a file of JSON lines, as rows of <see cref="ConversationRow"/>.</summary>
    /// <remarks>
    /// Each line is an object in one of these layouts, which may be mixed:
    /// <code>
    ///     {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    ///     {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
    ///     {"prompt": "Hi", "completion": "Hello"}
    ///     {"prompt": "Hi", "response": "Hello"}
    ///     {"instruction": "Greet the user.", "input": "Hi", "output": "Hello"}
    /// </code>
    /// A prompt and its completion may also be lists of messages. A field system gives the system turn. All other fields are left out, and
    /// blank lines are skipped. The text is UTF-8, and all rows are read into memory.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is empty, damaged or of another kind, or a line is not a conversation with a turn of the assistant; the message names the
    /// line, counted from 1.
    /// </exception>
    public IDataView LoadConversations(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return _context.Data.LoadFromEnumerable(ConversationFile.Read(path));
    }
}
