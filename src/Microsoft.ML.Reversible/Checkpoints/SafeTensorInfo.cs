using System.Collections.Frozen;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dtype">The format's name of its element type, such as "F32".</param>
/// <param name="Shape">Its sizes; none for a scalar.</param>
/// <param name="Offset">Where its bytes begin, counted from the beginning of the data.</param>
/// <param name="Length">How many bytes it has.</param>
internal sealed record SafeTensorInfo(string Name, string Dtype, IReadOnlyList<long> Shape, long Offset, long Length)
{
    private static readonly FrozenDictionary<string, int> _sizes = new Dictionary<string, int>
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E5M2"] = 1,
        ["F8_E4M3"] = 1,
        ["F8_E8M0"] = 1,
        ["I16"] = 2,
        ["U16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I32"] = 4,
        ["U32"] = 4,
        ["F32"] = 4,
        ["I64"] = 8,
        ["U64"] = 8,
        ["F64"] = 8,
        ["C64"] = 8,
    }.ToFrozenDictionary();

    /// <summary>Bytes an element takes, or 0 where the type is unknown.</summary>
    public static int ItemSize(string dtype) => _sizes.GetValueOrDefault(dtype);

    /// <summary>Bytes a tensor takes, or -1 where the number is beyond 64 bits or a size is negative.</summary>
    public static long ByteCount(string dtype, IReadOnlyList<long> shape)
    {
        long bytes = ItemSize(dtype);
        foreach (long size in shape)
        {
            if (size < 0 || (size > 0 && bytes > long.MaxValue / size))
                return -1;
            bytes *= size;
        }
        return bytes;
    }
}
