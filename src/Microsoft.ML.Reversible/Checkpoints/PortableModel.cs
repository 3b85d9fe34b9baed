namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>What a portable chain holds: a model, or where one is, and the names of the columns that it reads and adds.</summary>
/// <param name="Archive">The whole model; null where it lies elsewhere in the zip.</param>
/// <param name="Entry">The beginning of the names of the zip's entries that are the model; null where the chain holds it itself.</param>
/// <param name="Columns">The columns.</param>
/// <param name="ZeroShot">The evaluation that the model is there for; null where it stands for itself.</param>
internal sealed record PortableModel(byte[]? Archive, string? Entry, PortableColumns Columns, PortableZeroShot? ZeroShot = null);

/// <summary>The names of the columns that a scoring transformer reads and adds.</summary>
internal sealed record PortableColumns(string Text, string LogLikelihood, string TokenCount, string Perplexity);
