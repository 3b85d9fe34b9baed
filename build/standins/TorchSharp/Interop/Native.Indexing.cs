using System.Runtime.InteropServices;

namespace TorchSharp;

// Reading and writing by index, and ordering: native/indexing.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_index(nint a, IndexArg* args, long n);
    [DllImport(Library)] internal static extern int ts_index_put_(nint a, IndexArg* args, long n, nint value);
    [DllImport(Library)] internal static extern int ts_index_put_scalar_(nint a, IndexArg* args, long n, ScalarArg value);
    [DllImport(Library)] internal static extern int ts_index_put_accumulate_(nint a, nint* handles, long n, nint value, bool accumulate);
    [DllImport(Library)] internal static extern nint ts_gather(nint a, long dim, nint index);
    [DllImport(Library)] internal static extern nint ts_scatter(nint a, long dim, nint index, nint source);
    [DllImport(Library)] internal static extern int ts_scatter_(nint a, long dim, nint index, nint source);
    [DllImport(Library)] internal static extern nint ts_scatter_add(nint a, long dim, nint index, nint source);
    [DllImport(Library)] internal static extern int ts_scatter_add_(nint a, long dim, nint index, nint source);
    [DllImport(Library)] internal static extern nint ts_index_select(nint a, long dim, nint index);
    [DllImport(Library)] internal static extern nint ts_index_add(nint a, long dim, nint index, nint source, ScalarArg alpha);
    [DllImport(Library)] internal static extern int ts_index_add_(nint a, long dim, nint index, nint source, ScalarArg alpha);
    [DllImport(Library)] internal static extern nint ts_index_copy(nint a, long dim, nint index, nint source);
    [DllImport(Library)] internal static extern int ts_index_copy_(nint a, long dim, nint index, nint source);
    [DllImport(Library)] internal static extern nint ts_take_along_dim(nint a, nint index, bool has_dim, long dim);
    [DllImport(Library)] internal static extern int ts_topk(nint a, long k, long dim, bool largest, bool sorted, nint* @out);
    [DllImport(Library)] internal static extern int ts_sort(nint a, long dim, bool descending, bool stable, nint* @out);
    [DllImport(Library)] internal static extern nint ts_argsort(nint a, long dim, bool descending);
    [DllImport(Library)]
    internal static extern nint ts_embedding(nint weight, nint index, long padding, bool scale_by_frequency, bool sparse);
    [DllImport(Library)] internal static extern nint ts_bincount(nint a, nint weights, long minlength);
}
