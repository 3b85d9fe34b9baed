namespace Microsoft.ML.Reversible.Storage;

/// <summary>Writes a folder completely or not at all: under another name in the same parent, then renamed over the old folder.</summary>
/// <remarks>
/// Of several writers the last one wins. A killed process leaves "*.partial-*" beside the folder, or, between the two renames, the complete
/// old folder as "*.old-*".
/// </remarks>
internal static class AtomicFolder
{
    private const int MostAttempts = 20;

    /// <summary>
    /// Writes the folder. After a failure the old folder is unchanged and nothing half-written remains beside it.
    /// </summary>
    /// <param name="path">The folder to write or replace. Missing parent folders are created.</param>
    /// <param name="fill">Writes the files into an empty folder, given its path.</param>
    /// <param name="replaces">
    /// Files that mark a folder as one that may be replaced, such as "config.json". An existing folder that has files but none of these is
    /// refused. Where no files are named, any folder is replaced.
    /// </param>
    /// <exception cref="IOException">
    /// The folder could not be written, because the disk is full for instance, or must not be replaced; the message names it.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written; the message names it.</exception>
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
            PartialPath.ThrowNamed(e, $"Could not write the folder '{path}'");
            throw;
        }
    }

    /// <summary>Replaces the old folder with the new one, and puts the old one back where that fails.</summary>
    internal static void Install(string partial, string target, Action<string, string> move)
    {
        for (int attempt = 1; ; attempt++)
        {
            string? old = MoveAside(target, move);
            try
            {
                move(partial, target);
                if (old is not null) PartialPath.Clear(() => DeleteTree(old));
                return;
            }
            catch (Exception e)
            {
                if (old is not null) PutBack(old, target, move);
                if (e is not IOException || attempt == MostAttempts) throw;

                // Another writer may have been faster, or a virus scanner may have a file open for a moment.
                Thread.Sleep(attempt);
            }
        }
    }

    /// <summary>Moves the old folder aside and returns its new path; null where there is none, or another writer just moved it.</summary>
    private static string? MoveAside(string target, Action<string, string> move)
    {
        if (!Directory.Exists(target)) return null;
        string old = PartialPath.Beside(target, "old");
        try
        {
            move(target, old);
            return old;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Puts the old folder back, unless another writer has written a new one meanwhile.</summary>
    private static void PutBack(string old, string target, Action<string, string> move)
    {
        for (int attempt = 1; !Directory.Exists(target); attempt++)
        {
            try
            {
                move(old, target);
                return;
            }
            catch (IOException) when (attempt < MostAttempts)
            {
                Thread.Sleep(attempt);
            }
        }
        PartialPath.Clear(() => DeleteTree(old));
    }

    private static void RefuseForeign(string target, string[] replaces)
    {
        if (File.Exists(target))
            throw new IOException("a file of that name is in the way.");
        string[] names = NamesIn(target);
        if (replaces.Length > 0 && names.Length > 0 && !names.Intersect(replaces).Any())
            throw new IOException($"it holds other files and no {string.Join(" or ", replaces)}. Give a new or an empty folder.");
    }

    /// <summary>Lists the names in a folder; none where there is no folder, or another writer has just moved it.</summary>
    private static string[] NamesIn(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
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
