using System.IO.Compression;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>A pretrained folder as one array of bytes: an uncompressed zip of its files.</summary>
internal static class ModelArchive
{
    public static byte[] Pack(LanguageModel model)
    {
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("reversible-");
        try
        {
            PretrainedFolder.Write(model, scratch.FullName);
            using var bytes = new MemoryStream();
            ZipFile.CreateFromDirectory(scratch.FullName, bytes, CompressionLevel.NoCompression, includeBaseDirectory: false);
            return bytes.ToArray();
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    /// <summary>Loads an archive's model on the CPU; a model is saved without its device.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged.</exception>
    public static LanguageModel Unpack(byte[] archive) => Unpack(archive, CPU, Precision.Float32);

    /// <summary>Loads an archive's model on a device.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged.</exception>
    public static LanguageModel Unpack(byte[] archive, Device device, Precision precision)
    {
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("reversible-");
        try
        {
            using (var bytes = new MemoryStream(archive, writable: false)) ZipFile.ExtractToDirectory(bytes, scratch.FullName);
            return PretrainedFolder.Load(scratch.FullName, device, precision);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    /// <summary>
    /// Opens an archive to compute log-likelihoods. The model lives as long as the process or the pipeline that holds it.
    /// </summary>
    public static ITextScorer Open(byte[] archive) => new TextScorer(Unpack(archive));
}

/// <summary>
/// A pretrained folder as stored entries of a zip. The weights are written to the zip and read from it without another copy; the small
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

    /// <summary>Reads the model whose files are under <c>prefix/</c>.</summary>
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

    /// <summary>Returns the entries under a prefix after checking their entries in the zip's directory, which is untrusted.</summary>
    private static ZipArchiveEntry[] Checked(string path, ZipArchive zip, long zipLength, string prefix)
    {
        ZipArchiveEntry[] entries = [.. zip.Entries.Where(entry => entry.FullName.StartsWith(prefix, StringComparison.Ordinal))];
        if (entries.Length == 0) throw Error(path, prefix, "the zip has no such entries");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        long left = zipLength;
        foreach (ZipArchiveEntry entry in entries)
        {
            string name = entry.FullName[prefix.Length..];
            if (!IsPlain(name)) throw Error(path, prefix, "an entry's name is not that of a model's file");
            if (!names.Add(name)) throw Error(path, prefix, $"'{name}' occurs twice");
            if (entry.Length != entry.CompressedLength)
                throw Error(path, prefix, $"'{name}' is compressed, but a model's files must be stored uncompressed (zip -0)");
            if (entry.Length > left) throw Error(path, prefix, $"'{name}' claims {entry.Length} bytes, more than the zip has");
            left -= entry.Length;
        }
        return entries;
    }

    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= LongestName && name[0] != '.'
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');

    /// <summary>
    /// Opens the weights in the zip. The zip stream's position after reading the first byte of a stored entry shows where the entry begins.
    /// </summary>
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
        new($"'{path}' has a damaged model in {prefix}: {what}.", inner);
}
