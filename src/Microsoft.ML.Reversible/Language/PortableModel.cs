namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// The contents of a portable chain: a model or its place in the zip, and the names of the columns that the chain reads and adds.
/// </summary>
/// <param name="Archive">The whole model; null if it is elsewhere in the zip.</param>
/// <param name="Entry">The prefix of the names of the model's entries in the zip; null if the chain itself holds the model.</param>
/// <param name="Columns">The columns.</param>
/// <param name="Client">The <see cref="IModelClient"/> that the chain replaces, as JSON; null for the model itself.</param>
internal sealed record PortableModel(byte[]? Archive, string? Entry, ScoreColumns Columns, string? Client = null);

/// <summary>
/// A transformer that uses a language model, such as a zero-shot evaluation. <see cref="ModelZip"/> saves it as JSON next to the model, so
/// a model with several clients is stored once.
/// </summary>
internal interface IModelClient
{
    /// <summary>Describes the transformer for the zip.</summary>
    /// <param name="model">The model that it uses.</param>
    /// <exception cref="NotSupportedException">The transformer or its model cannot be saved.</exception>
    PortableClient ToPortable(out ReversibleLmTransformer model);
}

/// <summary>The form of an <see cref="IModelClient"/> in a zip.</summary>
/// <param name="Json">The JSON from which <see cref="OpenClient"/> restores it.</param>
/// <param name="Columns">The columns of the placeholder chain.</param>
internal readonly record struct PortableClient(string Json, ScoreColumns Columns);

/// <summary>Restores an <see cref="IModelClient"/>, which then owns its model.</summary>
/// <param name="context">The context.</param>
/// <param name="json">The JSON of its <see cref="PortableClient"/>.</param>
/// <param name="openModel">Opens its model with the given column names.</param>
/// <exception cref="InvalidDataException">The JSON is damaged.</exception>
internal delegate ITransformer OpenClient(MLContext context, string json, Func<ScoreColumns, ReversibleLmTransformer> openModel);
