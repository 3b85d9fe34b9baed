using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>The weights of a folder as one set of tensors: model.safetensors, or the files that an index names.</summary>
internal sealed class WeightFiles : IDisposable
{
    public const string SingleFile = "model.safetensors";

    private readonly Dictionary<string, SafeTensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafeTensorsFile> _owners = new(StringComparer.Ordinal);

    private Dictionary<string, string>? _index;

    private WeightFiles(string path) => Path = path;

    /// <summary>The file that messages name.</summary>
    public string Path { get; }

    public IReadOnlyCollection<string> Names => _owners.Keys;

    /// <summary>Opens a folder's weights and checks the headers of all files. Where there are both, the single file is read.</summary>
    /// <exception cref="FileNotFoundException">The folder has no weights, or lacks a file of the index; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names it.</exception>
    public static WeightFiles Open(string folder)
    {
        string single = System.IO.Path.Combine(folder, SingleFile), index = System.IO.Path.Combine(folder, WeightIndex.FileName);
        bool sharded = !File.Exists(single) && File.Exists(index);
        var weights = new WeightFiles(sharded ? index : single);
        try
        {
            if (!sharded)
            {
                weights.OpenFile(folder, SingleFile);
                return weights;
            }
            weights._index = WeightIndex.Read(index);
            foreach (string file in weights._index.Values.Distinct().Order(StringComparer.Ordinal)) weights.OpenFile(folder, file);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Makes the weights of one file, which is disposed of with the result.</summary>
    public static WeightFiles Of(SafeTensorsFile file)
    {
        var weights = new WeightFiles(SingleFile);
        weights.Add(SingleFile, file);
        return weights;
    }

    /// <summary>Returns the file that holds a tensor.</summary>
    public SafeTensorsFile Owner(string name) => _owners[name];

    /// <summary>
    /// Returns the tensor that a file has for a name that it leaves out: of tensors that share memory, safetensors' save_model writes one,
    /// and lists the others in the metadata. Null if there is none.
    /// </summary>
    public string? TwinOf(string name) => _files.Values
        .Select(file => file.Metadata.GetValueOrDefault(name) is { } twin && file.Contains(twin) ? twin : null)
        .FirstOrDefault(twin => twin is not null);

    /// <summary>Checks that the index, if there is one, and the files agree.</summary>
    /// <param name="matters">Whether the model needs to know where a tensor is.</param>
    /// <exception cref="InvalidDataException">Index and files contradict each other; the message says where.</exception>
    public void CheckIndex(Func<string, bool> matters)
    {
        if (_index is null) return;
        var problems = new ProblemList();
        foreach ((string tensor, string file) in _index)
            if (!_files[file].Contains(tensor) && matters(tensor)) problems.Add("Not where the index says", $"{tensor} in {file}");
        foreach (string tensor in _owners.Keys)
            if (!_index.ContainsKey(tensor) && matters(tensor)) problems.Add("Not in the index", tensor);
        problems.ThrowIfAny($"'{Path}' and its files contradict each other.");
    }

    public SafeTensorInfo Info(string name) => Owner(name).Info(name);

    public void Dispose()
    {
        foreach (SafeTensorsFile file in _files.Values) file.Dispose();
    }

    private void OpenFile(string folder, string name)
    {
        string path = System.IO.Path.Combine(folder, name);
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"The folder '{folder}' lacks the file '{name}'.{(name == SingleFile ? OtherFormats.Describe(folder) : "")}", path);
        Add(name, SafeTensorsFile.Open(path));
    }

    private void Add(string name, SafeTensorsFile file)
    {
        _files.Add(name, file);
        foreach (string tensor in file.Names)
            if (!_owners.TryAdd(tensor, file)) throw file.Error(tensor, "is in another file of the folder too.");
    }
}

/// <summary>Reads and writes model.safetensors.index.json, which says which of a folder's files holds which tensor.</summary>
internal static class WeightIndex
{
    public const string FileName = WeightFiles.SingleFile + ".index.json";

    /// <summary>The most bytes of an index; a large model's has some hundred kilobytes.</summary>
    private const int MostBytes = 32 << 20;

    private static readonly JsonWriterOptions _indented = new() { Indented = true };

    /// <summary>Names that are devices on Windows, with any extension.</summary>
    private static readonly string[] _devices =
        ["CON", "PRN", "AUX", "NUL", .. Enumerable.Range(0, 10).SelectMany(i => (string[])[$"COM{i}", $"LPT{i}"])];

    /// <summary>Reads the files by tensor.</summary>
    /// <exception cref="InvalidDataException">The index is damaged, or names something other than a file of its own folder.</exception>
    public static Dictionary<string, string> Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(FileStart.ReadText(path, MostBytes));
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException("it has no weight_map");

            var files = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
                if (file.StartsWith("./", StringComparison.Ordinal)) file = file[2..];
                if (!IsPlain(file))
                    throw new InvalidDataException(
                        $"it looks for '{ConfigurationJson.Show(entry.Name)}' in {ConfigurationJson.Show(entry.Value.GetRawText())}, " +
                        "which is not a .safetensors file of its folder");
                if (!files.TryAdd(entry.Name, file)) throw new InvalidDataException($"it has '{ConfigurationJson.Show(entry.Name)}' twice");
            }
            return files;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' is not an index of weights: {JsonFault.Of(e)}", e);
        }
    }

    public static void Write(string path, IEnumerable<KeyValuePair<string, string>> files, long totalBytes)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, _indented);
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach ((string tensor, string file) in files) json.WriteString(tensor, file);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Whether a name is that of a file in the folder itself, on every system. An index must not name files elsewhere.</summary>
    private static bool IsPlain(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        && name.Length is > 12 and <= 255
        && !name.StartsWith('.')
        && !name.Any(c => c is '/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' || char.IsControl(c))
        && !_devices.Contains(name[..name.IndexOf('.')].TrimEnd(), StringComparer.OrdinalIgnoreCase);
}

/// <summary>Collects problems by kind for one message, which lists the first few of each kind and their number.</summary>
internal sealed class ProblemList
{
    private const int MostShown = 8;
    private const int LongestShown = 200;

    private readonly Dictionary<string, (List<string> Shown, long Count)> _kinds = [];

    /// <summary>Number of problems.</summary>
    public long Count => _kinds.Values.Sum(kind => kind.Count);

    public void Add(string kind, string problem)
    {
        (List<string> shown, long count) = _kinds.GetValueOrDefault(kind, ([], 0));
        if (shown.Count < MostShown)
            shown.Add(problem.Length <= LongestShown ? problem : string.Concat(problem.AsSpan(0, LongestShown), "..."));
        _kinds[kind] = (shown, count + 1);
    }

    /// <exception cref="InvalidDataException">There are problems; the message begins with <paramref name="what"/>.</exception>
    public void ThrowIfAny(string what)
    {
        if (_kinds.Count == 0) return;
        var message = new StringBuilder(what);
        foreach ((string kind, (List<string> shown, long count)) in _kinds)
        {
            message.Append(CultureInfo.InvariantCulture, $" {kind}: {string.Join(", ", shown)}");
            if (count > shown.Count) message.Append(CultureInfo.InvariantCulture, $" and {count - shown.Count} more");
            message.Append('.');
        }
        throw new InvalidDataException(message.ToString());
    }
}
