using System.Runtime.InteropServices;

namespace TorchSharp;

// Products, layers, attention and losses: native/linear.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_mm(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_bmm(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_matmul(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_mv(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_dot(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_outer(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_addmm(nint a, nint b, nint c, double beta, double alpha);
    [DllImport(Library)] internal static extern int ts_addmm_(nint a, nint b, nint c, double beta, double alpha);
    [DllImport(Library)] internal static extern nint ts_baddbmm(nint a, nint b, nint c, double beta, double alpha);
    [DllImport(Library)] internal static extern nint ts_einsum(byte* equation, nint* tensors, long n);
    [DllImport(Library)] internal static extern nint ts_eigvals(nint a);
    [DllImport(Library)] internal static extern nint ts_linear(nint input, nint weight, nint bias);
    [DllImport(Library)] internal static extern nint ts_layer_norm(nint input, long* shape, long n, nint weight, nint bias, double eps);
    [DllImport(Library)] internal static extern nint ts_gelu(nint a);
    [DllImport(Library)] internal static extern int ts_gelu_(nint a);
    [DllImport(Library)] internal static extern nint ts_silu(nint a);
    [DllImport(Library)] internal static extern int ts_silu_(nint a);
    [DllImport(Library)] internal static extern nint ts_dropout(nint a, double p, bool training);
    [DllImport(Library)] internal static extern int ts_dropout_(nint a, double p, bool training);
    [DllImport(Library)] internal static extern nint ts_one_hot(nint a, long classes);
    [DllImport(Library)]
    internal static extern nint ts_cross_entropy(nint input, nint target, nint weight, long ignore_index, long reduction, double smoothing);
    [DllImport(Library)] internal static extern nint ts_nll_loss(nint input, nint target, nint weight, long reduction);
    [DllImport(Library)] internal static extern nint ts_mse_loss(nint input, nint target, long reduction);
    [DllImport(Library)] internal static extern nint ts_kl_div(nint input, nint target, long reduction, bool log_target);
    [DllImport(Library)] internal static extern nint ts_attention(nint query, nint key, nint value, nint mask, double dropout, bool causal);
}
