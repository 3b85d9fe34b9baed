using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Reversible.Views;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that trains a GPT with reversible layers on a text column.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this trainer, use `mlContext.Reversible().LanguageModel(...)` or `mlContext.Reversible().LanguageModel(Options)`.
///
/// ### Input and output columns
/// The input column must be text. The rows are packed one after the other, each followed by an end-of-text token, and cut into
/// windows. The trained transformer adds these columns:
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
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.Reversible, and one of TorchSharp-cpu, TorchSharp-cuda-windows, TorchSharp-cuda-linux |
/// | Exportable to ONNX | No |
///
/// ### Training algorithm details
/// A pre-LN GPT whose layers follow a [reversible recurrence](https://arxiv.org/abs/2512.02056), trained with AdamW, warm-up
/// and a cosine schedule. The backward pass rebuilds the streams between the layers instead of storing them.
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
    /// <param name="input">Data with the text column; it is read twice where a BPE or character vocabulary is learned.</param>
    /// <returns>The trained model; dispose it to free its native memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or is not text.</exception>
    /// <exception cref="InvalidOperationException">
    /// There are no rows, the text is too short for a window or for the vocabulary asked for, the GPU asked for is missing, or
    /// the loss is not finite any more.
    /// </exception>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public ReversibleLmTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        SchemaErrors.RequireText(input.Schema, _options.TextColumnName, "text");
        using IChannel channel = _host.Start("Training");
        Device device = Devices.Resolve(_options.Device, _context, channel);
        int seed = _options.Seed ?? _host.Rand.Next();

        var texts = TextColumn.Read(input, _options.TextColumnName).Select(Uncancelled);
        LanguageModelTokenizer tokenizer =
            LanguageModelTokenizer.Learn(texts, _options.Tokenization, _options.VocabularySize, _options.CancellationToken);
        using TokenCache tokens = TokenCacheBuilder.Build(texts, tokenizer, "", path: null, _options.CancellationToken);
        var windows = new TokenWindows(
            tokens, _options.ContextLength, _options.ValidationFraction, DocumentBoundaries.PackOver, seed);

        GptConfiguration configuration = ConfigurationFor(tokenizer.VocabularySize);
        LanguageNetwork network = configuration.Build(
            _options.Scheme, _options.EffectiveWayBack, _options.EffectiveArithmetic, _options.Precision, device, seed);
        try
        {
            channel.Info(
                MessageSensitivity.None,
                "{0:N0} parameters, {1:N0} tokens, {2:N0} of them to train on, scheme {3}, way back {4}, arithmetic {5}, on {6}",
                configuration.ParameterCount, tokens.TokenCount, windows.TrainingTokens,
                network.Stack.Scheme, network.Stack.WayBack, network.Stack.Arithmetic, device);
            TrainingMetrics metrics = new TrainingLoop(network, windows, _options, seed, channel).Run();
            return new ReversibleLmTransformer(new LanguageModel(network, tokenizer), ScoreColumns.From(_options), metrics);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaErrors.RequireText(inputSchema, _options.TextColumnName, "text");
        return inputSchema.With(ScoreColumns.From(_options).Schema);
    }

    private GptConfiguration ConfigurationFor(int vocabularySize) => new()
    {
        VocabularySize = vocabularySize,
        ContextLength = _options.ContextLength,
        LayerCount = _options.LayerCount,
        HeadCount = _options.HeadCount,
        Width = _options.Width,
        Activation = _options.Activation,
    };

    private string Uncancelled(string text)
    {
        _options.CancellationToken.ThrowIfCancellationRequested();
        return text;
    }
}
