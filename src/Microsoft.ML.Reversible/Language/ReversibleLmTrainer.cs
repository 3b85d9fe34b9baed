using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that trains a transformer with reversible layers on a text column.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this trainer, use `mlContext.Reversible().LanguageModel(...)` or `mlContext.Reversible().LanguageModel(Options)`.
///
/// ### Input and output columns
/// The input column must be text, or vectors of token ids (Int32 or UInt32). The rows are packed one after another, each followed by an
/// end-of-text token, and cut into windows. The trained transformer adds these columns:
///
/// | Output column name | Column type | Description |
/// | -- | -- | -- |
/// | `LogLikelihood` | Single | The log-likelihood of the row's text in nats, summed over its tokens. |
/// | `TokenCount` | Int32 | The number of tokens of the row's text. |
/// | `Perplexity` | Single | e to the power of minus the mean log-likelihood; 1 for an empty text. |
///
/// The columns are computed when they are read, in batches. The view remembers the values of up to 256 MiB of rows for the next pass.
/// For more rows, put `AppendCacheCheckpoint` between this trainer and one that reads the columns several times.
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
/// A transformer of one of several families whose layers follow a [reversible recurrence](https://arxiv.org/abs/2512.02056), trained with
/// AdamW. The backward pass rebuilds the hidden states between the layers instead of storing them.
/// ]]></format>
/// </remarks>
public sealed partial class ReversibleLmTrainer : IEstimator<ReversibleLmTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly Options _options;

    internal ReversibleLmTrainer(MLContext context, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _context = context;
        _options = (Options)options.Copy();
        _options.Check(Devices.AsksForGpu(_options.Device, context));
        _host = ((IHostEnvironment)context).Register(nameof(ReversibleLmTrainer));
    }

    /// <summary>Trains a model.</summary>
    /// <param name="input">
    /// Data with the column. It is read twice if a BPE or character vocabulary is learned, or if the token cache was made from other data.
    /// </param>
    /// <returns>The trained model; dispose it to free its native memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The column is missing, is neither text nor token ids, or has an id outside the vocabulary, VocabularySize is below 257 for a text
    /// column, or WarmupSteps or DecaySteps is above the number of steps of MaxEpochs.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// A row has a character that the tokenizer cannot represent, or an option is set that has no effect for the column's type.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There are no rows, the text is too short for a window or for the requested vocabulary size, the requested GPU is missing, the
    /// checkpoint belongs to another run, MaxEpochs takes more steps than an int counts, or too many steps in a row, or all of them, had
    /// gradients that were not finite.
    /// </exception>
    /// <exception cref="InvalidDataException">A checkpoint, the folder to start from or a tokenizer file is damaged.</exception>
    /// <exception cref="IOException">
    /// Another run uses the checkpoint folder, or a file cannot be written, for example because the disk is full.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">Writing a file is not permitted.</exception>
    /// <exception cref="FileNotFoundException">A file of the folder to start from, or of the tokenizer, is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder to start from does not exist.</exception>
    /// <exception cref="OverflowException">A value is outside the range of exact arithmetic.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public ReversibleLmTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var modes = AutogradModes.Default();
        bool isText = SchemaErrors.RequireTextOrTokens(input.Schema, _options.TextColumnName).Type is TextDataViewType;
        _options.CheckColumn(isText);
        using IChannel channel = _host.Start("Training");
        TieOrder.Warn(_options.Tokenizer, channel);
        using var run = new TrainingRun(_options, _context, _host, channel, _options.KnownFingerprint(isText));
        LanguageStart.RequireWritableCache(_options);
        using var start = LanguageStart.Make(input, _options, run.Checkpoint ?? _options.PretrainedFolder, run.Device, run.Seed);
        try
        {
            using var task = new LanguageModelingTask(
                start.Model, _options.Windows(start.Tokens, run.Seed), _options, _options.LabelSmoothing);
            var metrics = new LanguageMetrics(run.Train(task));
            return new ReversibleLmTransformer(_context, start.Model, ScoreColumns.From(_options), metrics);
        }
        catch
        {
            start.Abandon();
            throw;
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaErrors.RequireTextOrTokens(inputSchema, _options.TextColumnName);
        return inputSchema.With(ScoreColumns.From(_options).Schema(width: 1));
    }
}
