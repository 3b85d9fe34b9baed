namespace Microsoft.ML.Reversible;

/// <summary>A question to a language model: how likely is this text after that one?</summary>
/// <param name="Context">
/// What comes before. Trailing white space counts with the continuation; an empty context stands for the beginning of a text.
/// </param>
/// <param name="Continuation">What follows, with the space that parts it from the context.</param>
public readonly record struct ContinuationRequest(string Context, string Continuation);
