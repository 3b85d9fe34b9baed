using System.Runtime.InteropServices;

namespace TorchSharp;

// Views and rearrangements: native/shape.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_view(nint a, long* sizes, long n);
    [DllImport(Library)] internal static extern nint ts_reshape(nint a, long* sizes, long n);
    [DllImport(Library)] internal static extern nint ts_flatten(nint a, long start, long end);
    [DllImport(Library)] internal static extern nint ts_unflatten(nint a, long dim, long* sizes, long n);
    [DllImport(Library)] internal static extern nint ts_transpose(nint a, long dim0, long dim1);
    [DllImport(Library)] internal static extern int ts_transpose_(nint a, long dim0, long dim1);
    [DllImport(Library)] internal static extern nint ts_permute(nint a, long* dims, long n);
    [DllImport(Library)] internal static extern nint ts_t(nint a);
    [DllImport(Library)] internal static extern nint ts_expand(nint a, long* sizes, long n, bool @implicit);
    [DllImport(Library)] internal static extern nint ts_repeat(nint a, long* sizes, long n);
    [DllImport(Library)] internal static extern nint ts_repeat_interleave(nint a, long repeats, bool has_dim, long dim);
    [DllImport(Library)] internal static extern nint ts_repeat_interleave_each(nint a, nint repeats, bool has_dim, long dim);
    [DllImport(Library)] internal static extern nint ts_unsqueeze(nint a, long dim);
    [DllImport(Library)] internal static extern int ts_unsqueeze_(nint a, long dim);
    [DllImport(Library)] internal static extern nint ts_squeeze(nint a, bool has_dim, long dim);
    [DllImport(Library)] internal static extern nint ts_narrow(nint a, long dim, long start, long length);
    [DllImport(Library)] internal static extern nint ts_select(nint a, long dim, long index);
    [DllImport(Library)] internal static extern nint ts_slice(nint a, long dim, long start, long finish, long step);
    [DllImport(Library)] internal static extern nint ts_as_strided(nint a, long* sizes, long* strides, long n, long offset);
    [DllImport(Library)] internal static extern nint ts_roll(nint a, long* shifts, long n, long* dims, long dim_count);
    [DllImport(Library)] internal static extern nint ts_flip(nint a, long* dims, long n);
    [DllImport(Library)] internal static extern nint ts_tril(nint a, long diagonal);
    [DllImport(Library)] internal static extern nint ts_triu(nint a, long diagonal);
    [DllImport(Library)] internal static extern int ts_tril_(nint a, long diagonal);
    [DllImport(Library)] internal static extern int ts_triu_(nint a, long diagonal);
    [DllImport(Library)] internal static extern nint ts_diag(nint a, long diagonal);
    [DllImport(Library)] internal static extern nint ts_cat(nint* tensors, long n, long dim);
    [DllImport(Library)] internal static extern nint ts_stack(nint* tensors, long n, long dim);
    [DllImport(Library)] internal static extern int ts_split(nint a, long size, long dim, nint** @out, long* count);
    [DllImport(Library)] internal static extern int ts_split_sizes(nint a, long* sizes, long n, long dim, nint** @out, long* count);
    [DllImport(Library)] internal static extern int ts_chunk(nint a, long chunks, long dim, nint** @out, long* count);
    [DllImport(Library)] internal static extern int ts_unbind(nint a, long dim, nint** @out, long* count);
}
