using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Unicode;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>The header of a safetensors file; all of it is checked before any of it is used.</summary>
internal sealed class SafeTensorsHeader
{
    /// <summary>The most bytes of a header, as the format defines it.</summary>
    public const int MaxLength = 100_000_000;

    public const string CutShort = "It may be cut short: copy or download it again.";

    public const string MetadataName = "__metadata__";

    private readonly string _path;
    private readonly Dictionary<string, SafeTensorInfo> _tensors = [];
    private readonly List<string> _names = [];
    private readonly Dictionary<string, string> _metadata = [];

    private SafeTensorsHeader(string path) => _path = path;

    /// <summary>Names in the order of the data.</summary>
    public IReadOnlyList<string> Names => _names;

    public IReadOnlyDictionary<string, SafeTensorInfo> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Reads a header.</summary>
    /// <param name="path">The file's name, for messages.</param>
    /// <param name="json">The header's bytes.</param>
    /// <param name="dataLength">Number of bytes that follow it.</param>
    /// <exception cref="InvalidDataException">
    /// The header breaks a rule of the format; the message names the file and the tensor.
    /// </exception>
    public static SafeTensorsHeader Parse(string path, ReadOnlyMemory<byte> json, long dataLength)
    {
        var header = new SafeTensorsHeader(path);
        header.ReadObject(json);
        header.CheckLayout(dataLength);
        return header;
    }

    public static InvalidDataException Error(string path, string what) => new($"'{path}' is not a valid safetensors file: {what}");

    private InvalidDataException Error(string what) => Error(_path, what);

    private InvalidDataException TensorError(string tensor, string what) => Error(_path, $"tensor '{tensor}' {what}");

    private void ReadObject(ReadOnlyMemory<byte> json)
    {
        if (json.IsEmpty || json.Span[0] != '{')
            throw Error("the header does not begin with '{'.");
        if (!Utf8.IsValid(json.Span))
            throw Error("the header is not UTF-8.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            var seen = new HashSet<string>();
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!seen.Add(property.Name))
                    throw TensorError(property.Name, "occurs twice.");
                if (property.Name == MetadataName)
                    ReadMetadata(property.Value);
                else
                    _tensors.Add(property.Name, ReadTensor(property.Name, property.Value));
            }
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(Error($"the header is not JSON. {JsonFault.Of(e)}").Message, e);
        }
        catch (InvalidOperationException e)
        {
            // System.Text.Json throws this for an escaped half of a surrogate pair, which is valid JSON but not text.
            throw new InvalidDataException(Error($"the header holds a string that is not text. {e.Message}").Message, e);
        }
    }

    private void ReadMetadata(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null) return;
        if (value.ValueKind != JsonValueKind.Object)
            throw Error($"{MetadataName} is not an object.");
        foreach (JsonProperty property in value.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw Error($"{MetadataName} '{property.Name}' is not a string.");
            if (!_metadata.TryAdd(property.Name, property.Value.GetString()!))
                throw Error($"{MetadataName} '{property.Name}' occurs twice.");
        }
    }

    private SafeTensorInfo ReadTensor(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw TensorError(name, "is not an object.");
        var fields = new Dictionary<string, JsonElement>();
        foreach (JsonProperty field in value.EnumerateObject())
        {
            if (!fields.TryAdd(field.Name, field.Value))
                throw TensorError(name, $"has {field.Name} twice.");
        }

        string dtype = fields.TryGetValue("dtype", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw TensorError(name, "has no dtype.");
        if (SafeTensorInfo.ItemSize(dtype) == 0)
            throw TensorError(name, $"has the unknown dtype '{dtype}'.");
        long[] shape = ReadNumbers(name, "shape", fields);
        long[] offsets = ReadNumbers(name, "data_offsets", fields);
        if (offsets.Length != 2 || offsets[0] > offsets[1])
            throw TensorError(name, "has data_offsets that are not a begin and an end.");

        long length = offsets[1] - offsets[0];
        long expected = SafeTensorInfo.ByteCount(dtype, shape);
        if (expected < 0)
            throw TensorError(name, $"has a shape too large to count, [{string.Join(", ", shape)}].");
        if (length != expected)
            throw TensorError(name, $"has {length} bytes; dtype {dtype} and shape [{string.Join(", ", shape)}] make {expected}.");
        return new SafeTensorInfo(name, dtype, shape, offsets[0], length);
    }

    private long[] ReadNumbers(string name, string field, Dictionary<string, JsonElement> fields)
    {
        if (!fields.TryGetValue(field, out JsonElement value) || value.ValueKind != JsonValueKind.Array)
            throw TensorError(name, $"has no {field}.");
        var numbers = new List<long>();
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out long number) || number < 0)
                throw TensorError(name, $"has a {field} with {item.GetRawText()} in it, which is not a whole number from 0 to 2^63 - 1.");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>
    /// Checks that the tensors cover the data without holes or overlaps: two readers could read a file with hidden bytes differently.
    /// </summary>
    private void CheckLayout(long dataLength)
    {
        long end = 0;
        foreach (SafeTensorInfo tensor in _tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Length))
        {
            if (tensor.Offset < end)
                throw TensorError(tensor.Name, $"begins at {tensor.Offset}, inside the one before it, which ends at {end}.");
            if (tensor.Offset > end)
                throw TensorError(tensor.Name, $"begins at {tensor.Offset} and leaves a hole after {end}.");
            end = tensor.Offset + tensor.Length;
            if (end > dataLength)
                throw TensorError(tensor.Name, $"ends at {end}; the file has only {dataLength} bytes of data. {CutShort}");
            _names.Add(tensor.Name);
        }
        if (end != dataLength)
            throw Error($"its tensors end at {end}; the file has {dataLength} bytes of data.");
    }
}

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dtype">The format's name of its element type, such as "F32".</param>
/// <param name="Shape">Its sizes; none for a scalar.</param>
/// <param name="Offset">Where its bytes begin, from the beginning of the data.</param>
/// <param name="Length">Number of its bytes.</param>
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

    /// <summary>Returns the bytes of an element, or 0 where the type is unknown.</summary>
    public static int ItemSize(string dtype) => _sizes.GetValueOrDefault(dtype);

    /// <summary>Returns the bytes of a tensor, or -1 where the number exceeds 64 bits or a size is negative.</summary>
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
