namespace Microsoft.ML.Reversible.Language;

/// <summary>What a portable chain holds: a model, or where one is, and the names of the columns that it reads and adds.</summary>
/// <param name="Archive">The whole model; null where it lies elsewhere in the zip.</param>
/// <param name="Entry">The beginning of the names of the zip's entries that are the model; null where the chain holds it itself.</param>
/// <param name="Columns">The columns.</param>
/// <param name="Client">The <see cref="IModelClient"/> in whose place the chain stands, as JSON; null for the model itself.</param>
internal sealed record PortableModel(byte[]? Archive, string? Entry, PortableColumns Columns, string? Client = null);

/// <summary>The names of the columns that a scoring transformer reads and adds.</summary>
internal sealed record PortableColumns(string Text, string LogLikelihood, string TokenCount, string Perplexity);

/// <summary>
/// A transformer that uses a language model, such as a zero-shot evaluation. <see cref="ModelZip"/> saves it as JSON beside the model, so
/// that a model with several clients is stored once.
/// </summary>
internal interface IModelClient
{
    /// <summary>Describes the transformer for the zip.</summary>
    /// <param name="model">The model that it uses.</param>
    /// <exception cref="NotSupportedException">The transformer or its model cannot be saved.</exception>
    PortableClient ToPortable(out ReversibleLmTransformer model);
}

/// <summary>What a zip holds of an <see cref="IModelClient"/>.</summary>
/// <param name="Json">What <see cref="OpenClient"/> restores it from.</param>
/// <param name="Columns">The columns that the chain in its place reads and adds when ML.NET loads the zip.</param>
internal readonly record struct PortableClient(string Json, PortableColumns Columns);

/// <summary>Restores an <see cref="IModelClient"/>, which then owns its model.</summary>
/// <param name="context">The context.</param>
/// <param name="json">What its <see cref="PortableClient"/> held.</param>
/// <param name="openModel">Opens its model, which reads and adds the columns given.</param>
/// <exception cref="InvalidDataException">The JSON is damaged.</exception>
internal delegate ITransformer OpenClient(MLContext context, string json, Func<PortableColumns, ReversibleLmTransformer> openModel);
