namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Paths of files and folders that a verb writes. They are checked before a long run.</summary>
internal static class OutputPath
{
    /// <summary>Checks that a file's path is not a folder's.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public static void CheckFile(string option, string? path)
    {
        if (Directory.Exists(path)) throw new UsageException($"{option}: '{path}' is a folder. Name a file.");
    }

    /// <summary>Checks that a folder's path is not a file's.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public static void CheckFolder(string option, string? path)
    {
        if (File.Exists(path)) throw new UsageException($"{option}: '{path}' is a file. Name a folder.");
    }
}
