namespace Microsoft.ML.Data;

public interface IMultiStreamSource
{
    int Count { get; }

    string GetPathOrNull(int index);

    Stream Open(int index);

    TextReader OpenTextReader(int index);
}

public sealed class MultiFileSource : IMultiStreamSource
{
    private readonly string[] _paths;

    public MultiFileSource(params string[] paths) => _paths = (paths ?? []).SelectMany(p => p.Split('+')).SelectMany(Expand).ToArray();

    public int Count => _paths.Length;

    public string GetPathOrNull(int index) => _paths[index];

    public Stream Open(int index) => File.OpenRead(_paths[index]);

    public TextReader OpenTextReader(int index) => new StreamReader(Open(index));

    private static IEnumerable<string> Expand(string path)
    {
        if (path.AsSpan().IndexOfAny('*', '?') < 0)
            return [path];
        var folder = Path.GetDirectoryName(path);
        var found = Directory.GetFiles(string.IsNullOrEmpty(folder) ? "." : folder, Path.GetFileName(path));
        if (found.Length == 0)
            throw new FileNotFoundException($"Could not find file '{path}'");
        Array.Sort(found, StringComparer.Ordinal);
        return found;
    }
}
