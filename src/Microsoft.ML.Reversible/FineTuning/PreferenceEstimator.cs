using Microsoft.ML.Data;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that aligns a language model with preferences between pairs of answers.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this estimator, use `mlContext.Reversible().AlignPreferences(...)` or `mlContext.Reversible().AlignPreferences(Options)`.
///
/// ### Input and output columns
/// A row is a prompt and two answers, of which the first is preferred: two columns of text vectors with the roles and the texts of the
/// prompt's turns, or a text column with the prompt, and text columns with the chosen and the rejected answer.
/// `mlContext.Reversible().LoadPreferences` reads such data from JSON lines. The aligned transformer reads conversations, in the columns of
/// roles and texts or in those of the prompt and the chosen answer, and adds these:
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
/// [Direct preference optimization](https://arxiv.org/abs/2305.18290): the loss is small if the model, compared with a reference, makes the
/// chosen answer more likely and the rejected one less. The reference is the model as it is at the start. With `LoraRank` it shares its
/// weights with the trained model; without it is a second copy of the model, which is not trained.
/// ]]></format>
/// </remarks>
public sealed partial class PreferenceEstimator : IEstimator<ReversibleLmTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly Options _options;

    internal PreferenceEstimator(MLContext context, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _context = context;
        _options = (Options)options.Copy();
        _options.Check(Devices.AsksForGpu(_options.Device, context));
        _host = ((IHostEnvironment)context).Register(nameof(PreferenceEstimator));
    }

    /// <summary>Aligns the model; the last pairs are held out for validation.</summary>
    /// <param name="input">Data with the columns of the pairs.</param>
    /// <returns>The aligned model; dispose it to free its native memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A column is missing or has another type, or WarmupSteps or DecaySteps is above the number of steps of MaxEpochs.
    /// </exception>
    /// <exception cref="ArgumentException">An option does not fit the model, or a token cannot be added to the tokenizer.</exception>
    /// <exception cref="InvalidOperationException">
    /// The model has no tokenizer, its context is shorter than ContextLength, there is no pair to learn from, the requested GPU is
    /// missing, the checkpoint belongs to another run, MaxEpochs takes more steps than an int counts, or no step could be taken.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A row is not a prompt of the chat format; or a file of the model, or a checkpoint, is damaged or of an unknown format.
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

    /// <summary>Aligns the model, and evaluates it on other data.</summary>
    /// <param name="input">Data with the columns of the pairs.</param>
    /// <param name="validation">
    /// The pairs that are held out, with the same columns. <see cref="TrainingOptions.ValidationFraction"/> must not be set then.
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
        _options.Preferences.Require(inputSchema);
        return inputSchema.With(ScoreColumns.From(_options).Schema(width: 1));
    }

    private ReversibleLmTransformer Train(IDataView input, IDataView? validation)
    {
        using var modes = AutogradModes.Default();
        _options.Preferences.Require(input.Schema);
        if (validation is not null) _options.Preferences.Require(validation.Schema);
        using IChannel channel = _host.Start("Alignment");
        TieOrder.Warn(_options.Tokenizer, channel);
        using var run = new TrainingRun(_options, _context, _host, channel, [new("Weights", "of a trained model")]);
        FineTuneStart start = FineTuneStart.Make(_options, run.Checkpoint, run.Device, run.Seed, withReference: true);
        using LanguageNetwork reference = start.Reference!;
        try
        {
            using PreferencePairs pairs = PreferenceData.Read(input, validation, _options, start, run.Seed);
            using var task = new PreferenceTask(start, pairs, _options);
            var report = new PreferenceReport(
                start.Format.Name, pairs.TrainingCount, pairs.Count - pairs.TrainingCount, pairs.TokenCount, pairs.AnswerTokenCount,
                pairs.Truncated, pairs.Dropped, task.TrainableParameterCount, task.ParameterCount);
            channel.Info(MessageSensitivity.None, "{0}", report);
            _options.PairProgress?.Report(report);
            var metrics = new LanguageMetrics(run.Train(task));
            ScoreColumns columns = ScoreColumns.From(_options) with
            {
                Text = _options.Columns.Names[0], Rows = new ConversationRows(_options.Columns, start.Format),
            };
            return new ReversibleLmTransformer(_context, start.Model, columns, metrics);
        }
        catch
        {
            start.Abandon();
            throw;
        }
    }
}
