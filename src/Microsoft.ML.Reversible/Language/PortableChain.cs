using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// The form of a transformer in an ML.NET zip. Only ML.NET's own transformers can be written to one, so this is a chain of them with the
/// same output: a value mapping holds the archive as text, and a custom mapping, which ML.NET finds by name in this assembly, computes
/// log-likelihoods with it. Model.Load then needs no registration.
/// </summary>
internal static class PortableChain
{
    /// <summary>
    /// The maximum size of an archive in bytes. In the zip it is base64 text, and loading holds several copies in memory.
    /// </summary>
    public const int MaxArchiveBytes = 64 * MiB;

    public const string KeyColumn = Prefix + "key";
    public const string ArchiveColumn = Prefix + "archive";
    public const string TextColumn = Prefix + "text";
    public const string LogLikelihoodColumn = Prefix + "log_likelihood";
    public const string TokenCountColumn = Prefix + "token_count";
    public const string PerplexityColumn = Prefix + "perplexity";
    public const string ArchiveKey = "archive";

    /// <summary>The prefix of a text that says where in the zip the model is; no base64 text begins with it.</summary>
    private const string EntryMark = "zip:";

    private const int MiB = 1 << 20;
    private const string Prefix = "__reversible_";
    private const string ColumnsKey = "columns";
    private const string ClientKey = "zero_shot";

    /// <summary>Builds a chain that holds the model.</summary>
    /// <param name="modelArchive">The whole model, as <see cref="ModelArchive"/> packs it.</param>
    /// <param name="columns">
    /// The input column and the output columns: the log-likelihood a float, the token count an int or a float, the perplexity a float.
    /// </param>
    /// <exception cref="NotSupportedException">
    /// The archive is larger than <see cref="MaxArchiveBytes"/>, or there is a column of embeddings: the vectors of a custom mapping that
    /// ML.NET loads have no fixed size.
    /// </exception>
    public static TransformerChain<ITransformer> Build(byte[] modelArchive, ScoreColumns columns)
    {
        if (columns.Embedding is { } embedding)
            throw new NotSupportedException(
                $"mlContext.Model.Save cannot save the column of embeddings '{embedding}'. Save the pipeline with " +
                "mlContext.Reversible().Save(pipeline, schema, path) and load it with mlContext.Reversible().Load(path, out schema).");
        ThrowIfTooLarge(modelArchive.LongLength);
        return Chain(Convert.ToBase64String(modelArchive), columns);
    }

    /// <summary>
    /// Builds a chain that says where in its zip the model is. It has the columns, but reading a row throws an exception that says how to
    /// load the zip.
    /// </summary>
    /// <param name="entry">The prefix of the names of the model's entries in the zip.</param>
    /// <param name="columns">The input column and the output columns.</param>
    /// <param name="client">The <see cref="IModelClient"/> that the chain replaces, as JSON; null for the model itself.</param>
    public static TransformerChain<ITransformer> BuildPlaceholder(string entry, ScoreColumns columns, string? client = null) =>
        Chain(EntryMark + entry, columns, client);

    /// <summary>Throws before anything is packed if the model is too large for a zip.</summary>
    /// <exception cref="NotSupportedException">The archive would be larger than <see cref="MaxArchiveBytes"/>.</exception>
    public static void ThrowIfTooLarge(long archiveBytes)
    {
        if (archiveBytes > MaxArchiveBytes)
        {
            string size = (archiveBytes / (double)MiB).ToString("F1", CultureInfo.InvariantCulture);
            throw new NotSupportedException(
                $"This model takes {size} MiB; mlContext.Model.Save can save up to {MaxArchiveBytes / MiB} MiB. "
                + "Save the pipeline with mlContext.Reversible().Save(pipeline, schema, path) and load it with "
                + "mlContext.Reversible().Load(path, out schema), which are for models of any size; "
                + "or save the model alone with SavePretrained(folder) and load it with mlContext.Reversible().LoadPretrained(folder).");
        }
    }

