using System.Text.Json.Serialization;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The names of the columns that a language model reads and adds; null for one that it does not add.</summary>
/// <param name="Text">The column of text or token ids; the first of the columns of <see cref="Rows"/>.</param>
/// <param name="LogLikelihood">The column of log-likelihoods.</param>
/// <param name="TokenCount">The column of token counts.</param>
/// <param name="Perplexity">The column of perplexities.</param>
/// <param name="Embedding">The column of embeddings.</param>
/// <param name="TokenCountIsSingle">Whether token counts are Single and not Int32.</param>
/// <param name="Pooling">How an embedding is made of the tokens' hidden states.</param>
internal sealed record ScoreColumns(
    string Text, string? LogLikelihood, string? TokenCount, string? Perplexity, string? Embedding = null,
    bool TokenCountIsSingle = false, EmbeddingPooling Pooling = EmbeddingPooling.Mean)
{
    /// <summary>The size of a <see cref="TextScore"/> with an array's header, bytes.</summary>
    private const int BytesOfScore = 48;

    /// <summary>Reads the tokens from other columns; null if they are those of <see cref="Text"/>.</summary>
    [JsonIgnore]
    public ITokenRows? Rows { get; init; }

    public static ScoreColumns From(LanguageTrainingOptions options) =>
        new(options.TextColumnName, options.LogLikelihoodColumnName, options.TokenCountColumnName, options.PerplexityColumnName);

    /// <summary>Returns the default output columns for a text column.</summary>
    public static ScoreColumns For(string textColumnName) => From(new ReversibleLmTrainer.Options { TextColumnName = textColumnName });

    /// <summary>Checks that data has the columns that are read.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    public void Require(DataViewSchema schema)
    {
        if (Rows is null) SchemaErrors.RequireTextOrTokens(schema, Text);
        else Rows.Require(schema);
    }

    /// <summary>Returns a schema of the added columns alone.</summary>
    /// <param name="width">The width of the model's hidden states.</param>
    public DataViewSchema Schema(int width) =>
        Added(_ => throw new InvalidOperationException("A schema alone computes nothing."), width).ToSchema();

    /// <summary>Returns the added columns of a model, for one row at a time.</summary>
    public AddedColumns<TextScore> Added(LanguageModel model) =>
        Added(Batched(model).StartAlone, model.Network.Configuration.Width);

    /// <summary>Returns the computation of a model's columns for several rows.</summary>
    public BatchedColumns<ScoredRow, TextScore> Batched(LanguageModel model)
    {
        var scorer = new TextScorer(model, Embedding is null ? null : Pooling, scores: LogLikelihood is not null || Perplexity is not null);
        return new(row => Rows?.Start(row, model) ?? Start(row, scorer), scorer.Score, SizeOf);
    }

    private static long SizeOf(TextScore score) => BytesOfScore + sizeof(float) * (score.Embedding?.LongLength ?? 0);

    private AddedColumns<TextScore> Added(Func<DataViewRow, RowComputation<TextScore>> start, int width)
    {
        var added = new AddedColumns<TextScore>(Rows?.ColumnNames ?? [Text], start);
        if (LogLikelihood is not null)
            added.Add(LogLikelihood, NumberDataViewType.Single, (in TextScore score, ref float value) => value = score.LogLikelihood);
        if (TokenCount is not null && TokenCountIsSingle)
            added.Add(TokenCount, NumberDataViewType.Single, (in TextScore score, ref float value) => value = score.TokenCount);
        else if (TokenCount is not null)
            added.Add(TokenCount, NumberDataViewType.Int32, (in TextScore score, ref int value) => value = score.TokenCount);
        if (Perplexity is not null)
            added.Add(Perplexity, NumberDataViewType.Single, (in TextScore score, ref float value) => value = score.Perplexity);
        if (Embedding is not null)
            added.Add(
                Embedding, new VectorDataViewType(NumberDataViewType.Single, width),
                (in TextScore score, ref VBuffer<float> value) => Copy(score.Embedding!, ref value));
        return added;
    }

    private static void Copy(float[] values, ref VBuffer<float> buffer)
    {
        VBufferEditor<float> editor = VBufferEditor.Create(ref buffer, values.Length);
        values.CopyTo(editor.Values);
        buffer = editor.Commit();
    }

    private Func<ScoredRow> Start(DataViewRow row, TextScorer scorer)
    {
        DataViewSchema.Column column = SchemaErrors.RequireTextOrTokens(row.Schema, Text);
        if (column.Type is VectorDataViewType vector)
            return vector.ItemType == NumberDataViewType.Int32
                ? OfTokens<int>(row, column, scorer, id => id)
                : OfTokens<uint>(row, column, scorer, id => id);
        ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            getter(ref text);
            return scorer.RowOf(scorer.Encode(text.Span));
        };
    }

    private static Func<ScoredRow> OfTokens<TId>(
        DataViewRow row, DataViewSchema.Column column, TextScorer scorer, Converter<TId, long> id)
    {
        ValueGetter<VBuffer<TId>> getter = row.GetGetter<VBuffer<TId>>(column);
        VBuffer<TId> buffer = default;
        return () =>
        {
            getter(ref buffer);
            return scorer.RowOf(scorer.Checked(Array.ConvertAll(buffer.DenseValues().ToArray(), id)));
        };
    }
}
