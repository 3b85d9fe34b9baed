using System.Runtime.InteropServices;

namespace TorchSharp;

// TorchScript: native/jit.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_jit_compile(byte* script);
    [DllImport(Library)] internal static extern void ts_jit_free(nint unit);
    [DllImport(Library)]
    internal static extern int ts_jit_invoke(nint unit, byte* name, ScalarArg* arguments, long n, int* kind, nint** @out, long* count);
}
