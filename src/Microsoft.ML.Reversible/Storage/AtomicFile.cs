using System.Diagnostics;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>Writes a file completely or not at all: to another name in the same folder, then renamed over the old file.</summary>
internal static class AtomicFile
{
    /// <summary>Writes the file. After a failure the old file is unchanged and nothing half-written remains beside it.</summary>
    /// <param name="path">The file to write or replace. Missing parent folders are created.</param>
    /// <param name="write">Writes the content to a stream that can also seek.</param>
    /// <exception cref="IOException">
    /// The file could not be written, because the disk is full for instance; the message names the file.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be written; the message names it.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string target = PartialPath.Resolve(new FileInfo(path));
        string partial = PartialPath.Beside(target);
        try
        {
            Prepare(target);
            ClearStale(target);
            using (var stream = new FileStream(partial, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, target, overwrite: true);
        }
        catch (Exception e)
        {
            PartialPath.Clear(() => File.Delete(partial));
            PartialPath.ThrowNamed(e, $"Could not write the file '{path}'");
            throw;
        }
    }

    /// <summary>Checks that a new file can be written, before its content is computed.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void RequireWritable(string path)
    {
        string target = PartialPath.Resolve(new FileInfo(path));
        string partial = PartialPath.Beside(target);
        try
        {
            Prepare(target);
            new FileStream(partial, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None).Dispose();
            File.Delete(partial);
        }
        catch (Exception e)
        {
            PartialPath.ThrowNamed(e, $"Could not write the file '{path}'");
            throw;
        }
    }

    private static void Prepare(string target)
    {
        if (Directory.Exists(target)) throw new IOException("a folder of that name is in the way.");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
    }

    /// <summary>
    /// Removes the files that killed processes left of this target. A running process has its file open; for file systems without locks,
    /// files that changed since this process began are not removed either.
    /// </summary>
    private static void ClearStale(string target)
    {
        using var self = Process.GetCurrentProcess();
        DateTime began = self.StartTime.ToUniversalTime();
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(target)!, "*.partial-*"))
        {
            if (PartialPath.TargetOf(file) != target || File.GetLastWriteTimeUtc(file) >= began) continue;
            PartialPath.Clear(() =>
            {
                new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
                File.Delete(file);
            });
        }
    }
}

/// <summary>Names and removes files that are written beside their target.</summary>
internal static class PartialPath
{
    private const int IdLength = 32;

    /// <summary>Returns a free name in the target's folder, so that renaming it to the target never crosses file systems.</summary>
    public static string Beside(string target, string kind = "partial") => $"{target}.{kind}-{Guid.NewGuid():N}";

    /// <summary>Returns the target of a name that <see cref="Beside"/> returned; null for other names.</summary>
    public static string? TargetOf(string path, string kind = "partial")
    {
        int mark = path.Length - $".{kind}-".Length - IdLength;
        return mark > 0 && path.AsSpan(mark).StartsWith($".{kind}-") && Guid.TryParseExact(path.AsSpan(path.Length - IdLength), "N", out _)
            ? path[..mark]
            : null;
    }

    /// <summary>
    /// Returns the full path; for a symbolic link, that of its target, since renaming over a link would replace the link itself.
    /// </summary>
    public static string Resolve(FileSystemInfo path)
    {
        FileSystemInfo final = path.LinkTarget == null ? path : path.ResolveLinkTarget(returnFinalTarget: true) ?? path;
        return Path.TrimEndingDirectorySeparator(final.FullName);
    }

    /// <summary>Throws a file system exception again, with the name of the file or folder. Does nothing for other exceptions.</summary>
    public static void ThrowNamed(Exception e, string what)
    {
        if (e is IOException) throw new IOException($"{what}: {e.Message}", e);
        if (e is UnauthorizedAccessException) throw new UnauthorizedAccessException($"{what}: {e.Message}", e);
    }

    /// <summary>Deletes what is no longer needed. A failure to delete must not hide the result or an earlier error.</summary>
    public static void Clear(Action delete)
    {
        try
        {
            delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}

/// <summary>A temporary file that is deleted when its stream is closed or the process ends.</summary>
internal static class TemporaryFile
{
    /// <summary>Creates an empty file in a folder.</summary>
    public static FileStream Create(string folder)
    {
        string path = Path.Combine(folder, $"reversible-{Guid.NewGuid():N}.tmp");
        FileOptions options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None;
        var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 1 << 16, options);

        // Except on Windows, a deleted file can be used until it is closed, and it is gone even if the process is killed.
        if (!OperatingSystem.IsWindows()) PartialPath.Clear(() => File.Delete(path));
        return stream;
    }
}
