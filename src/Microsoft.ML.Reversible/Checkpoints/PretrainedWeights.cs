using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A folder's weights compared with a configuration, and then read into a network of that configuration.</summary>
internal sealed class PretrainedWeights : IDisposable
{
    /// <summary>Missing tensors after which the search ends: a damaged configuration may ask for any number of layers.</summary>
    private const int MostMissing = 1000;

    private static readonly string[] _dtypes = ["F32", "F16", "BF16", "F64"];

    private readonly WeightFiles _files;
    private readonly string _prefix;
    private readonly bool _prefixed;

    private PretrainedWeights(WeightFiles files, ModelFamily family)
    {
        _files = files;
        _prefix = ExpectedTensors.Prefix(family);
        _prefixed = files.Names.Any(name => name.StartsWith(_prefix, StringComparison.Ordinal));
    }

    /// <summary>Checks weights against the configuration by their headers alone.</summary>
    /// <param name="files">The weights; they are disposed of with the result, or now if they do not fit.</param>
    /// <param name="configuration">The shape of the model that they should be.</param>
    /// <exception cref="InvalidDataException">
    /// Tensors are missing, unknown, or of another shape or an unfit type; the message lists them.
    /// </exception>
    public static PretrainedWeights Check(WeightFiles files, LanguageModelConfiguration configuration)
    {
        try
        {
            var weights = new PretrainedWeights(files, configuration.Family);
            weights.Check(configuration);
            return weights;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Reads a network's parameters piece by piece, so that nothing of the model is in memory twice.</summary>
    public void ReadInto(LanguageNetwork network)
    {
        foreach (NamedWeight weight in network.Weights())
        {
            using var scope = NewDisposeScope();
            string name = NameInFile(weight.Name);
            TensorStorage.ReadInto(_files.Owner(name), name, weight.View());
        }
    }

    public void Dispose() => _files.Dispose();

    private void Check(LanguageModelConfiguration configuration)
    {
        var problems = new ProblemList();
        HashSet<string> unknown = [.. _files.Names.Where(name => !ExpectedTensors.IsBuffer(configuration.Family, name))];
        int missing = 0;
        foreach (ExpectedTensor expected in ExpectedTensors.Of(configuration))
        {
            string name = NameInFile(expected.Name);
            if (unknown.Remove(name))
            {
                CheckTensor(name, expected.Shape, problems);
                continue;
            }
            problems.Add("Missing", name);
            if (++missing == MostMissing) break;
        }

        // Files of tied models may hold the shared matrix a second time.
        if (configuration.TiedHead && unknown.Remove(ExpectedTensors.Head))
            CheckTensor(ExpectedTensors.Head, [configuration.VocabularySize, configuration.Width], problems);
        if (missing < MostMissing)
            foreach (string name in unknown) problems.Add("Not known", name);
        problems.ThrowIfAny($"'{_files.Path}' does not hold the tensors of the model that config.json describes.");
    }

    private void CheckTensor(string name, long[] shape, ProblemList problems)
    {
        SafeTensorInfo found = _files.Info(name);
        if (!found.Shape.SequenceEqual(shape))
            problems.Add("Of another shape", $"{name} {Show(found.Shape)}, by config.json {Show(shape)}");
        if (!_dtypes.Contains(found.Dtype))
            problems.Add($"Of a type that is none of {string.Join(", ", _dtypes)}", $"{name} {found.Dtype}");
    }

    private string NameInFile(string name) =>
        _prefixed || !name.StartsWith(_prefix, StringComparison.Ordinal) ? name : name[_prefix.Length..];

    private static string Show(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
