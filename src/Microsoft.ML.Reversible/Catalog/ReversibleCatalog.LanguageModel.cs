namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Creates an estimator that applies a language model that exists, with the most common arguments.</summary>
    /// <param name="model">The model. It is used, not owned: dispose it after the last use of the fitted transformers.</param>
    /// <param name="textColumnName">The column of text or token ids.</param>
    /// <param name="embeddingColumnName">The column for the mean of the tokens' hidden states; null for none.</param>
    /// <exception cref="ArgumentException">A column's name is missing or occurs twice.</exception>
    public LanguageModelScoringEstimator ApplyLanguageModel(
        ReversibleLmTransformer model, string textColumnName = "Text", string? embeddingColumnName = null) =>
        ApplyLanguageModel(model, new() { TextColumnName = textColumnName, EmbeddingColumnName = embeddingColumnName });

    /// <summary>
    /// Creates an estimator that applies a language model that exists, so that a trained or pretrained model can be part of a pipeline
    /// that is fitted, cross-validated and saved.
    /// </summary>
    /// <param name="model">The model. It is used, not owned: dispose it after the last use of the fitted transformers.</param>
    /// <param name="options">The columns to read and to add; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public LanguageModelScoringEstimator ApplyLanguageModel(
        ReversibleLmTransformer model, LanguageModelScoringEstimator.Options options) => new(model, options);
}
