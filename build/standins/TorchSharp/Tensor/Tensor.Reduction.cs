namespace TorchSharp;

public static partial class torch
{
    // Sums, extremes, norms and running sums.
    public partial class Tensor
    {
        public unsafe Tensor sum(ScalarType? type = null) => Made(Native.ts_sum(Handle, null, -1, false, TypeOr(type)), this);
        public unsafe Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* dims = dim)
                return Made(Native.ts_sum(Handle, dims, dim.Length, keepdim, TypeOr(type)), this);
        }
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => sum((ReadOnlySpan<long>)dim, keepdim, type);
        public unsafe Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) =>
            Made(Native.ts_sum(Handle, &dim, 1, keepdim, TypeOr(type)), this);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) =>
            sum((ReadOnlySpan<long>)[dim0, dim1], keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) =>
            sum((ReadOnlySpan<long>)[dim0, dim1, dim2], keepdim, type);
        public unsafe Tensor mean() => Made(Native.ts_mean(Handle, null, -1, false, -1), this);
        public unsafe Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* dims = dimensions)
                return Made(Native.ts_mean(Handle, dims, dimensions.Length, keepdim, TypeOr(type)), this);
        }
        public unsafe Tensor var(bool unbiased = true) => Made(Native.ts_var(Handle, null, -1, unbiased, false), this);
        public unsafe Tensor var(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* dims = dimensions)
                return Typed(Made(Native.ts_var(Handle, dims, dimensions.Length, unbiased, keepdim), this), type);
        }
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            var((ReadOnlySpan<long>)dimensions, unbiased, keepdim, type);
        public Tensor var((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            var((ReadOnlySpan<long>)[dim.Item1, dim.Item2], unbiased, keepdim, type);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            var((ReadOnlySpan<long>)[dim], unbiased, keepdim, type);
        public unsafe Tensor std(bool unbiased = true) => Made(Native.ts_std(Handle, null, -1, unbiased, false), this);
        public unsafe Tensor std(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* dims = dimensions)
                return Typed(Made(Native.ts_std(Handle, dims, dimensions.Length, unbiased, keepdim), this), type);
        }
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            std((ReadOnlySpan<long>)dimensions, unbiased, keepdim, type);
        public Tensor std((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            std((ReadOnlySpan<long>)[dim.Item1, dim.Item2], unbiased, keepdim, type);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            std((ReadOnlySpan<long>)[dim], unbiased, keepdim, type);
        public Tensor prod(ScalarType? type = null) => Made(Native.ts_prod(Handle, TypeOr(type)), this);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) =>
            Made(Native.ts_prod_dim(Handle, dim, keepdim, TypeOr(type)), this);
        public Tensor max() => Made(Native.ts_max(Handle), this);
        public Tensor min() => Made(Native.ts_min(Handle), this);
        public unsafe (Tensor, Tensor) max(long dim, bool keepdim = false)
        {
            var made = stackalloc nint[2];
            return Two(Native.ts_max_dim(Handle, dim, keepdim, made), made, this);
        }
        public unsafe (Tensor, Tensor) min(long dim, bool keepdim = false)
        {
            var made = stackalloc nint[2];
            return Two(Native.ts_min_dim(Handle, dim, keepdim, made), made, this);
        }
        public Tensor amax(params long[] dims) => amax((ReadOnlySpan<long>)dims);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor @out = null) => amax((ReadOnlySpan<long>)dims, keepdim, @out);
        public unsafe Tensor amax(ReadOnlySpan<long> dims, bool keepdim = false, Tensor @out = null)
        {
            fixed (long* p = dims)
            {
                var result = Made(Native.ts_amax(Handle, p, dims.Length, keepdim), this);
                return @out is null ? result : @out.copy_(result);
            }
        }
        public Tensor amin(params long[] dims) => amin((ReadOnlySpan<long>)dims);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor @out = null) => amin((ReadOnlySpan<long>)dims, keepdim, @out);
        public unsafe Tensor amin(ReadOnlySpan<long> dims, bool keepdim = false, Tensor @out = null)
        {
            fixed (long* p = dims)
            {
                var result = Made(Native.ts_amin(Handle, p, dims.Length, keepdim), this);
                return @out is null ? result : @out.copy_(result);
            }
        }
        public Tensor argmax() => Made(Native.ts_argmax(Handle, true, 0, false), this);
        public Tensor argmax(long dim, bool keepdim = false) => Made(Native.ts_argmax(Handle, false, dim, keepdim), this);
        public Tensor argmin() => Made(Native.ts_argmin(Handle, true, 0, false), this);
        public Tensor argmin(long dim, bool keepdim = false) => Made(Native.ts_argmin(Handle, false, dim, keepdim), this);
        public Tensor norm(float p = 2) => Made(Native.ts_norm(Handle, p), this);
        public Tensor norm(int dim, bool keepdim = false, float p = 2) => Made(Native.ts_norm_dim(Handle, p, dim, keepdim), this);
        public Tensor cumsum(long dim, ScalarType? type = null) => Made(Native.ts_cumsum(Handle, dim, TypeOr(type)), this);
        public Tensor cumprod(long dim, ScalarType? type = null) => Made(Native.ts_cumprod(Handle, dim, TypeOr(type)), this);
        public Tensor logsumexp(long dim, bool keepdim = false) => Made(Native.ts_logsumexp(Handle, dim, keepdim), this);
        public Tensor softmax(long dim, ScalarType? dtype = null) => Made(Native.ts_softmax(Handle, dim, TypeOr(dtype)), this);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Made(Native.ts_log_softmax(Handle, dim, TypeOr(dtype)), this);

        private static int TypeOr(ScalarType? type) => type is { } given ? (int)given : -1;

        private static Tensor Typed(Tensor result, ScalarType? type) => type is { } given ? result.to(given, disposeAfter: true) : result;
    }
}
