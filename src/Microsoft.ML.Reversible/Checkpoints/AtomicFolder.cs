namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Writes a folder whole or not at all: aside, in the same parent, then renamed to the place of the old one.</summary>
internal static class AtomicFolder
{
    /// <summary>
    /// Writes the folder. Whatever goes wrong, the old folder stays as it was and nothing half-written remains beside it.
    /// </summary>
    /// <param name="path">The folder to write or replace. Missing parent folders are made.</param>
    /// <param name="fill">Puts the files into the empty folder whose path it is given.</param>
    /// <param name="replaces">
    /// Files that mark a folder as one that may be replaced, such as "config.json". An existing folder that has files but none of these is
    /// somebody else's, and is refused. Where no files are named any folder is replaced.
    /// </param>
    /// <exception cref="IOException">
    /// The folder could not be written, because the disk is full for instance, or must not be replaced; the message names it.
    /// </exception>
    public static void Write(string path, Action<string> fill, params string[] replaces)
    {
        string target = PartialPath.Resolve(new DirectoryInfo(Path.TrimEndingDirectorySeparator(path)));
        string partial = PartialPath.Beside(target);
        try
        {
            RefuseForeign(target, replaces);
            Directory.CreateDirectory(partial);
            fill(partial);
            FlushFiles(partial);
            Install(partial, target, Directory.Move);
        }
        catch (Exception e)
        {
            PartialPath.Clear(() => DeleteTree(partial));
            if (e is IOException)
                throw new IOException($"Could not write the folder '{path}': {e.Message}", e);
            throw;
        }
    }

    /// <summary>Puts the new folder in the place of the old one, and the old one back where that fails.</summary>
    internal static void Install(string partial, string target, Action<string, string> move)
    {
        if (!Directory.Exists(target))
        {
            move(partial, target);
            return;
        }

        string old = PartialPath.Beside(target, "old");
        move(target, old);
        try
        {
            move(partial, target);
        }
        catch
        {
            move(old, target);
            throw;
        }
        PartialPath.Clear(() => DeleteTree(old));
    }

    private static void RefuseForeign(string target, string[] replaces)
    {
        if (File.Exists(target))
            throw new IOException("a file of that name is in the way.");
        bool foreign = replaces.Length > 0 && Directory.Exists(target)
            && !replaces.Any(file => File.Exists(Path.Combine(target, file)))
            && Directory.EnumerateFileSystemEntries(target).Any();
        if (foreign)
            throw new IOException($"it holds other files and no {string.Join(" or ", replaces)}. Give a new or an empty folder.");
    }

    private static void FlushFiles(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
            stream.Flush(flushToDisk: true);
        }
    }

    private static void DeleteTree(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
