using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A GPT's parameters under Hugging Face's names for GPT-2, whose Conv1D layers keep their matrices transposed.</summary>
internal static class GptWeights
{
    private const string Prefix = "transformer.";

    /// <summary>Buffers that older Hugging Face files carry and that hold nothing learned.</summary>
    private static readonly string[] Ignored = [".attn.bias", ".attn.masked_bias"];

    public static void Write(string path, LanguageNetwork model)
    {
        SafeTensorSource[] tensors = [.. model.Weights().Select(Source)];
        SafeTensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>
    /// Compares with the file what decides how large a model is, before it is made: a damaged configuration may ask for any
    /// amount of memory.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is damaged or holds another model's tensors; the message names one.</exception>
    public static void CheckSize(string path, GptConfiguration configuration)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        string prefix = PrefixOf(file);
        Check("wte.weight", configuration.VocabularySize, configuration.Width);
        Check("wpe.weight", configuration.ContextLength, configuration.Width);
        for (int layer = 0; layer < configuration.LayerCount; layer++)
            Check($"h.{layer}.mlp.c_fc.weight", configuration.Width, configuration.HiddenWidth);

        void Check(string name, long rows, long columns)
        {
            IReadOnlyList<long> shape = file.Info(prefix + name).Shape;
            if (shape is not [long r, long c] || (r, c) != (rows, columns))
                throw file.Error(prefix + name, $"has the shape [{string.Join(", ", shape)}]; by config.json it is [{rows}, {columns}].");
        }
    }

    /// <summary>Reads a file into a model, with or without the prefix <c>transformer.</c>.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, or a tensor is missing, too many or of another shape; the message lists them.
    /// </exception>
    public static void Read(string path, LanguageNetwork model)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        string prefix = PrefixOf(file);
        NamedWeight[] weights = [.. model.Weights()];
        CheckNames(path, file, [.. weights.Select(w => NameIn(prefix, w))]);
        foreach (NamedWeight weight in weights)
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            TensorStorage.ReadInto(file, NameIn(prefix, weight), weight.View());
        }
    }

    private static string NameIn(string prefix, NamedWeight weight) =>
        weight.Name.StartsWith(Prefix, StringComparison.Ordinal) ? prefix + weight.Name[Prefix.Length..] : weight.Name;

    private static string PrefixOf(SafeTensorsFile file) =>
        file.Names.Any(name => name.StartsWith(Prefix, StringComparison.Ordinal)) ? Prefix : "";

    private static SafeTensorSource Source(NamedWeight weight) =>
        new(weight.Name, TensorStorage.DtypeName(weight.Parameter.dtype), weight.FileShape, stream =>
        {
            using var scope = NewDisposeScope();
            TensorStorage.Source(weight.Name, weight.View()).Write(stream);
        });

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
