namespace Microsoft.ML.Reversible.Tests;

/// <summary>
/// Finds the real data that some tests need. It is not part of the repository, so such a test ends inconclusive without it.
/// </summary>
internal static class TestData
{
    private const string FolderVariable = "REVERSIBLE_DATA";

    private static readonly string? _folder = FindFolder();

    /// <summary>The path of a data file or folder, named relative to the data folder with forward slashes.</summary>
    public static string Require(string name)
    {
        if (_folder is null)
            Assert.Inconclusive($"needs {name}: no shared/data folder stands beside or above the tests, and {FolderVariable} names none");

        var path = Path.Combine(_folder!, name.Replace('/', Path.DirectorySeparatorChar));
        if (!Path.Exists(path))
            Assert.Inconclusive($"needs {name}, which {_folder} does not hold");
        return path;
    }

    private static string? FindFolder()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named)
            return named;

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "shared", "data") is var candidate && Directory.Exists(candidate))
                return candidate;
        return null;
    }
}
