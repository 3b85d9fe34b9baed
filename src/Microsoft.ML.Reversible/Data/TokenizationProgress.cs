namespace Microsoft.ML.Reversible;

/// <summary>The progress of the tokenization of a text column.</summary>
/// <param name="Rows">Number of rows read, without empty ones.</param>
/// <param name="Bytes">Bytes of these rows: those of the text's UTF-8, or four for each id of an already tokenized column.</param>
/// <param name="Tokens">Tokens written; 0 while the rows are compared with those that an existing token cache was made from.</param>
public sealed record TokenizationProgress(long Rows, long Bytes, long Tokens);
