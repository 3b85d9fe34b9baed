namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The source files of the library, as the tests about its structure read them.</summary>
internal static class LibrarySource
{
    private static readonly Lazy<(string Path, string Source)[]> _files = new(Read);

    /// <summary>Returns each file with its path below the library's folder, with slashes. Inconclusive outside the repository.</summary>
    public static IReadOnlyList<(string Path, string Source)> Files() => _files.Value;

    private static (string Path, string Source)[] Read()
    {
        if (SourceTree.Around(AppContext.BaseDirectory) is not { } tree)
        {
            Assert.Inconclusive("The tests do not run from within the repository.");
            return [];
        }
        string folder = Path.Combine(tree.Root, "src", "Microsoft.ML.Reversible") + Path.DirectorySeparatorChar;
        return
        [
            .. tree.Files([".cs"]).Where(file => file.StartsWith(folder, StringComparison.Ordinal))
                .Select(file => (file[folder.Length..].Replace(Path.DirectorySeparatorChar, '/'), File.ReadAllText(file))),
        ];
    }
}
