using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that fine-tunes a trained language model on conversations.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this estimator, use `mlContext.Reversible().FineTune(...)` or `mlContext.Reversible().FineTune(Options)`.
///
/// ### Input and output columns
/// A row is a conversation: two columns of text vectors with the roles and the texts of its turns, or text columns with a prompt and a
/// response. `mlContext.Reversible().LoadConversations` reads such data from JSON lines. The fine-tuned transformer reads the same columns
/// and adds these:
///
/// | Output column name | Column type | Description |
/// | -- | -- | -- |
/// | `LogLikelihood` | Single | The log-likelihood of the assistant's tokens in nats, summed. |
/// | `TokenCount` | Int32 | The number of the assistant's tokens, with those that end its turns. |
/// | `Perplexity` | Single | e to the power of minus the mean log-likelihood; 1 without a token of the assistant. |
///
/// ### Trainer characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Language modelling |
/// | Is normalization required? | No |
/// | Is caching required? | No |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.Reversible, and TorchSharp-cpu, -cuda-windows or -cuda-linux |
/// | Exportable to ONNX | No |
///
/// ### Training algorithm details
/// The chat format turns a conversation into tokens. The loss is the mean cross-entropy of the assistant's tokens and of the tokens that
/// end its turns; all others are only context. With `LoraRank`, the model is frozen and an adapter of
/// [low-rank matrices](https://arxiv.org/abs/2106.09685) is trained.
/// ]]></format>
/// </remarks>
public sealed partial class FineTuneEstimator : IEstimator<ReversibleLmTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly Options _options;

    internal FineTuneEstimator(MLContext context, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options is PreferenceEstimator.Options)
            throw new ArgumentException(
                "The options are those of an alignment with preferences, which a fine-tuning would not read all of. Give them to " +
                "AlignPreferences, or make options of a FineTuneEstimator.", nameof(options));
        _context = context;
        _options = (Options)options.Copy();
        _options.Check(Devices.AsksForGpu(_options.Device, context));
        _host = ((IHostEnvironment)context).Register(nameof(FineTuneEstimator));
    }

    /// <summary>Fine-tunes the model; the last conversations are held out for validation.</summary>
    /// <param name="input">Data with the columns of the conversations.</param>
    /// <returns>
    /// The fine-tuned model, with its <see cref="ReversibleLmTransformer.FineTuning"/> report; dispose it to free its native memory.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A column is missing or has another type, or WarmupSteps or DecaySteps is above the number of steps of MaxEpochs.
    /// </exception>
    /// <exception cref="ArgumentException">An option does not fit the model, or a token cannot be added to the tokenizer.</exception>
    /// <exception cref="InvalidOperationException">
    /// The model has no tokenizer, its context is shorter than ContextLength, there is no conversation to learn from, the requested GPU is
    /// missing, the checkpoint belongs to another run, MaxEpochs takes more steps than an int counts, or no step could be taken.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A row is not a conversation of the chat format; or a file of the model, or a checkpoint, is damaged or of an unknown format.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The chat format cannot be found in the model's files, or a token is missing from a tokenizer that cannot have added tokens.
    /// </exception>
    /// <exception cref="IOException">Another run uses the checkpoint folder, or a file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing a file is not permitted.</exception>
    /// <exception cref="FileNotFoundException">A file of the model, or of the tokenizer, is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder of the model does not exist.</exception>
    /// <exception cref="OverflowException">A value is outside the range of exact arithmetic.</exception>
    /// <exception cref="ObjectDisposedException">The model to start from has been disposed.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public ReversibleLmTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Train(input, validation: null);
    }

    /// <summary>Fine-tunes the model, and evaluates it on other data.</summary>
    /// <param name="input">Data with the columns of the conversations.</param>
    /// <param name="validation">
    /// The conversations that are held out, with the same columns. <see cref="TrainingOptions.ValidationFraction"/> must not be set then.
    /// </param>
    /// <exception cref="ArgumentException">
    /// ValidationFraction is set, an option does not fit the model, or a token cannot be added to the tokenizer.
    /// </exception>
    /// <inheritdoc cref="Fit(IDataView)"/>
    public ReversibleLmTransformer Fit(IDataView input, IDataView validation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(validation);
        UnusedOption.RefuseChanged(
            _options, new Options(),
            [new(nameof(Options.ValidationFraction), "if Fit gets validation data", "give Fit one view of data")]);
        return Train(input, validation);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _options.Columns.Require(inputSchema);
        return inputSchema.With(ScoreColumns.From(_options).Schema(width: 1));
    }

    private ReversibleLmTransformer Train(IDataView input, IDataView? validation)
    {
        using var modes = AutogradModes.Default();
        _options.Columns.Require(input.Schema);
        if (validation is not null) _options.Columns.Require(validation.Schema);
        using IChannel channel = _host.Start("Fine-tuning");
        TieOrder.Warn(_options.Tokenizer, channel);
        using var run = new TrainingRun(_options, _context, _host, channel, [new("Weights", "of a trained model")]);
        FineTuneStart start = FineTuneStart.Make(_options, run.Checkpoint, run.Device, run.Seed);
        try
        {
            using FineTuneData data = FineTuneData.Read(input, validation, _options, start);
            ConversationWindows windows = data.Windows(_options, start, run.Seed);
            using var task = new FineTuneTask(start, windows, _options);
            FineTuneReport report = data.Report(start, windows, task.TrainableParameterCount, task.ParameterCount);
            channel.Info(MessageSensitivity.None, "{0}", report);
            _options.ReportProgress?.Report(report);
            var metrics = new LanguageMetrics(run.Train(task));
            ScoreColumns columns = ScoreColumns.From(_options) with
            {
                Text = _options.Columns.Names[0], Rows = new ConversationRows(_options.Columns, start.Format),
            };
            return new ReversibleLmTransformer(_context, start.Model, columns, metrics) { FineTuning = report };
        }
        catch
        {
            start.Abandon();
            throw;
        }
    }
}
