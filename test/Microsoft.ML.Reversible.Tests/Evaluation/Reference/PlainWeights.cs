using System.Buffers.Binary;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The float32 tensors of a safetensors file as float64, read by the format's description alone.</summary>
internal static class PlainWeights
{
    public static Dictionary<string, double[]> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        var weights = new Dictionary<string, double[]>();
        foreach (JsonProperty tensor in header.RootElement.EnumerateObject().Where(p => p.Name != "__metadata__"))
        {
            Assert.AreEqual("F32", tensor.Value.GetProperty("dtype").GetString(), $"dtype of {tensor.Name}");
            int[] bounds = [.. tensor.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt32())];
            var values = new double[(bounds[1] - bounds[0]) / sizeof(float)];
            for (int i = 0; i < values.Length; i++)
                values[i] = BinaryPrimitives.ReadSingleLittleEndian(file.AsSpan(8 + headerLength + bounds[0] + i * sizeof(float)));
            weights[tensor.Name] = values;
        }
        return weights;
    }
}
