namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Names beside a target, and cleaning them up.</summary>
internal static class PartialPath
{
    private const int IdLength = 32;

    /// <summary>A free name in the target's folder, so that renaming it to the target never crosses file systems.</summary>
    public static string Beside(string target, string kind = "partial") => $"{target}.{kind}-{Guid.NewGuid():N}";

    /// <summary>The target of such a name; null where the name is not of this making.</summary>
    public static string? TargetOf(string path, string kind = "partial")
    {
        int mark = path.Length - $".{kind}-".Length - IdLength;
        return mark > 0 && path.AsSpan(mark).StartsWith($".{kind}-") && Guid.TryParseExact(path.AsSpan(path.Length - IdLength), "N", out _)
            ? path[..mark]
            : null;
    }

    /// <summary>
    /// The full path; of a symbolic link, that of what it points to, since renaming over a link would replace the link itself.
    /// </summary>
    public static string Resolve(FileSystemInfo path)
    {
        FileSystemInfo final = path.LinkTarget == null ? path : path.ResolveLinkTarget(returnFinalTarget: true) ?? path;
        return Path.TrimEndingDirectorySeparator(final.FullName);
    }

    /// <summary>Throws the exception again under the name of what was to be written, if it came from the file system.</summary>
    public static void ThrowNamed(Exception e, string what)
    {
        if (e is IOException) throw new IOException($"{what}: {e.Message}", e);
        if (e is UnauthorizedAccessException) throw new UnauthorizedAccessException($"{what}: {e.Message}", e);
    }

    /// <summary>Removes what is no longer wanted. A failure to remove must not hide the result or the error that led here.</summary>
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
