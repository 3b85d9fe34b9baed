using System.Runtime.InteropServices;

namespace TorchSharp;

// Sums, extremes, norms and running sums: native/reduction.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_sum(nint a, long* dims, long n, bool keepdim, int dtype);
    [DllImport(Library)] internal static extern nint ts_mean(nint a, long* dims, long n, bool keepdim, int dtype);
    [DllImport(Library)] internal static extern nint ts_var(nint a, long* dims, long n, bool unbiased, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_std(nint a, long* dims, long n, bool unbiased, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_prod(nint a, int dtype);
    [DllImport(Library)] internal static extern nint ts_prod_dim(nint a, long dim, bool keepdim, int dtype);
    [DllImport(Library)] internal static extern nint ts_max(nint a);
    [DllImport(Library)] internal static extern nint ts_min(nint a);
    [DllImport(Library)] internal static extern int ts_max_dim(nint a, long dim, bool keepdim, nint* @out);
    [DllImport(Library)] internal static extern int ts_min_dim(nint a, long dim, bool keepdim, nint* @out);
    [DllImport(Library)] internal static extern nint ts_amax(nint a, long* dims, long n, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_amin(nint a, long* dims, long n, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_argmax(nint a, bool all, long dim, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_argmin(nint a, bool all, long dim, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_norm(nint a, double p);
    [DllImport(Library)] internal static extern nint ts_norm_dim(nint a, double p, long dim, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_linalg_norm(nint a, bool has_ord, double ord, long* dims, long n, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_cumsum(nint a, long dim, int dtype);
    [DllImport(Library)] internal static extern nint ts_cumprod(nint a, long dim, int dtype);
    [DllImport(Library)] internal static extern nint ts_logsumexp(nint a, long dim, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_softmax(nint a, long dim, int dtype);
    [DllImport(Library)] internal static extern nint ts_log_softmax(nint a, long dim, int dtype);
}
