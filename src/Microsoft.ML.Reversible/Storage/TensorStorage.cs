using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>
/// Converts tensors between TorchSharp and the safetensors format, some rows at a time, so that a conversion or a copy from a device needs
/// little memory in addition to the tensor itself.
/// </summary>
internal static class TensorStorage
{
    private const int PieceBytes = 8 << 20;

    /// <summary>Returns the format's name of an element type.</summary>
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

    /// <summary>Returns a tensor to be written, in its own element type or another, to which it is converted while it is written.</summary>
    public static SafeTensorSource Source(string name, Tensor tensor, ScalarType? type = null) =>
        new(name, DtypeName(type ?? tensor.dtype), tensor.shape, stream => Write(name, tensor, type ?? tensor.dtype, stream));

    /// <summary>Reads a tensor onto the CPU with the element type it is stored in.</summary>
    /// <exception cref="InvalidDataException">There is no such tensor, or TorchSharp has no such element type.</exception>
    public static Tensor Read(SafeTensorsFile file, string name)
    {
        SafeTensorInfo info = file.Info(name);
        using var scope = NewDisposeScope();
        Tensor tensor = empty(info.Shape.ToArray(), dtype: TypeOf(file, info), device: CPU);
        ReadInto(file, name, tensor);
        return tensor.MoveToOuterDisposeScope();
    }

    /// <summary>Reads a tensor into an existing one of the same shape, on any device and of any element type.</summary>
    /// <remarks>
    /// The shapes are compared here because TorchSharp's copy broadcasts: one value would silently fill a whole weight.
    /// </remarks>
    /// <exception cref="InvalidDataException">
    /// There is no such tensor, or it has another shape, or TorchSharp has no such element type.
    /// </exception>
    public static void ReadInto(SafeTensorsFile file, string name, Tensor destination)
    {
        SafeTensorInfo info = file.Info(name);
        ScalarType type = TypeOf(file, info);
        if (!info.Shape.SequenceEqual(destination.shape))
            throw file.Error(name, $"has the shape {Show(info.Shape)}; the model needs {Show(destination.shape)}.");
        if (info.Length == 0) return;

        using Stream stream = file.OpenRead(name);
        foreach ((long first, long rows) in Pieces(info.Shape, info.Length))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Tensor part = info.Shape.Count == 0 ? destination : destination.narrow(0, first, rows);
            Tensor stored = empty(part.shape, dtype: type, device: CPU);
            stream.ReadExactly(stored.bytes);
            part.copy_(stored);
        }
    }

    private static void Write(string name, Tensor tensor, ScalarType type, Stream stream)
    {
        if (tensor.NumberOfElements == 0) return;
        long bytes = SafeTensorInfo.ByteCount(DtypeName(type), tensor.shape);
        foreach ((long first, long rows) in Pieces(tensor.shape, bytes))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Tensor part = (tensor.dim() == 0 ? tensor : tensor.narrow(0, first, rows)).detach();
            Tensor stored = part.to(type).cpu().contiguous();
            if (type == ScalarType.Float16 && part.dtype != type) CheckRange(name, part, stored);
            stream.Write(stored.bytes);
        }
    }

    /// <summary>Refuses weights beyond half precision's 65,504, which would be read as infinity.</summary>
    private static void CheckRange(string name, Tensor values, Tensor stored)
    {
        if (stored.isinf().sum().item<long>() != values.isinf().sum().item<long>())
            throw new InvalidOperationException(
                $"Tensor '{name}' holds values beyond float16's 65,504. Store the model as bfloat16 or float32.");
    }

    /// <summary>Splits the first dimension into ranges of about <see cref="PieceBytes"/> each.</summary>
    private static IEnumerable<(long First, long Rows)> Pieces(IReadOnlyList<long> shape, long bytes)
    {
        long total = shape.Count == 0 ? 1 : shape[0];
        long most = Math.Max(1, PieceBytes / (bytes / total));
        for (long first = 0; first < total; first += most) yield return (first, Math.Min(most, total - first));
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
