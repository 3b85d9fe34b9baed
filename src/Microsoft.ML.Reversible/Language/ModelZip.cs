using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Saves and loads ML.NET zips with models of any size. ML.NET's own entries hold the pipeline with a placeholder for each model. Each
/// model is a pretrained folder next to them, with uncompressed files: <c>reversible/0/config.json</c>,
/// <c>reversible/0/model.safetensors</c>
/// and so on.
/// </summary>
internal static class ModelZip
{
    private const string Folder = "reversible";

    /// <summary>Writes the zip completely or not at all.</summary>
    public static void Save(MLContext context, ITransformer pipeline, DataViewSchema? inputSchema, string path)
    {
        // Transformers that share a model share its entry.
        var entries = new Dictionary<LanguageModel, string>(ReferenceEqualityComparer.Instance);
        ITransformer portable = TransformerTree.Replace(pipeline, part =>
        {
            if (part is ReversibleLmTransformer live)
                return PortableChain.BuildPlaceholder(EntryOf(live), live.Columns, live.Columns.Rows?.ToJson(live.Columns));
            if (part is IModelClient client)
            {
                PortableClient saving = client.ToPortable(out ReversibleLmTransformer model);
                return PortableChain.BuildPlaceholder(EntryOf(model), saving.Columns, saving.Json);
            }
            return PortableChain.TryFindModel(part, out PortableModel? saved) && saved!.Entry is not null
                ? throw PortableChain.NotLoaded()
                : null;
        });

        using var own = new MemoryStream();
        context.Model.Save(portable, inputSchema, own);
        own.Position = 0;
        AtomicFile.Write(path, stream =>
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            using (var written = new ZipArchive(own, ZipArchiveMode.Read)) CopyEntries(written, zip);
            foreach ((LanguageModel model, string entry) in entries) ModelEntries.Write(model, zip, entry);
        });

        string EntryOf(ReversibleLmTransformer live)
        {
            entries.TryAdd(live.Model, $"{Folder}/{entries.Count}");
            return entries[live.Model];
        }
    }

    /// <summary>Reads a zip that <see cref="Save"/> or ML.NET wrote, and replaces the placeholders by the models.</summary>
    /// <param name="context">The context.</param>
    /// <param name="path">The zip.</param>
    /// <param name="device">The device of the models.</param>
    /// <param name="precision">The number type in which they compute.</param>
    /// <param name="openClient">Restores a saved <see cref="IModelClient"/>.</param>
    /// <param name="inputSchema">The schema that was saved; null if none was.</param>
    public static ITransformer Load(
        MLContext context, string path, Device device, Precision precision, OpenClient openClient, out DataViewSchema? inputSchema)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        using ZipArchive zip = OpenZip(path, stream);
        (ITransformer pipeline, inputSchema) = LoadPipeline(context, path, stream);

        // A model that several transformers of the pipeline use is loaded once.
        var models = new Dictionary<object, LanguageModel>();
        var opened = new Dictionary<(object, ScoreColumns), ReversibleLmTransformer>();
        try
        {
            return PortableChain.Rehydrate(pipeline, Open);
        }
        catch
        {
            foreach (LanguageModel model in models.Values) model.Dispose();
            throw;
        }

        ITransformer Open(PortableModel saved) => saved.Client is { } client
            ? openClient(context, client, columns => OpenModel(saved, columns))
            : OpenModel(saved, saved.Columns);

        ReversibleLmTransformer OpenModel(PortableModel saved, ScoreColumns columns)
        {
            object key = (saved.Entry as object) ?? saved;
            if (!models.TryGetValue(key, out LanguageModel? model))
            {
                model = saved.Entry is null
                    ? ModelArchive.Unpack(saved.Archive!, device, precision)
                    : ModelEntries.Read(path, zip, stream, saved.Entry, device, precision);
                models.Add(key, model);
            }
            if (!opened.TryGetValue((key, columns), out ReversibleLmTransformer? live))
                opened.Add((key, columns), live = new ReversibleLmTransformer(context, model, columns));
            return live;
        }
    }

    private static ZipArchive OpenZip(string path, Stream stream)
    {
        try
        {
            var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            _ = zip.Entries; // Reads and checks the zip's directory.
            return zip;
        }
        catch (InvalidDataException e)
        {
            var start = new byte[FileStart.Length];
            stream.Position = 0;
            string? fault = FileStart.Fault(start.AsSpan(0, stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)));
            throw new InvalidDataException(
                fault is null ? $"'{path}' is not a zip, or it is cut short: {e.Message}" : $"'{path}' is not a zip: {fault}.", e);
        }
    }

    /// <summary>Loads ML.NET's part. For damaged data its readers throw exceptions of many types, some wrapped by reflection.</summary>
    private static (ITransformer Pipeline, DataViewSchema? InputSchema) LoadPipeline(MLContext context, string path, Stream stream)
    {
        try
        {
            stream.Position = 0;
            return (context.Model.Load(stream, out DataViewSchema inputSchema), inputSchema);
        }
        catch (Exception e)
        {
            throw new InvalidDataException($"'{path}' has no pipeline that ML.NET can load: {e.GetBaseException().Message}", e);
        }
    }

    private static void CopyEntries(ZipArchive from, ZipArchive to)
    {
        foreach (ZipArchiveEntry entry in from.Entries)
        {
            using Stream source = entry.Open(), target = to.CreateEntry(entry.FullName).Open();
            source.CopyTo(target);
        }
    }
}
