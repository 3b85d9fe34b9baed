using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A GPT's parameters under Hugging Face's names for GPT-2, whose Conv1D layers keep their matrices transposed.</summary>
internal static class GptWeights
{
    private const string Prefix = "transformer.";

    /// <summary>Buffers that older Hugging Face files carry and that hold nothing learned.</summary>
    private static readonly string[] Ignored = [".attn.bias", ".attn.masked_bias"];

    public static void Write(string path, GptModel model)
    {
        SafeTensorSource[] tensors = [.. model.Weights().Select(Source)];
        SafeTensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>Reads a file into a model, with or without the prefix <c>transformer.</c>.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or a tensor is missing, too many or of another shape; the message lists them.</exception>
    public static void Read(string path, GptModel model)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        string prefix = file.Names.Any(name => name.StartsWith(Prefix, StringComparison.Ordinal)) ? Prefix : "";
        GptWeight[] weights = [.. model.Weights()];
        CheckNames(path, file, [.. weights.Select(w => prefix + w.Name)]);
        foreach (GptWeight weight in weights)
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            TensorStorage.ReadInto(file, prefix + weight.Name, weight.Transposed ? weight.Value.t() : weight.Value);
        }
    }

    private static SafeTensorSource Source(GptWeight weight)
    {
        long[] shape = weight.Value.shape;
        if (!weight.Transposed) return TensorStorage.Source(Prefix + weight.Name, weight.Value);
        return new SafeTensorSource(Prefix + weight.Name, TensorStorage.DtypeName(weight.Value.dtype), [shape[1], shape[0]], stream =>
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            TensorStorage.Source(weight.Name, weight.Value.t().contiguous()).Write(stream);
        });
    }

    private static void CheckNames(string path, SafeTensorsFile file, string[] expected)
    {
        string[] missing = [.. expected.Except(file.Names)];
        string[] extra = [.. file.Names.Except(expected).Where(name => name != "lm_head.weight" && !Ignored.Any(name.EndsWith))];
        if (missing.Length == 0 && extra.Length == 0) return;
        throw new InvalidDataException($"'{path}' does not hold this model's tensors. Missing: {List(missing)}. Not known: {List(extra)}.");
    }

    private static string List(string[] names) =>
        names.Length == 0 ? "none" : string.Join(", ", names.Take(8)) + (names.Length > 8 ? $" and {names.Length - 8} more" : "");
}
