using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Folders of small networks, and changes to their files.</summary>
internal static class TestFolders
{
    /// <summary>Saves a network without a tokenizer.</summary>
    public static void Save(
        LanguageNetwork network, string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = long.MaxValue) =>
        PretrainedFolder.Save(new LanguageModel(network, tokenizer: null), folder, precision, maxShardBytes);

    /// <summary>Loads a folder as float32 on the CPU.</summary>
    public static LanguageModel Load(string folder) => PretrainedFolder.Load(folder, CPU, Precision.Float32);

    /// <summary>Saves a small network with random weights.</summary>
    public static void SaveRandom(
        string folder, LanguageModelConfiguration configuration, Scheme? scheme = null, long maxShardBytes = long.MaxValue)
    {
        using LanguageNetwork network = TestModels.Make(configuration, scheme ?? Scheme.Residual, BackwardMode.Stored);
        Save(network, folder, maxShardBytes: maxShardBytes);
    }

    /// <summary>Writes model.safetensors again with other tensors, which the change puts under their names.</summary>
    public static void ChangeTensors(string folder, Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(folder, "model.safetensors");
        Dictionary<string, Tensor> tensors;
        using (SafeTensorsFile file = SafeTensorsFile.Open(path))
            tensors = file.Names.ToDictionary(name => name, name => TensorStorage.Read(file, name));
        change(tensors);
        SafeTensorsWriter.Write(path, [.. tensors.Select(t => TensorStorage.Source(t.Key, t.Value))]);
    }

    /// <summary>Sets fields of a JSON file; null removes one.</summary>
    public static void ChangeJson(string path, Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    /// <summary>Logits of every position for some ids.</summary>
    public static float[] Logits(LanguageNetwork network, params long[] ids)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return network.call(tensor(ids, [1, ids.Length])).data<float>().ToArray();
    }

    /// <summary>The ids that follow, each the most likely one.</summary>
    public static long[] Greedy(LanguageNetwork network, long[] prompt, int count)
    {
        List<long> ids = [.. prompt];
        int vocabulary = network.Configuration.VocabularySize;
        for (int i = 0; i < count; i++)
        {
            float[] last = Logits(network, [.. ids])[^vocabulary..];
            ids.Add(Array.IndexOf(last, last.Max()));
        }
        return [.. ids.Skip(prompt.Length)];
    }

    public static bool SameWeights(LanguageNetwork a, LanguageNetwork b) =>
        a.parameters().Zip(b.parameters(), TestModels.SameBits).All(same => same) && a.parameters().Count() == b.parameters().Count();
}
