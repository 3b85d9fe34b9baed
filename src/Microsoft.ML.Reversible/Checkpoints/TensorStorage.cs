using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Moves tensors between TorchSharp and the safetensors format.</summary>
internal static class TensorStorage
{
    private const int BufferSize = 1 << 20;

    /// <summary>The format's name of an element type.</summary>
    /// <exception cref="NotSupportedException">The format has none.</exception>
    public static string DtypeName(ScalarType type) => type switch
    {
        ScalarType.Byte => "U8",
        ScalarType.Int8 => "I8",
        ScalarType.Int16 => "I16",
        ScalarType.Int32 => "I32",
        ScalarType.Int64 => "I64",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Float32 => "F32",
        ScalarType.Float64 => "F64",
        ScalarType.Bool => "BOOL",
        ScalarType.ComplexFloat32 => "C64",
        _ => throw new NotSupportedException($"The safetensors format has no type for {type}."),
    };

    /// <summary>A tensor to be written. It is copied to the CPU, if it isn't there, when its turn comes and not before.</summary>
    public static SafeTensorSource Source(string name, Tensor tensor)
        => new(name, DtypeName(tensor.dtype), tensor.shape, stream => Write(tensor, stream));

    /// <summary>Reads a tensor onto the CPU with the element type it is stored in.</summary>
    /// <exception cref="InvalidDataException">There is no such tensor, or TorchSharp has no such element type.</exception>
    public static Tensor Read(SafeTensorsFile file, string name)
    {
        SafeTensorInfo info = file.Info(name);
        ScalarType type = TypeOf(file, info);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor tensor = empty(info.Shape.ToArray(), dtype: type, device: CPU);
        if (info.Length > 0)
        {
            using Stream stream = file.OpenRead(name);
            tensor.ReadBytesFromStream(stream, BufferSize);
        }
        return tensor.MoveToOuterDisposeScope();
    }

    /// <summary>Reads a tensor into an existing one of the same shape, on whatever device and of whatever element type that is.</summary>
    /// <remarks>
    /// The shapes are compared here because TorchSharp's own copying broadcasts: one value would silently fill a whole weight.
    /// </remarks>
    /// <exception cref="InvalidDataException">
    /// There is no such tensor, or it has another shape, or TorchSharp has no such element type.
    /// </exception>
    public static void ReadInto(SafeTensorsFile file, string name, Tensor destination)
    {
        SafeTensorInfo info = file.Info(name);
        if (!info.Shape.SequenceEqual(destination.shape))
            throw file.Error(name, $"has the shape {Show(info.Shape)}; the model needs {Show(destination.shape)}.");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        destination.copy_(Read(file, name));
    }

    private static void Write(Tensor tensor, Stream stream)
    {
        if (tensor.NumberOfElements == 0)
            return;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        tensor.detach().cpu().contiguous().WriteBytesToStream(stream, BufferSize);
    }

    private static string Show(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    private static ScalarType TypeOf(SafeTensorsFile file, SafeTensorInfo info) => info.Dtype switch
    {
        "U8" => ScalarType.Byte,
        "I8" => ScalarType.Int8,
        "I16" => ScalarType.Int16,
        "I32" => ScalarType.Int32,
        "I64" => ScalarType.Int64,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F32" => ScalarType.Float32,
        "F64" => ScalarType.Float64,
        "BOOL" => ScalarType.Bool,
        "C64" => ScalarType.ComplexFloat32,
        _ => throw file.Error(info.Name, $"has the dtype {info.Dtype}, which TorchSharp lacks. Convert the file to F32, F16 or BF16."),
    };
}
