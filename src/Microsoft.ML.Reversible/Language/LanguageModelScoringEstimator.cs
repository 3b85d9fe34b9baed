using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that applies a language model that exists to a text column.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this estimator, use `mlContext.Reversible().ApplyLanguageModel(model)` or
/// `mlContext.Reversible().ApplyLanguageModel(model, Options)`. Fit does not train and reads no row.
///
/// ### Input and output columns
/// The input column must be text, or vectors of token ids (Int32 or UInt32). Each output column is added if the options name it:
///
/// | Output column name | Column type | Description |
/// | -- | -- | -- |
/// | `LogLikelihood` | Single | The log-likelihood of the row's text in nats, summed over its tokens. |
/// | `TokenCount` | Int32, or Single by option | The number of tokens of the row's text. |
/// | `Perplexity` | Single | e to the power of minus the mean log-likelihood. |
/// | `EmbeddingColumnName` of the options | Vector of Single | The output of the final norm, pooled over the text's tokens. |
///
/// An empty or missing text has the log-likelihood 0, no tokens, the perplexity 1 and the embedding of the token for an empty context. The
/// values are finite for any text, except that a perplexity above 3.4e38 is infinite. If the model's logits or hidden states are not
/// finite, reading a row throws an `InvalidOperationException`.
///
/// ### Estimator characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Is caching required in front of a trainer? | Only for more than 256 MiB of values, which the view remembers |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class LanguageModelScoringEstimator : IEstimator<ReversibleLmTransformer>
{
    private readonly ReversibleLmTransformer _model;
    private readonly ScoreColumns _columns;

    internal LanguageModelScoringEstimator(ReversibleLmTransformer model, Options options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        model.Model.ThrowIfDisposed();
        _model = model;
        _columns = options.ToColumns();
    }

    /// <summary>Creates the transformer. No row is read.</summary>
    /// <param name="input">Data with the column.</param>
    /// <returns>A transformer that uses the model without owning it: disposing it frees nothing.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or is neither text nor token ids.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public ReversibleLmTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        SchemaErrors.RequireTextOrTokens(input.Schema, _columns.Text);
        return _model.WithColumns(_columns);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaErrors.RequireTextOrTokens(inputSchema, _columns.Text);
        return inputSchema.With(_columns.Schema(_model.Configuration.Width));
    }

    /// <summary>The columns that the estimator reads and adds.</summary>
    public sealed class Options
    {
        /// <summary>The input column: text, or vectors of token ids (Int32 or UInt32).</summary>
        public string TextColumnName { get; set; } = "Text";

        /// <summary>The column with the log-likelihood of a row's text, nats; null for none.</summary>
        public string? LogLikelihoodColumnName { get; set; } = "LogLikelihood";

        /// <summary>The column with the number of tokens of a row's text; null for none.</summary>
        public string? TokenCountColumnName { get; set; } = "TokenCount";

        /// <summary>
        /// The type of <see cref="TokenCountColumnName"/>: <see cref="DataKind.Int32"/>, or <see cref="DataKind.Single"/> for
        /// <c>Concatenate</c> with the other columns.
        /// </summary>
        public DataKind TokenCountKind { get; set; } = DataKind.Int32;

        /// <summary>The column with the perplexity of a row's text; null for none.</summary>
        public string? PerplexityColumnName { get; set; } = "Perplexity";

        /// <summary>The column with the embedding of a row's text, a vector of the network's width; null for none.</summary>
        public string? EmbeddingColumnName { get; set; }

        /// <summary>How the embedding is made of the tokens' hidden states.</summary>
        public EmbeddingPooling EmbeddingPooling { get; set; } = EmbeddingPooling.Mean;

        /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
        internal void Check()
        {
            Named(TextColumnName, nameof(TextColumnName));
            string[] names =
            [
                .. Output(LogLikelihoodColumnName, nameof(LogLikelihoodColumnName)),
                .. Output(TokenCountColumnName, nameof(TokenCountColumnName)),
                .. Output(PerplexityColumnName, nameof(PerplexityColumnName)),
                .. Output(EmbeddingColumnName, nameof(EmbeddingColumnName)),
            ];
            if (names.Length == 0)
                throw new ArgumentException(
                    $"No output column is named: set {nameof(LogLikelihoodColumnName)}, {nameof(TokenCountColumnName)}, " +
                    $"{nameof(PerplexityColumnName)} or {nameof(EmbeddingColumnName)}.");
            if (names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new ArgumentException($"The output columns must have different names, but '{twice.Key}' occurs twice.");
            Require(
                TokenCountKind is DataKind.Int32 or DataKind.Single, nameof(TokenCountKind), TokenCountKind,
                $"{nameof(DataKind.Int32)} or {nameof(DataKind.Single)}");
            Defined(EmbeddingPooling, nameof(EmbeddingPooling));
            UnusedOption.RefuseChanged(this, new Options(), Unused());
        }

        internal ScoreColumns ToColumns() => new(
            TextColumnName, LogLikelihoodColumnName, TokenCountColumnName, PerplexityColumnName, EmbeddingColumnName,
            TokenCountKind == DataKind.Single, EmbeddingPooling);

        private IEnumerable<UnusedOption> Unused()
        {
            if (TokenCountColumnName is null)
                yield return new(nameof(TokenCountKind), "without a TokenCountColumnName", "set TokenCountColumnName");
            if (EmbeddingColumnName is null)
                yield return new(nameof(EmbeddingPooling), "without an EmbeddingColumnName", "set EmbeddingColumnName");
        }

        private static IEnumerable<string> Output(string? name, string option)
        {
            if (name is null) return [];
            Named(name, option);
            return [name];
        }
    }
}
