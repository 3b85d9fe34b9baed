namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The ids that a config.json names. They say how a model was trained, so they are kept and written back.</summary>
/// <param name="BeginOfText">What a text begins with; null where none is named.</param>
/// <param name="EndOfText">What ends a text; several ids where a model knows several ends, none where none is named.</param>
internal sealed record SpecialTokens(int? BeginOfText, IReadOnlyList<int> EndOfText);
