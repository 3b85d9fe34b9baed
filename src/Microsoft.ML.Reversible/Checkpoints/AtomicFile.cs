using System.Diagnostics;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Writes a file whole or not at all: aside, in the same folder, then renamed over the old one.</summary>
internal static class AtomicFile
{
    /// <summary>Writes the file. Whatever goes wrong, the old file stays as it was and nothing half-written remains beside it.</summary>
    /// <param name="path">The file to write or replace. Missing parent folders are made.</param>
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

    /// <summary>Finds out whether a file that is not there can be written, before the work of making its content.</summary>
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
    /// Removes what killed processes left of this target. A living one holds its file, and writes to it: what has changed since this
    /// process began is left alone too, for file systems without locks.
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
