namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The weights of a folder, one model.safetensors or the several files that an index names, as one set of tensors.</summary>
internal sealed class WeightFiles : IDisposable
{
    public const string SingleFile = "model.safetensors";

    private readonly Dictionary<string, SafeTensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafeTensorsFile> _owners = new(StringComparer.Ordinal);

    private WeightFiles(string path) => Path = path;

    /// <summary>The file that stands for all of them in messages.</summary>
    public string Path { get; }

    public IReadOnlyCollection<string> Names => _owners.Keys;

    /// <summary>Opens a folder's weights and checks the headers of all files. A single file goes before an index.</summary>
    /// <exception cref="FileNotFoundException">The folder has no weights, or lacks a file of the index; the message names it.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged, or index and files contradict each other; the message says where.
    /// </exception>
    public static WeightFiles Open(string folder)
    {
        string single = System.IO.Path.Combine(folder, SingleFile), index = System.IO.Path.Combine(folder, WeightIndex.FileName);
        bool sharded = !File.Exists(single) && File.Exists(index);
        var weights = new WeightFiles(sharded ? index : single);
        try
        {
            if (sharded) weights.OpenIndexed(folder, WeightIndex.Read(index));
            else weights.OpenFile(folder, SingleFile);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The weights of one file, which is disposed of with the result.</summary>
    public static WeightFiles Of(SafeTensorsFile file)
    {
        var weights = new WeightFiles(SingleFile);
        weights.Add(SingleFile, file);
        return weights;
    }

    /// <summary>The file that holds a tensor.</summary>
    public SafeTensorsFile Owner(string name) => _owners[name];

    public SafeTensorInfo Info(string name) => Owner(name).Info(name);

    public void Dispose()
    {
        foreach (SafeTensorsFile file in _files.Values) file.Dispose();
    }

    private void OpenIndexed(string folder, Dictionary<string, string> index)
    {
        foreach (string file in index.Values.Distinct().Order(StringComparer.Ordinal)) OpenFile(folder, file);
        var problems = new ProblemList();
        foreach ((string tensor, string file) in index)
            if (!_files[file].Contains(tensor)) problems.Add("Not where the index says", $"{tensor} in {file}");
        foreach (string tensor in _owners.Keys.Where(tensor => !index.ContainsKey(tensor))) problems.Add("Not in the index", tensor);
        problems.ThrowIfAny($"'{Path}' and its files contradict each other.");
    }

    private void OpenFile(string folder, string name)
    {
        string path = System.IO.Path.Combine(folder, name);
        if (!File.Exists(path)) throw new FileNotFoundException($"The folder '{folder}' lacks the file '{name}'.", path);
        Add(name, SafeTensorsFile.Open(path));
    }

    private void Add(string name, SafeTensorsFile file)
    {
        _files.Add(name, file);
        foreach (string tensor in file.Names)
            if (!_owners.TryAdd(tensor, file)) throw file.Error(tensor, "is in another file of the folder too.");
    }
}
