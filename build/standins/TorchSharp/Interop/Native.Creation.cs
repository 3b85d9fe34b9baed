using System.Runtime.InteropServices;

namespace TorchSharp;

// New tensors: native/creation.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_empty(long* sizes, long n, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_zeros(long* sizes, long n, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_ones(long* sizes, long n, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_full(long* sizes, long n, ScalarArg value, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_rand(long* sizes, long n, nint g, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_randn(long* sizes, long n, nint g, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_randint(long low, long high, long* sizes, long n, nint g, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_randperm(long count, nint g, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_arange(ScalarArg start, ScalarArg stop, ScalarArg step, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_linspace(double start, double end, long steps, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_eye(long rows, long columns, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_empty_like(nint a, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_zeros_like(nint a, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_ones_like(nint a, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_full_like(nint a, ScalarArg value, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_rand_like(nint a, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_randn_like(nint a, OptionsArg o);
    [DllImport(Library)] internal static extern nint ts_from_data(void* data, int data_dtype, long* sizes, long n, OptionsArg o);
    [DllImport(Library)]
    internal static extern nint ts_from_buffer(void* data, long count, int dtype, void* context, delegate* unmanaged<void*, void> release);
}
