using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The folder that a model is written to. It is checked before a long run.</summary>
internal static class OutputFolder
{
    /// <summary>Creates the option.</summary>
    public static Option<string> Option() => new("--out", "--output")
    {
        Description = "The folder to write the model to. An existing model in it is replaced; if the run fails, the old one stays.",
        HelpName = "FOLDER",
        Required = true,
    };

    /// <summary>Checks that the folder can be written.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">A file that a folder of the kind that is written has, and whose folder may be replaced.</param>
    /// <exception cref="UsageException">The folder cannot be written.</exception>
    public static void Check(string folder, string file = "config.json")
    {
        if (string.IsNullOrWhiteSpace(folder)) throw new UsageException("--out must name a folder.");
        if (File.Exists(folder)) throw new UsageException($"--out: '{folder}' is a file. Name a new or an empty folder.");
        bool holdsFiles = Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
        if (holdsFiles && !File.Exists(Path.Combine(folder, file)))
        {
            string missing = file == "config.json" ? "model" : "adapter";
            throw new UsageException($"--out: the folder '{folder}' has other files and no {missing}. Use a new or an empty folder.");
        }

        // The model is written under a temporary name next to the folder, so the parent folder must be writable.
        DirectoryInfo at = Directory.GetParent(Full(folder)) ?? new DirectoryInfo(folder);
        while (!at.Exists && at.Parent is not null)
        {
            if (File.Exists(at.FullName))
                throw new UsageException($"--out: the folder '{folder}' cannot be written: '{at.FullName}' is a file.");
            at = at.Parent;
        }
        string probe = Path.Combine(at.FullName, $".reversible-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(probe);
            Directory.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out: the folder '{folder}' cannot be written: {e.Message.Replace(probe, at.FullName)}", e);
        }
    }

    /// <summary>Returns whether two paths name the same folder.</summary>
    public static bool Is(string folder, string other) => Full(folder) == Full(other);

    private static string Full(string folder) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
}
