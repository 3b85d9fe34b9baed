using System.IO.Compression;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

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

    /// <summary>The model of an archive, on the CPU: where a model computes is no part of what is saved.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged.</exception>
    public static LanguageModel Unpack(byte[] archive) => Unpack(archive, CPU, Precision.Float32);

    /// <summary>The model of an archive on a device.</summary>
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

    /// <summary>A scorer for the lifetime of the process or of the pipeline that holds the archive.</summary>
    public static ITextScorer Open(byte[] archive) => new TextScorer(Unpack(archive));
}
