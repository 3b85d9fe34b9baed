using System.Text;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>Recognizes by its first bytes a file that a download left in place of the real one.</summary>
internal static class FileStart
{
    /// <summary>Number of bytes that are enough to see it.</summary>
    public const int Length = 256;

    /// <summary>Returns what is wrong with a file, as a part of a sentence; null if nothing is.</summary>
    /// <param name="start">The beginning of the file; empty if the file is.</param>
    public static string? Fault(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty) return "it is empty. Copy or download it again";
        if (start.StartsWith("PAR1"u8)) return "it is a Parquet file. Convert it to JSON lines, for example with datasets' to_json";
        string text = Encoding.UTF8.GetString(start[..Math.Min(start.Length, Length)]).TrimStart('\uFEFF').TrimStart();
        return FaultOfText(text) ?? (((string[])["<!DOCTYPE", "<html"]).Any(tag => text.StartsWith(tag, StringComparison.OrdinalIgnoreCase))
            ? "it is a web page. Download the file itself, by the link that the page has for it"
            : null);
    }

    /// <summary>Returns what is wrong with a file that may hold any text, also a web page; null if nothing is.</summary>
    /// <param name="text">The beginning of the file, at least its first line.</param>
    public static string? FaultOfText(string text) => text.StartsWith("version https://git-lfs.github.com/", StringComparison.Ordinal)
        ? "it is a Git LFS pointer, which stands for the file. Run \"git lfs pull\" in the folder, or download the file itself"
        : null;

    /// <summary>Reads a file of text, in UTF-8 or as its byte order mark says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostBytes">The most bytes that such a file has.</param>
    /// <exception cref="InvalidDataException">The file is too large, or not the real one; the message is a part of a sentence.</exception>
    public static string ReadText(string path, int mostBytes)
    {
        if (new FileInfo(path).Length > mostBytes) throw new InvalidDataException($"it has more than {mostBytes >> 20} MiB");
        byte[] content = File.ReadAllBytes(path);
        if (Fault(content) is { } fault) throw new InvalidDataException(fault);
        using var reader = new StreamReader(new MemoryStream(content));
        return reader.ReadToEnd();
    }
}
