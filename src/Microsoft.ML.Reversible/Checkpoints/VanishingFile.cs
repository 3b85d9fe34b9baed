namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A file without a place in any folder, or one that leaves it with the stream or the process.</summary>
internal static class VanishingFile
{
    /// <summary>Makes an empty file in a folder.</summary>
    public static FileStream Create(string folder)
    {
        string path = Path.Combine(folder, $"reversible-{Guid.NewGuid():N}.tmp");
        FileOptions options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None;
        var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 1 << 16, options);

        // Elsewhere than on Windows a file lives on without a name as long as it is open, even if the process is killed.
        if (!OperatingSystem.IsWindows()) PartialPath.Clear(() => File.Delete(path));
        return stream;
    }
}
