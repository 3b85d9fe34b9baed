using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>The folder that a model is written to; before a long run it is found out whether that can be done.</summary>
internal static class OutputFolder
{
    /// <summary>The option that names it.</summary>
    public static Option<string> Option() => new("--out")
    {
        Description = "The folder to write the model to, or one with a model to replace. A failure leaves the old one.",
        HelpName = "FOLDER",
        Required = true,
    };

    /// <summary>Makes sure that it can be written.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public static void Check(string folder)
    {
        if (string.IsNullOrWhiteSpace(folder)) throw new UsageException("--out must name a folder.");
        if (File.Exists(folder)) throw new UsageException($"--out: '{folder}' is a file.");
        bool holdsFiles = Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
        if (holdsFiles && !File.Exists(Path.Combine(folder, "config.json")))
            throw new UsageException($"--out: the folder '{folder}' holds other files and no model. Give a new or an empty folder.");

        // The model is written aside, so it's the folder around it that must be writable.
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

    /// <summary>Whether two names are those of one folder.</summary>
    public static bool Is(string folder, string other) => Full(folder) == Full(other);

    private static string Full(string folder) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
}
