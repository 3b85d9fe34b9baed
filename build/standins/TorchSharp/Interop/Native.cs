using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace TorchSharp;

// The C ABI of native/: how its errors become exceptions, and the structures that cross it.
internal static unsafe partial class Native
{
    private const string Library = "TorchStandIn";

    [StructLayout(LayoutKind.Sequential)]
    internal struct ScalarArg
    {
        public long Bits;
        public long Kind;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct OptionsArg
    {
        public int Type;
        public int Device;
        public int Index;
        public int RequiresGrad;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct IndexArg
    {
        public long Kind;
        public long Start;
        public long Stop;
        public long Step;
        public nint Tensor;
    }

    // libgomp reads this once, when it is loaded. Its idle threads spin for milliseconds by default, which slows everything down several
    // times over wherever other processes want the same cores; not to spin at all costs a third where none do. This is some microseconds.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "It must run before the native library is loaded, whoever loads it first.")]
    internal static void LetIdleThreadsSpinBriefly() => _ = setenv("GOMP_SPINCOUNT"u8, "2000"u8);

    private static int setenv(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        fixed (byte* n = name, v = value)
            return setenv(n, v, overwrite: 0);
    }

    [DllImport("libc")]
    private static extern int setenv(byte* name, byte* value, int overwrite);

    internal static void Check(int status)
    {
        if (status != 0)
            Throw();
    }

    [DoesNotReturn]
    internal static void Throw() => throw new ExternalException(Marshal.PtrToStringUTF8((nint)ts_last_error()));

    // Takes over the handles of a native array and frees the array.
    internal static torch.Tensor[] Take(nint* array, long count)
    {
        var tensors = new torch.Tensor[count];
        for (var i = 0; i < tensors.Length; i++)
            tensors[i] = array[i] == 0 ? torch.Tensor.Invalid() : new torch.Tensor(array[i]);
        ts_free_array(array);
        return tensors;
    }

    internal static nint[] Handles(IEnumerable<torch.Tensor> tensors) =>
        tensors is null ? [] : tensors.Select(t => t is null || t.IsInvalid ? 0 : t.Handle).ToArray();
}
