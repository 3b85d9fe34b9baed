namespace Microsoft.ML.Reversible;

/// <summary>How far the tokenization of a text column has come.</summary>
/// <param name="Rows">Rows read that were not empty.</param>
/// <param name="Bytes">Bytes of these rows: those of the text's UTF-8, or four for each id of an already tokenized column.</param>
/// <param name="Tokens">Tokens written; 0 while the rows are only compared with those that an existing token cache was made of.</param>
public sealed record TokenizationProgress(long Rows, long Bytes, long Tokens);
