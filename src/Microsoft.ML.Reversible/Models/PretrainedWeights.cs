using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>Compares a folder's weights with a configuration, and then reads them into a network of that configuration.</summary>
internal sealed class PretrainedWeights : IDisposable
{
    /// <summary>Number of missing tensors after which the check ends: a damaged configuration may ask for any number of layers.</summary>
    private const int MostMissing = 1000;

    private const string Head = LanguageNetwork.HeadName + ".weight";

    private static readonly string[] _dtypes = ["F32", "F16", "BF16", "F64"];

    /// <summary>How the names of buffers end that files of any family may have.</summary>
    private static readonly string[] _buffers = ["position_ids", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached"];

    private readonly WeightFiles _files;
    private readonly LanguageModelConfiguration _configuration;
    private readonly Dictionary<string, string> _places = [];
    private readonly string _prefix;
    private readonly bool _prefixed;

    private PretrainedWeights(WeightFiles files, LanguageModelConfiguration configuration)
    {
        (_files, _configuration) = (files, configuration);
        _prefix = configuration.NamePrefix;
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
            var weights = new PretrainedWeights(files, configuration);
            weights.Check();
            return weights;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Reads a network's parameters piece by piece, so that no weight is in memory twice.</summary>
    public void ReadInto(LanguageNetwork network)
    {
        foreach (NamedWeight weight in network.Weights())
        {
            using var scope = NewDisposeScope();
            string name = _places[weight.Name];
            TensorStorage.ReadInto(_files.Owner(name), name, weight.View());
        }
    }

    public void Dispose() => _files.Dispose();

    private void Check()
    {
        // The matrix of token ids is the first of the weights.
        string embedding = NameInFile(_configuration.DeclaredWeights().First().Name);
        _files.CheckIndex(name => !IsBuffer(name) && !(_configuration.TiedHead && (name == Head || name == embedding)));

        var problems = new ProblemList();
        HashSet<string> unknown = [.. _files.Names];
        int missing = 0;
        foreach (NamedWeight expected in _configuration.DeclaredWeights())
        {
            string name = NameInFile(expected.Name);
            string? place = unknown.Contains(name) ? name : _files.TwinOf(name);
            if (place is null && _configuration.TiedHead && name == embedding && unknown.Contains(Head)) place = Head;
            if (place is not null)
            {
                unknown.Remove(place);
                _places[expected.Name] = place;
                CheckTensor(place, expected.FileShape, problems);
                continue;
            }
            problems.Add("Missing", name);
            if (++missing == MostMissing) break;
        }

        if (_configuration.TiedHead && unknown.Remove(Head)) CheckSecondCopy(embedding, problems);
        if (missing < MostMissing)
            foreach (string name in unknown.Where(name => !IsBuffer(name))) problems.Add("Not known", name);
        problems.ThrowIfAny($"'{_files.Path}' does not hold the tensors of the model that config.json describes.");
    }

    /// <summary>Files of tied models may hold the shared matrix a second time. Another matrix would be a head of its own.</summary>
    private void CheckSecondCopy(string embedding, ProblemList problems)
    {
        CheckTensor(Head, [_configuration.VocabularySize, _configuration.Width], problems);
        if (problems.Count == 0 && !TensorStorage.AreSame(_files.Owner(Head), Head, _files.Owner(embedding), embedding))
            problems.Add("Not equal, although tie_word_embeddings is true in config.json", $"{Head} and {embedding}");
    }

    private bool IsBuffer(string name) =>
        _configuration.IsBuffer(name) || Array.Exists(_buffers, end => name.EndsWith(end, StringComparison.Ordinal));

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

/// <summary>
/// Writes a network's parameters, with an adapter merged, into a folder: one model.safetensors, or several files with an index.
/// </summary>
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

    /// <summary>Splits the tensors into files of at most a number of bytes; a larger tensor gets a file of its own.</summary>
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
            TensorStorage.Source(weight.Name, weight.Merged(), type).Write(stream);
        });
}
