using System.Reflection;

namespace Microsoft.ML.Reversible.Tests.StandIns;

/// <summary>The public surface of a real package, kept as a listing in this assembly's resources.</summary>
internal sealed class Listing
{
    private readonly HashSet<string> _lines;

    private Listing(HashSet<string> lines) => _lines = lines;

    /// <summary>Reads a listing by the name of its file without extension, for example <c>TorchSharp.0.105.2</c>.</summary>
    public static Listing Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Listings/{name}.txt")
            ?? throw new ArgumentException($"No listing is named {name}.", nameof(name));
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new Listing([.. lines]);
    }

    public int Count => _lines.Count;

    public IReadOnlyList<string> Lacking(IEnumerable<string> surface) => [.. surface.Where(line => !_lines.Contains(line))];
}
