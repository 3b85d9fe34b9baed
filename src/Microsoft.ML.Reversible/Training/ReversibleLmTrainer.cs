using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Reversible.Views;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that trains a transformer with reversible layers on a text column.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this trainer, use `mlContext.Reversible().LanguageModel(...)` or `mlContext.Reversible().LanguageModel(Options)`.
///
/// ### Input and output columns
/// The input column must be text, or vectors of token ids (Int32 or UInt32). The rows are packed one after the other, each followed by an
/// end-of-text token, and cut into windows. The trained transformer adds these columns:
///
/// | Output column name | Column type | Description |
/// | -- | -- | -- |
/// | `LogLikelihood` | Single | The log-likelihood of the row's text in nats, summed over its tokens. |
/// | `TokenCount` | Int32 | The number of tokens of the row's text. |
/// | `Perplexity` | Single | e to the power of minus the mean log-likelihood; NaN for an empty text. |
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
/// A transformer of the GPT-2 or Llama family whose layers follow a [reversible recurrence](https://arxiv.org/abs/2512.02056), trained with
/// AdamW. The backward pass rebuilds the streams between the layers instead of storing them.
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
        _options = options.Copy();
        _options.Check();
        _host = ((IHostEnvironment)context).Register(nameof(ReversibleLmTrainer));
    }

    /// <summary>Trains a model.</summary>
    /// <param name="input">
    /// Data with the column; it is read once more where a BPE or character vocabulary is learned, and where a token cache was made of
    /// other data.
    /// </param>
    /// <returns>The trained model; dispose it to free its native memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The column is missing, is neither text nor token ids, or has an id outside the vocabulary.
    /// </exception>
    /// <exception cref="ArgumentException">A row has a character that the tokenizer cannot represent.</exception>
    /// <exception cref="InvalidOperationException">
    /// There are no rows, the text is too short for a window or for the vocabulary asked for, the GPU asked for is missing, the checkpoint
    /// is of another run, or too many steps in a row, or all of them, had gradients that were not finite.
    /// </exception>
    /// <exception cref="InvalidDataException">A checkpoint, the folder to start from or a tokenizer file is damaged.</exception>
    /// <exception cref="IOException">
    /// Another run holds the folder of checkpoints, or a file cannot be written, because the disk is full for instance.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">A file must not be written.</exception>
    /// <exception cref="FileNotFoundException">A file of the folder to start from, or of the tokenizer, is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no folder to start from.</exception>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public ReversibleLmTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        bool isText = SchemaErrors.RequireTextOrTokens(input.Schema, _options.TextColumnName).Type is TextDataViewType;
        using IChannel channel = _host.Start("Training");
        Device device = Devices.Resolve(_options.Device, _context, channel);
        using RunFolder? folder = _options.CheckpointFolder is { } path ? RunFolder.Open(path) : null;
        (string Path, RunState State)? resumed = folder is null
            ? null
            : RunCheckpoint.Find(
                folder, _options.Resume, _options.DamagedCheckpoint, text => channel.Warning(MessageSensitivity.None, "{0}", text));
        int seed = _options.Seed ?? resumed?.State.Identity.Seed ?? _host.Rand.Next();
        // What is wrong with these shows before the data is read, which may take hours.
        RunIdentity identity = RunIdentity.Of(_options, isText, seed);
        if (resumed is { } found)
        {
            found.State.Identity.Require(identity, found.Path);
            found.State.RequirePlaceIn(_options, found.Path);
        }
        if (_options.TokenCachePath is { } cache && !File.Exists(cache)) AtomicFile.RequireWritable(cache);
        if (_options.MetricsPath is { } metrics) MetricsLog.RequireWritable(metrics);

        using var start = TrainingStart.Make(input, _options, resumed?.Path ?? _options.PretrainedFolder, device, seed);
        try
        {
            return Train(start, folder, resumed, identity, channel);
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
        return inputSchema.With(ScoreColumns.From(_options).Schema);
    }

    private ReversibleLmTransformer Train(
        TrainingStart start, RunFolder? folder, (string Path, RunState State)? resumed, RunIdentity known, IChannel channel)
    {
        LanguageNetwork network = start.Model.Network;
        RunIdentity identity = known.With(network, start.Tokens);
        if (resumed is { } found) found.State.Identity.Require(identity, found.Path);
        RunState state = resumed?.State ?? new RunState { Identity = identity };
        int? resumedFrom = resumed?.State.Step;
        var windows = new TokenWindows(
            start.Tokens, _options.ContextLength, _options.ValidationFraction, _options.DocumentBoundaries, identity.Seed);
        channel.Info(
            MessageSensitivity.None,
            "{0:N0} parameters, {1:N0} tokens, {2:N0} of them to train on, scheme {3}, way back {4}, arithmetic {5}, on {6}, from step {7}",
            network.Configuration.ParameterCount, start.Tokens.TokenCount, windows.TrainingTokens,
            network.Stack.Scheme, network.Stack.WayBack, network.Stack.Arithmetic, network.Device, state.Step);

        using var output = new RunOutput(_options, folder, state.Step, channel);
        using var loop = new TrainingLoop(start.Model, windows, _options, state, resumed?.Path, output);
        loop.Run();
        if (_options.ReturnBest) loop.TakeBest();
        var metrics = new TrainingMetrics(state.History, state.ValidationTokens, state.Elapsed)
        {
            ResumedFrom = resumedFrom,
            ModelStep = _options.ReturnBest && state.Best is { } best ? best.Step : state.Step,
        };
        return new ReversibleLmTransformer(start.Model, ScoreColumns.From(_options), metrics);
    }
}
