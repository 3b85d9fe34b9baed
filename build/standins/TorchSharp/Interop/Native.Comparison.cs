using System.Runtime.InteropServices;

namespace TorchSharp;

// Comparisons, truth values and masks: native/comparison.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_eq(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_ne(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_lt(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_le(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_gt(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_ge(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_eq_scalar(nint a, ScalarArg b);
    [DllImport(Library)] internal static extern nint ts_ne_scalar(nint a, ScalarArg b);
    [DllImport(Library)] internal static extern nint ts_lt_scalar(nint a, ScalarArg b);
    [DllImport(Library)] internal static extern nint ts_le_scalar(nint a, ScalarArg b);
    [DllImport(Library)] internal static extern nint ts_gt_scalar(nint a, ScalarArg b);
    [DllImport(Library)] internal static extern nint ts_ge_scalar(nint a, ScalarArg b);
    [DllImport(Library)] internal static extern nint ts_logical_and(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_logical_or(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_logical_xor(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_logical_not(nint a);
    [DllImport(Library)] internal static extern nint ts_isnan(nint a);
    [DllImport(Library)] internal static extern nint ts_isinf(nint a);
    [DllImport(Library)] internal static extern nint ts_isfinite(nint a);
    [DllImport(Library)] internal static extern nint ts_nonzero(nint a);
    [DllImport(Library)] internal static extern nint ts_all(nint a);
    [DllImport(Library)] internal static extern nint ts_any(nint a);
    [DllImport(Library)] internal static extern nint ts_masked_select(nint a, nint b);
    [DllImport(Library)] internal static extern nint ts_all_dim(nint a, long dim, bool keepdim);
    [DllImport(Library)] internal static extern nint ts_any_dim(nint a, long dim, bool keepdim);
    [DllImport(Library)] internal static extern int ts_allclose(nint a, nint b, double rtol, double atol, bool equal_nan, bool* @out);
    [DllImport(Library)] internal static extern nint ts_isclose(nint a, nint b, double rtol, double atol, bool equal_nan);
    [DllImport(Library)] internal static extern nint ts_where(nint condition, nint x, nint y);
    [DllImport(Library)] internal static extern nint ts_masked_fill(nint a, nint mask, ScalarArg value);
    [DllImport(Library)] internal static extern int ts_masked_fill_(nint a, nint mask, ScalarArg value);
}
