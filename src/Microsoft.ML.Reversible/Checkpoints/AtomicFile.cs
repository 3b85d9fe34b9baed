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
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
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
}
