using System.IO.Compression;
using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>
/// A pretrained folder as stored entries of a zip. The weights go from memory to the zip and back without a copy anywhere else; the small
/// files pass through a temporary folder.
/// </summary>
internal static class ModelEntries
{
    private const int LongestName = 100;
    private const WeightPrecision Stored = WeightPrecision.Float32;

    /// <summary>Adds the model's files under <c>prefix/</c>.</summary>
    public static void Write(LanguageModel model, ZipArchive zip, string prefix)
    {
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("reversible-");
        try
        {
            PretrainedFolder.WriteDescription(model, scratch.FullName, Stored);
            foreach (FileInfo file in scratch.EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
            {
                using FileStream source = file.OpenRead();
                using Stream target = Create(file.Name);
                source.CopyTo(target);
            }
            using Stream weights = Create(WeightFiles.SingleFile);
            WeightWriter.Write(weights, model.Network, Stored);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }

        Stream Create(string name) => zip.CreateEntry($"{prefix}/{name}", CompressionLevel.NoCompression).Open();
    }

    /// <summary>Reads the model whose files stand under <c>prefix/</c>.</summary>
    /// <exception cref="InvalidDataException">An entry is missing, damaged, or not one that <see cref="Write"/> writes.</exception>
    public static LanguageModel Read(string path, ZipArchive zip, FileStream stream, string prefix, Device device, Precision precision)
    {
        ZipArchiveEntry[] entries = Checked(path, zip, stream.Length, prefix + "/");
        ZipArchiveEntry? weights = Array.Find(entries, entry => entry.Name == WeightFiles.SingleFile);
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("reversible-");
        try
        {
            foreach (ZipArchiveEntry entry in entries)
                if (entry != weights) Extract(entry, Path.Combine(scratch.FullName, entry.Name));
            return PretrainedFolder.Load(
                scratch.FullName, device, precision, openWeights: weights is null ? null : () => OpenInPlace(weights, stream));
        }
        catch (Exception e) when (e is InvalidDataException or FileNotFoundException or EndOfStreamException)
        {
            string what = e.Message.Replace(scratch.FullName + Path.DirectorySeparatorChar, "").Replace(scratch.FullName, prefix);
            throw Error(path, prefix, what, e);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    /// <summary>The entries below a prefix, after a look at all that the zip's directory says of them: it may be made to harm.</summary>
    private static ZipArchiveEntry[] Checked(string path, ZipArchive zip, long zipLength, string prefix)
    {
        ZipArchiveEntry[] entries = [.. zip.Entries.Where(entry => entry.FullName.StartsWith(prefix, StringComparison.Ordinal))];
        if (entries.Length == 0) throw Error(path, prefix, "the zip has no entries of that name");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        long left = zipLength;
        foreach (ZipArchiveEntry entry in entries)
        {
            string name = entry.FullName[prefix.Length..];
            if (!IsPlain(name)) throw Error(path, prefix, "an entry's name is not that of a model's file");
            if (!names.Add(name)) throw Error(path, prefix, $"'{name}' is there twice");
            if (entry.Length != entry.CompressedLength)
                throw Error(path, prefix, $"'{name}' is compressed, and a model's files are stored as they are (zip -0)");
            if (entry.Length > left) throw Error(path, prefix, $"'{name}' claims {entry.Length} bytes, more than the zip has");
            left -= entry.Length;
        }
        return entries;
    }

    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= LongestName && name[0] != '.'
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');

    /// <summary>The weights where they lie in the zip. Of a stored entry the first byte read is its own first one.</summary>
    private static WeightFiles OpenInPlace(ZipArchiveEntry entry, FileStream zip)
    {
        using Stream content = entry.Open();
        if (content.ReadByte() < 0) throw new InvalidDataException($"'{entry.Name}' is empty");
        return WeightFiles.Of(SafeTensorsFile.OpenInside(entry.Name, zip.SafeFileHandle, zip.Position - 1, entry.Length));
    }

    private static void Extract(ZipArchiveEntry entry, string file)
    {
        using (Stream source = entry.Open())
        using (FileStream target = File.Create(file))
        {
            source.CopyTo(target);
            if (target.Length == entry.Length) return;
        }
        throw new InvalidDataException($"'{entry.Name}' is cut short");
    }

    private static InvalidDataException Error(string path, string prefix, string what, Exception? inner = null) =>
        new($"'{path}' holds a damaged model in {prefix}: {what}.", inner);
}
