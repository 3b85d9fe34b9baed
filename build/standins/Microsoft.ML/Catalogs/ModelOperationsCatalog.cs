using System.IO.Compression;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class ModelOperationsCatalog
{
    private const string ModelFolder = "Model";
    private const string LoaderFolder = "Loader";
    private const string SchemaEntry = "Schema";

    internal ModelOperationsCatalog(IHostEnvironment env) => Environment = env;

    internal IHostEnvironment Environment { get; }

    public void Save(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        ModelSaveContext.Save(archive, model, ModelFolder);
        if (inputSchema is null)
            return;
        using var writer = new BinaryWriter(archive.CreateEntry(SchemaEntry).Open(), Encoding.UTF8);
        SchemaCodec.Write(writer, inputSchema);
    }

    public void Save(ITransformer model, DataViewSchema inputSchema, string filePath)
    {
        using var stream = File.Create(filePath);
        Save(model, inputSchema, stream);
    }

    public void Save<TSource>(ITransformer model, IDataLoader<TSource> loader, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(loader);
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        ModelSaveContext.Save(archive, loader, LoaderFolder);
        if (model is not null)
            ModelSaveContext.Save(archive, model, ModelFolder);
    }

    public void Save<TSource>(ITransformer model, IDataLoader<TSource> loader, string filePath)
    {
        using var stream = File.Create(filePath);
        Save(model, loader, stream);
    }

    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        inputSchema = null;
        if (archive.GetEntry(SchemaEntry) is { } entry)
        {
            using var reader = new BinaryReader(entry.Open(), Encoding.UTF8);
            inputSchema = SchemaCodec.Read(reader);
        }
        else if (HasFolder(archive, LoaderFolder))
        {
            inputSchema = LoadLoader(archive).GetOutputSchema();
        }
        return LoadTransformer(archive);
    }

    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        using var stream = File.OpenRead(filePath);
        return Load(stream, out inputSchema);
    }

    public ITransformer LoadWithDataLoader(Stream stream, out IDataLoader<IMultiStreamSource> loader)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        loader = LoadLoader(archive);
        return LoadTransformer(archive);
    }

    public ITransformer LoadWithDataLoader(string filePath, out IDataLoader<IMultiStreamSource> loader)
    {
        using var stream = File.OpenRead(filePath);
        return LoadWithDataLoader(stream, out loader);
    }

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, bool ignoreMissingColumns = true,
        SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class
        where TDst : class, new()
        => new(transformer, new PredictionEngineOptions
        {
            IgnoreMissingColumns = ignoreMissingColumns,
            InputSchemaDefinition = inputSchemaDefinition,
            OutputSchemaDefinition = outputSchemaDefinition,
        });

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, DataViewSchema inputSchema)
        where TSrc : class
        where TDst : class, new()
        => CreatePredictionEngine<TSrc, TDst>(transformer, inputSchemaDefinition: SchemaDefinition.Like(typeof(TSrc), inputSchema));

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, PredictionEngineOptions options)
        where TSrc : class
        where TDst : class, new()
        => new(transformer, options ?? throw new ArgumentNullException(nameof(options)));

    private static bool HasFolder(ZipArchive archive, string folder) =>
        archive.Entries.Any(e => e.FullName.StartsWith(folder + "/", StringComparison.Ordinal));

    private ITransformer LoadTransformer(ZipArchive archive) => (ITransformer)ModelLoadContext.Load(Environment, archive, ModelFolder);

    private IDataLoader<IMultiStreamSource> LoadLoader(ZipArchive archive) =>
        (IDataLoader<IMultiStreamSource>)ModelLoadContext.Load(Environment, archive, LoaderFolder);
}
