using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Writes a network's parameters into a folder: one model.safetensors, or several files with an index.</summary>
internal static class WeightWriter
{
    private static readonly Dictionary<string, string> _metadata = new() { ["format"] = "pt" };

    /// <exception cref="InvalidOperationException">A weight is beyond the range of the number type; the message names it.</exception>
    public static void Write(string folder, LanguageNetwork network, WeightPrecision precision, long maxShardBytes)
    {
        SafeTensorSource[] tensors = Sources(network, precision);
        List<List<SafeTensorSource>> shards = Split(tensors, maxShardBytes);
        if (shards is [{ } all])
        {
            SafeTensorsWriter.Write(Path.Combine(folder, WeightFiles.SingleFile), all, _metadata);
            return;
        }

        var index = new Dictionary<string, string>();
        for (int i = 0; i < shards.Count; i++)
        {
            string name = $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            SafeTensorsWriter.Write(Path.Combine(folder, name), shards[i], _metadata);
            foreach (SafeTensorSource tensor in shards[i]) index.Add(tensor.Name, name);
        }
        WeightIndex.Write(Path.Combine(folder, WeightIndex.FileName), index, tensors.Sum(Bytes));
    }

    /// <summary>Writes all parameters to a stream as one file, a tensor at a time.</summary>
    /// <exception cref="InvalidOperationException">A weight is beyond the range of the number type; the message names it.</exception>
    public static void Write(Stream stream, LanguageNetwork network, WeightPrecision precision) =>
        SafeTensorsWriter.Write(stream, Sources(network, precision), _metadata);

    private static SafeTensorSource[] Sources(LanguageNetwork network, WeightPrecision precision) =>
        [.. network.Weights().Select(weight => Source(weight, precision.ToScalarType()))];

    /// <summary>Fills one file after the other; a tensor above the limit gets a file of its own.</summary>
    private static List<List<SafeTensorSource>> Split(SafeTensorSource[] tensors, long maxShardBytes)
    {
        var shards = new List<List<SafeTensorSource>> { new() };
        long filled = 0;
        foreach (SafeTensorSource tensor in tensors)
        {
            long bytes = Bytes(tensor);
            if (filled > 0 && filled > maxShardBytes - bytes)
            {
                shards.Add([]);
                filled = 0;
            }
            shards[^1].Add(tensor);
            filled += bytes;
        }
        return shards;
    }

    private static long Bytes(SafeTensorSource tensor) => SafeTensorInfo.ByteCount(tensor.Dtype, tensor.Shape);

    private static SafeTensorSource Source(NamedWeight weight, ScalarType type) =>
        new(weight.Name, TensorStorage.DtypeName(type), weight.FileShape, stream =>
        {
            using var scope = NewDisposeScope();
            TensorStorage.Source(weight.Name, weight.View(), type).Write(stream);
        });
}
