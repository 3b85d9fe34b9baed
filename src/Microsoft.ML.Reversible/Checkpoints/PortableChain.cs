using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Views;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>
/// The form in which a scoring transformer goes into an ML.NET zip. Only ML.NET's own transformers can write to one, so this is a chain of
/// them that computes the same: the archive travels as a text value in a value mapping, and a custom mapping, which ML.NET finds by name
/// in this assembly, scores with it. Such a zip loads with a plain Model.Load in a process where nothing was registered.
/// </summary>
internal static class PortableChain
{
    /// <summary>The most bytes an archive may have: inside the zip it's base64 text, held in memory several times over.</summary>
    public const int MaxArchiveBytes = 64 * MiB;

    public const string KeyColumn = Prefix + "key";
    public const string ArchiveColumn = Prefix + "archive";
    public const string TextColumn = Prefix + "text";
    public const string LogLikelihoodColumn = Prefix + "log_likelihood";
    public const string TokenCountColumn = Prefix + "token_count";
    public const string PerplexityColumn = Prefix + "perplexity";
    public const string ArchiveKey = "archive";

    private const int MiB = 1 << 20;
    private const string Prefix = "__reversible_";
    private const string ColumnsKey = "columns";

    /// <summary>Builds the chain.</summary>
    /// <param name="modelArchive">The whole model, as <see cref="ModelArchive"/> packs it.</param>
    /// <param name="textColumn">The input column.</param>
    /// <param name="logLikelihoodColumn">The output column of <see cref="TextScore.LogLikelihood"/>, a float.</param>
    /// <param name="tokenCountColumn">The output column of <see cref="TextScore.TokenCount"/>, an int.</param>
    /// <param name="perplexityColumn">The output column of <see cref="TextScore.Perplexity"/>, a float.</param>
    /// <exception cref="NotSupportedException">The archive is larger than <see cref="MaxArchiveBytes"/>.</exception>
    public static TransformerChain<ITransformer> Build(
        byte[] modelArchive, string textColumn, string logLikelihoodColumn, string tokenCountColumn, string perplexityColumn)
    {
        ThrowIfTooLarge(modelArchive.LongLength);
        var columns = new PortableColumns(textColumn, logLikelihoodColumn, tokenCountColumn, perplexityColumn);
        KeyValuePair<string, string>[] values =
        [
            new(ArchiveKey, Convert.ToBase64String(modelArchive)),
            new(ColumnsKey, JsonSerializer.Serialize(columns)),
        ];

        TransformsCatalog transforms = new MLContext().Transforms;
        var estimator = transforms.CustomMapping<NoColumns, PortableKeyRow>(PortableKeyMapping.Map, PortableKeyMapping.Contract)
            .Append(transforms.Conversion.MapValue(ArchiveColumn, values, KeyColumn))
            .Append(transforms.CopyColumns(TextColumn, textColumn))
            .Append(transforms.CustomMapping<PortableScoreInput, PortableScoreOutput>(
                PortableScoreMapping.Map, PortableScoreMapping.Contract))
            .Append(transforms.CopyColumns(logLikelihoodColumn, LogLikelihoodColumn))
            .Append(transforms.CopyColumns(tokenCountColumn, TokenCountColumn))
            .Append(transforms.CopyColumns(perplexityColumn, PerplexityColumn))
            .Append(transforms.DropColumns(KeyColumn, ArchiveColumn, TextColumn, LogLikelihoodColumn, TokenCountColumn, PerplexityColumn));
        return new TransformerChain<ITransformer>(estimator.Fit(new StringsView(textColumn, [])).ToArray());
    }

    /// <summary>Refuses a model that is too large for a zip, before anything is packed.</summary>
    /// <exception cref="NotSupportedException">It has more than <see cref="MaxArchiveBytes"/>.</exception>
    public static void ThrowIfTooLarge(long archiveBytes)
    {
        if (archiveBytes > MaxArchiveBytes)
        {
            throw new NotSupportedException(
                $"This model takes {archiveBytes / (double)MiB:F1} MiB; an ML.NET zip can hold {MaxArchiveBytes / MiB} MiB. "
                + "Save it with SavePretrained(folder) and load it with mlContext.Reversible().LoadPretrained(folder).");
        }
    }

    /// <summary>Whether the transformer is a portable chain, and what it holds.</summary>
    /// <exception cref="InvalidDataException">It is one, but what it holds is damaged.</exception>
    public static bool TryFindArchive(ITransformer transformer, out PortableModel? model)
    {
        model = null;
        if (transformer is not TransformerChain<ITransformer> chain)
            return false;
        ITransformer[] parts = chain.Take(2).ToArray();
        if (parts is not [CustomMappingTransformer<NoColumns, PortableKeyRow>, ValueMappingTransformer values])
            return false;

        ReadOnlyMemory<char>[] found = values.Transform(new StringsView(KeyColumn, [ArchiveKey, ColumnsKey]))
            .GetColumn<ReadOnlyMemory<char>>(ArchiveColumn)
            .ToArray();
        model = new PortableModel(Decode(found[0].Span), DecodeColumns(found[1].Span));
        return true;
    }

    /// <summary>
    /// Puts live transformers in the place of their portable chains, in chains of chains too. What holds none is returned as it is; a
    /// chain that changes comes back as one whose last transformer is of no particular type and whose parts are all of scope Everything,
    /// since a chain's scopes can't be read from outside ML.NET.
    /// </summary>
    public static ITransformer Rehydrate(ITransformer transformer, Func<PortableModel, ITransformer> open)
    {
        if (TryFindArchive(transformer, out PortableModel? model))
            return open(model!);
        Type type = transformer.GetType();
        if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(TransformerChain<>))
            return transformer;

        ITransformer[] parts = ((IEnumerable<ITransformer>)transformer).ToArray();
        ITransformer[] live = Array.ConvertAll(parts, part => Rehydrate(part, open));
        return live.SequenceEqual(parts) ? transformer : new TransformerChain<ITransformer>(live);
    }

    internal static byte[] Decode(ReadOnlySpan<char> base64)
    {
        var bytes = new byte[(base64.Length / 4 * 3) + 3];
        if (base64.IsEmpty || !Convert.TryFromBase64Chars(base64, bytes, out int count))
            throw new InvalidDataException("The saved model's archive is damaged: it is not base64 text.");
        return bytes[..count];
    }

    private static PortableColumns DecodeColumns(ReadOnlySpan<char> json)
    {
        try
        {
            return JsonSerializer.Deserialize<PortableColumns>(json) ?? throw new JsonException("There are none.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The saved model's column names are damaged. {e.Message}", e);
        }
    }
}
