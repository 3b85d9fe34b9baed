namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>What a portable chain holds: the model's archive and the names of the columns it reads and adds.</summary>
internal sealed record PortableModel(byte[] Archive, PortableColumns Columns);

/// <summary>The names of the columns that a scoring transformer reads and adds.</summary>
internal sealed record PortableColumns(string Text, string LogLikelihood, string TokenCount, string Perplexity);