    /// <summary>Returns whether the transformer is a portable chain, and its contents.</summary>
    /// <exception cref="InvalidDataException">It is one, but its contents are damaged.</exception>
    public static bool TryFindModel(ITransformer transformer, out PortableModel? model)
    {
        model = null;
        if (transformer is not TransformerChain<ITransformer> chain)
            return false;
        ITransformer[] parts = chain.Take(2).ToArray();
        if (parts is not [CustomMappingTransformer<NoColumns, PortableKeyRow>, ValueMappingTransformer values])
            return false;

        ReadOnlyMemory<char>[] found = values.Transform(new StringsView(KeyColumn, [ArchiveKey, ColumnsKey, ClientKey]))
            .GetColumn<ReadOnlyMemory<char>>(ArchiveColumn)
            .ToArray();
        ReadOnlySpan<char> text = found[0].Span;
        ScoreColumns columns = DecodeColumns(found[1].Span);
        model = text.StartsWith(EntryMark)
            ? new PortableModel(null, text[EntryMark.Length..].ToString(), columns, found[2].IsEmpty ? null : found[2].ToString())
            : new PortableModel(Decode(text), null, columns);
        return true;
    }

    /// <summary>Replaces portable chains by their transformers, also in nested chains.</summary>
    public static ITransformer Rehydrate(ITransformer transformer, Func<PortableModel, ITransformer> open) =>
        TransformerTree.Replace(transformer, part => TryFindModel(part, out PortableModel? model) ? open(model!) : null);

    /// <summary>Returns the exception for a model that is elsewhere in the zip and that ML.NET alone did not load.</summary>
    public static InvalidOperationException NotLoaded() => new(
        "This pipeline was saved with mlContext.Reversible().Save: the model's weights are in entries of the zip that "
        + "mlContext.Model.Load does not read. Load the zip with mlContext.Reversible().Load(path, out schema).");

    /// <exception cref="InvalidDataException">The text is damaged.</exception>
    /// <exception cref="InvalidOperationException">The text says that the archive is elsewhere.</exception>
    internal static byte[] Decode(ReadOnlySpan<char> base64)
    {
        if (base64.StartsWith(EntryMark))
            throw NotLoaded();
        var bytes = new byte[(base64.Length / 4 * 3) + 3];
        if (base64.IsEmpty || !Convert.TryFromBase64Chars(base64, bytes, out int count))
            throw new InvalidDataException("The saved model's archive is damaged: it is not base64 text.");
        return bytes[..count];
    }

    private static TransformerChain<ITransformer> Chain(string archive, ScoreColumns columns, string? client = null)
    {
        List<KeyValuePair<string, string>> values =
            [new(ArchiveKey, archive), new(ColumnsKey, JsonSerializer.Serialize(columns))];
        if (client is not null) values.Add(new(ClientKey, client));

        TransformsCatalog transforms = new MLContext().Transforms;
        List<IEstimator<ITransformer>> parts =
        [
            transforms.CustomMapping<NoColumns, PortableKeyRow>(PortableKeyMapping.Map, PortableKeyMapping.Contract),
            transforms.Conversion.MapValue(ArchiveColumn, values, KeyColumn),
            // The columns of conversations are not text; with them, the chain is only a placeholder.
            transforms.CopyColumns(TextColumn, columns.Rows is null ? columns.Text : ArchiveColumn),
            transforms.CustomMapping<PortableScoreInput, PortableScoreOutput>(PortableScoreMapping.Map, PortableScoreMapping.Contract),
        ];
        if (columns.TokenCountIsSingle) parts.Add(transforms.Conversion.ConvertType(TokenCountColumn, outputKind: DataKind.Single));
        if (columns.LogLikelihood is { } logLikelihood) parts.Add(transforms.CopyColumns(logLikelihood, LogLikelihoodColumn));
        if (columns.TokenCount is { } tokenCount) parts.Add(transforms.CopyColumns(tokenCount, TokenCountColumn));
        if (columns.Perplexity is { } perplexity) parts.Add(transforms.CopyColumns(perplexity, PerplexityColumn));
        parts.Add(transforms.DropColumns(
            KeyColumn, ArchiveColumn, TextColumn, LogLikelihoodColumn, TokenCountColumn, PerplexityColumn));

        IDataView data = new StringsView(columns.Text, []);
        var fitted = new List<ITransformer>();
        foreach (IEstimator<ITransformer> part in parts)
        {
            fitted.Add(part.Fit(data));
            data = fitted[^1].Transform(data);
        }
        return new TransformerChain<ITransformer>([.. fitted]);
    }

    private static ScoreColumns DecodeColumns(ReadOnlySpan<char> json)
    {
        try
        {
            return JsonSerializer.Deserialize<ScoreColumns>(json) ?? throw new JsonException("They are missing.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The saved model's column names are damaged. {e.Message}", e);
        }
    }
}
