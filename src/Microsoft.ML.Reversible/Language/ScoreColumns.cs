using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The names of the columns that a language model reads and adds.</summary>
internal sealed record ScoreColumns(string Text, string LogLikelihood, string TokenCount, string Perplexity)
{
    public static ScoreColumns From(LanguageTrainingOptions options) =>
        new(options.TextColumnName, options.LogLikelihoodColumnName, options.TokenCountColumnName, options.PerplexityColumnName);

    /// <summary>Returns the default output columns for a text column.</summary>
    public static ScoreColumns For(string textColumnName) => From(new ReversibleLmTrainer.Options { TextColumnName = textColumnName });

    /// <summary>Returns the columns of a saved model.</summary>
    public static ScoreColumns From(PortableColumns saved) => new(saved.Text, saved.LogLikelihood, saved.TokenCount, saved.Perplexity);

    /// <summary>Returns the columns in the form in which they are saved.</summary>
    public PortableColumns ToPortable() => new(Text, LogLikelihood, TokenCount, Perplexity);

    /// <summary>The schema of the added columns alone.</summary>
    public DataViewSchema Schema => Added(() => throw new InvalidOperationException("A schema alone scores nothing.")).ToSchema();

    /// <summary>
    /// Returns the added columns. Each row's text is scored once, by the scorer that <paramref name="makeScorer"/> makes.
    /// </summary>
    public AddedColumns<TextScore> Added(Func<ITextScorer> makeScorer) =>
        new AddedColumns<TextScore>([Text], row => Start(row, makeScorer()))
            .Add(LogLikelihood, NumberDataViewType.Single, (in TextScore score, ref float value) => value = score.LogLikelihood)
            .Add(TokenCount, NumberDataViewType.Int32, (in TextScore score, ref int value) => value = score.TokenCount)
            .Add(Perplexity, NumberDataViewType.Single, (in TextScore score, ref float value) => value = score.Perplexity);

    private RowComputation<TextScore> Start(DataViewRow row, ITextScorer scorer)
    {
        DataViewSchema.Column column = SchemaErrors.RequireTextOrTokens(row.Schema, Text);
        if (column.Type is VectorDataViewType vector)
            return vector.ItemType == NumberDataViewType.Int32
                ? OfTokens<int>(row, column, scorer, id => id)
                : OfTokens<uint>(row, column, scorer, id => (int)Math.Min(id, int.MaxValue));
        ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> text = default;
        return (ref TextScore score) =>
        {
            getter(ref text);
            score = scorer.Score(text.Span);
        };
    }

    private static RowComputation<TextScore> OfTokens<TId>(
        DataViewRow row, DataViewSchema.Column column, ITextScorer scorer, Converter<TId, int> id)
    {
        ValueGetter<VBuffer<TId>> getter = row.GetGetter<VBuffer<TId>>(column);
        VBuffer<TId> buffer = default;
        return (ref TextScore score) =>
        {
            getter(ref buffer);
            score = scorer.Score(Array.ConvertAll(buffer.DenseValues().ToArray(), id));
        };
    }
}
