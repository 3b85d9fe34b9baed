using System.Runtime.InteropServices;

namespace TorchSharp;

// Gradients: native/autograd.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern bool ts_requires_grad(nint a);
    [DllImport(Library)] internal static extern bool ts_is_leaf(nint a);
    [DllImport(Library)] internal static extern int ts_set_requires_grad(nint a, bool value);
    [DllImport(Library)] internal static extern int ts_retain_grad(nint a);
    [DllImport(Library)] internal static extern nint ts_grad(nint a);
    [DllImport(Library)] internal static extern int ts_set_grad(nint a, nint grad);
    [DllImport(Library)] internal static extern bool ts_grad_enabled();
    [DllImport(Library)] internal static extern void ts_set_grad_enabled(bool enabled);
    [DllImport(Library)] internal static extern bool ts_inference_enabled();
    [DllImport(Library)] internal static extern void* ts_inference_enter(bool enabled);
    [DllImport(Library)] internal static extern void ts_inference_leave(void* guard);
    [DllImport(Library)]
    internal static extern int ts_backward(
        nint* tensors, long n, nint* grads, long grad_count,
        bool retain, bool create, nint* inputs, long input_count);
    [DllImport(Library)]
    internal static extern int ts_autograd_grad(
        nint* outputs, long n, nint* inputs, long input_count, nint* grads,
        long grad_count, bool retain, bool create, bool allow_unused, nint** @out, long* count);
    [DllImport(Library)]
    internal static extern int ts_clip_grad_norm(nint* parameters, long n, double max_norm, double norm_type, double* total);
}
