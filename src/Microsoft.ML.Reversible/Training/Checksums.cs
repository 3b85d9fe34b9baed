using System.Security.Cryptography;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Writes and verifies the list of a folder's files with their SHA-256, in the format that <c>sha256sum -c</c> reads.</summary>
internal static class Checksums
{
    /// <summary>The file that holds the list.</summary>
    public const string FileName = "checksums.sha256";

    private const long LongestList = 1 << 20;

    /// <summary>Writes the list of all files in a folder.</summary>
    public static void Write(string folder)
    {
        IEnumerable<string> lines = Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)
            .Select(file => $"{Hash(file)}  {Path.GetFileName(file)}\n");
        File.WriteAllText(Path.Combine(folder, FileName), string.Concat(lines));
    }

    /// <summary>Compares a folder's files with its list.</summary>
    /// <exception cref="InvalidDataException">A file is damaged or missing, or there is no list; the message names it.</exception>
    public static void Verify(string folder)
    {
        string list = Path.Combine(folder, FileName);
        if (!File.Exists(list)) throw new InvalidDataException($"'{folder}' has no file '{FileName}'.");
        if (new FileInfo(list).Length > LongestList) throw new InvalidDataException($"'{list}' is too long to be a list of checksums.");
        string[] lines = File.ReadAllLines(list);
        if (lines.Length == 0) throw new InvalidDataException($"'{list}' is empty.");
        foreach (string line in lines)
        {
            string[] parts = line.Split("  ", 2);
            if (parts.Length != 2 || parts[1].Length == 0 || Path.GetFileName(parts[1]) != parts[1])
                throw new InvalidDataException($"'{list}' is damaged: a line is not a checksum with the name of a file.");
            string file = Path.Combine(folder, parts[1]);
            if (!File.Exists(file)) throw new InvalidDataException($"'{folder}' has no file '{parts[1]}'.");
            if (Hash(file) != parts[0])
                throw new InvalidDataException($"'{file}' is damaged: its content does not have the recorded checksum.");
        }
    }

    private static string Hash(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexString(SHA256.HashData(stream)).ToLowerInvariant();
    }
}
