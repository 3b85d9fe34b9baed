using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>Reads and writes the parameters of a network's adapter as PEFT's adapter_model.safetensors.</summary>
internal static class AdapterWeights
{
    public const string FileName = "adapter_model.safetensors";

    private static readonly string[] _dtypes = ["F32", "F16", "BF16", "F64"];

    private static readonly Dictionary<string, string> _metadata = new() { ["format"] = "pt" };

    /// <summary>Checks by the header alone that a file holds the adapter of a network, which needs no memory for that.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="network">The network.</param>
    /// <exception cref="InvalidDataException">
    /// Tensors are missing, unknown, or of another shape or an unfit type; the message lists them.
    /// </exception>
    public static void Check(SafeTensorsFile file, string path, LanguageNetwork network)
    {
        var problems = new ProblemList();
        HashSet<string> unknown = [.. file.Names];
        foreach (IGrouping<object, NamedWeight> copies in Copies(network))
        {
            NamedWeight[] found = [.. copies.Where(weight => unknown.Remove(weight.Name))];
            if (found.Length == 0) problems.Add("Missing", copies.First().Name);
            foreach (NamedWeight weight in found) CheckTensor(file.Info(weight.Name), weight.Shape, problems);
            if (problems.Count == 0 && found is [var one, var two] && !TensorStorage.AreSame(file, one.Name, file, two.Name))
                problems.Add("Not equal, although the model ties them", $"{one.Name} and {two.Name}");
        }
        foreach (string name in unknown) problems.Add("Not known", name);
        problems.ThrowIfAny(
            $"'{path}' does not hold an adapter of this model, or not the one that adapter_config.json describes. " +
            "Was it made for another base model?");
    }

    /// <summary>Reads the parameters from a file that has passed <see cref="Check"/>.</summary>
    public static void ReadInto(SafeTensorsFile file, LanguageNetwork network)
    {
        foreach (IGrouping<object, NamedWeight> copies in Copies(network))
        {
            using var scope = NewDisposeScope();
            NamedWeight weight = copies.First(copy => file.Contains(copy.Name));
            TensorStorage.ReadInto(file, weight.Name, weight.View());
        }
    }

    /// <summary>Writes the parameters in float32, in the order of their names.</summary>
    public static void Write(string path, LanguageNetwork network) => SafeTensorsWriter.Write(
        path, [.. network.AdapterWeights().OrderBy(weight => weight.Name, StringComparer.Ordinal).Select(Source)], _metadata);

    private static SafeTensorSource Source(NamedWeight weight) =>
        new(weight.Name, TensorStorage.DtypeName(ScalarType.Float32), weight.FileShape, stream =>
        {
            using var scope = NewDisposeScope();
            TensorStorage.Source(weight.Name, weight.View(), ScalarType.Float32).Write(stream);
        });

    /// <summary>Groups the weights by their memory: a tied matrix has two names.</summary>
    private static IEnumerable<IGrouping<object, NamedWeight>> Copies(LanguageNetwork network) =>
        network.AdapterWeights().GroupBy(weight => (object)(weight.Parameter, weight.FirstRow));

    private static void CheckTensor(SafeTensorInfo found, IReadOnlyList<long> shape, ProblemList problems)
    {
        if (!found.Shape.SequenceEqual(shape))
            problems.Add("Of another shape", $"{found.Name} {Show(found.Shape)}, which must be {Show(shape)}");
        if (!_dtypes.Contains(found.Dtype))
            problems.Add($"Of a type that is none of {string.Join(", ", _dtypes)}", $"{found.Name} {found.Dtype}");

        static string Show(IEnumerable<long> sizes) => $"[{string.Join(", ", sizes)}]";
    }
}
