namespace TorchSharp;

public static partial class torch
{
    // Views and rearrangements.
    public partial class Tensor
    {
        public Tensor contiguous() => Made(Native.ts_contiguous(Handle), this);
        public Tensor clone() => Made(Native.ts_clone(Handle), this);
        public Tensor alias() => Made(Native.ts_alias(Handle), this);
        public Tensor t() => Made(Native.ts_t(Handle), this);
        public Tensor pin_memory() => Made(Native.ts_pin_memory(Handle), this);
        public unsafe Tensor view(params long[] shape)
        {
            fixed (long* p = shape)
                return Made(Native.ts_view(Handle, p, shape.Length), this);
        }
        public unsafe Tensor reshape(params long[] shape)
        {
            fixed (long* p = shape)
                return Made(Native.ts_reshape(Handle, p, shape.Length), this);
        }
        public Tensor view_as(Tensor other) => view(other.shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Made(Native.ts_flatten(Handle, start_dim, end_dim), this);
        public Tensor ravel() => reshape(-1);
        public unsafe Tensor unflatten(long dim, params long[] sizes)
        {
            fixed (long* p = sizes)
                return Made(Native.ts_unflatten(Handle, dim, p, sizes.Length), this);
        }
        public Tensor transpose(long dim0, long dim1) => Made(Native.ts_transpose(Handle, dim0, dim1), this);
        public Tensor transpose_(long dim0, long dim1) => Done(Native.ts_transpose_(Handle, dim0, dim1));
        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor swapdims(long dim0, long dim1) => transpose(dim0, dim1);
        public unsafe Tensor permute(params long[] permutation)
        {
            fixed (long* p = permutation)
                return Made(Native.ts_permute(Handle, p, permutation.Length), this);
        }
        public unsafe Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false)
        {
            fixed (long* p = sizes)
                return Made(Native.ts_expand(Handle, p, sizes.Length, isImplicit), this);
        }
        public Tensor expand(long[] sizes, bool isImplicit = false) => expand((ReadOnlySpan<long>)sizes, isImplicit);
        public Tensor expand(params long[] sizes) => expand((ReadOnlySpan<long>)sizes);
        public Tensor expand(Size sizes, bool isImplicit = false) => expand((ReadOnlySpan<long>)sizes.Shape, isImplicit);
        public Tensor unflatten(long dim, Size sizes) => unflatten(dim, sizes.Shape);
        public Tensor permute(IEnumerable<long> permutation) => permute(permutation.ToArray());
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Made(Native.ts_repeat_interleave_each(Handle, repeats.Handle, dim.HasValue, dim ?? 0), this, repeats);
        public Tensor roll((long, long) shifts, (long, long) dims) =>
            roll((ReadOnlySpan<long>)[shifts.Item1, shifts.Item2], [dims.Item1, dims.Item2]);
        public Tensor expand_as(Tensor other) => expand(other.shape);
        public Tensor broadcast_to(params long[] shape) => expand((ReadOnlySpan<long>)shape);
        public unsafe Tensor repeat(params long[] sizes)
        {
            fixed (long* p = sizes)
                return Made(Native.ts_repeat(Handle, p, sizes.Length), this);
        }
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            Made(Native.ts_repeat_interleave(Handle, repeats, dim.HasValue, dim ?? 0), this);
        public Tensor unsqueeze(long dim) => Made(Native.ts_unsqueeze(Handle, dim), this);
        public Tensor unsqueeze_(long dim) => Done(Native.ts_unsqueeze_(Handle, dim));
        public Tensor squeeze(long? dim = null) => Made(Native.ts_squeeze(Handle, dim.HasValue, dim ?? 0), this);
        public Tensor narrow(long dim, long start, long length) => Made(Native.ts_narrow(Handle, dim, start, length), this);
        public Tensor select(long dim, long index) => Made(Native.ts_select(Handle, dim, index), this);
        public Tensor slice(long dim, long start, long finish, long step) => Made(Native.ts_slice(Handle, dim, start, finish, step), this);
        public unsafe Tensor as_strided(long[] size, long[] strides, long storageOffset = 0)
        {
            fixed (long* p = size, q = strides)
                return Made(Native.ts_as_strided(Handle, p, q, size.Length, storageOffset), this);
        }
        public unsafe Tensor roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default)
        {
            fixed (long* p = shifts, q = dims)
                return Made(Native.ts_roll(Handle, p, shifts.Length, q, dims.Length), this);
        }
        public Tensor roll(long shifts, long? dims = null) =>
            dims is { } dim ? roll((ReadOnlySpan<long>)[shifts], [dim]) : roll((ReadOnlySpan<long>)[shifts]);
        public Tensor roll(long[] shifts) => roll((ReadOnlySpan<long>)shifts);
        public Tensor roll(long[] shifts, long[] dims) => roll((ReadOnlySpan<long>)shifts, dims);
        public unsafe Tensor flip(params long[] dims)
        {
            fixed (long* p = dims)
                return Made(Native.ts_flip(Handle, p, dims.Length), this);
        }
        public Tensor tril(long diagonal = 0) => Made(Native.ts_tril(Handle, diagonal), this);
        public Tensor tril_(long diagonal = 0) => Done(Native.ts_tril_(Handle, diagonal));
        public Tensor triu(long diagonal = 0) => Made(Native.ts_triu(Handle, diagonal), this);
        public Tensor triu_(long diagonal = 0) => Done(Native.ts_triu_(Handle, diagonal));
        public Tensor diag(long diagonal = 0) => Made(Native.ts_diag(Handle, diagonal), this);
        public unsafe Tensor[] split(long size, int dim = 0)
        {
            nint* made;
            long count;
            Done(Native.ts_split(Handle, size, dim, &made, &count));
            return Native.Take(made, count);
        }
        public unsafe Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0)
        {
            nint* made;
            long count;
            fixed (long* p = sizes)
                Done(Native.ts_split_sizes(Handle, p, sizes.Length, dim, &made, &count));
            return Native.Take(made, count);
        }
        public Tensor[] split(long[] sizes, long dim = 0) => split((ReadOnlySpan<long>)sizes, dim);
        public Tensor[] split(params long[] sizes) => split((ReadOnlySpan<long>)sizes);
        public unsafe Tensor[] chunk(long chunks, long dim = 0)
        {
            nint* made;
            long count;
            Done(Native.ts_chunk(Handle, chunks, dim, &made, &count));
            return Native.Take(made, count);
        }
        public unsafe Tensor[] unbind(long dimension = 0)
        {
            nint* made;
            long count;
            Done(Native.ts_unbind(Handle, dimension, &made, &count));
            return Native.Take(made, count);
        }
    }
}
