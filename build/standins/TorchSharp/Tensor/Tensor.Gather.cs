namespace TorchSharp;

public static partial class torch
{
    // Reading and writing by index tensors, and ordering.
    public partial class Tensor
    {
        public Tensor gather(long dim, Tensor index) => Made(Native.ts_gather(Handle, dim, index.Handle), this, index);
        public Tensor scatter(long dim, Tensor index, Tensor src) =>
            Made(Native.ts_scatter(Handle, dim, index.Handle, src.Handle), this, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) =>
            Done(Native.ts_scatter_(Handle, dim, index.Handle, src.Handle), index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) =>
            Made(Native.ts_scatter_add(Handle, dim, index.Handle, src.Handle), this, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) =>
            Done(Native.ts_scatter_add_(Handle, dim, index.Handle, src.Handle), index, src);
        public Tensor index_select(long dim, Tensor index) => Made(Native.ts_index_select(Handle, dim, index.Handle), this, index);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Made(Native.ts_index_add(Handle, dim, index.Handle, source.Handle, alpha.Value), this, index, source);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Done(Native.ts_index_add_(Handle, dim, index.Handle, source.Handle, alpha.Value), index, source);
        public Tensor index_copy(long dim, Tensor index, Tensor source) =>
            Made(Native.ts_index_copy(Handle, dim, index.Handle, source.Handle), this, index, source);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) =>
            Done(Native.ts_index_copy_(Handle, dim, index.Handle, source.Handle), index, source);
        public Tensor take_along_dim(Tensor indices) => Made(Native.ts_take_along_dim(Handle, indices.Handle, false, 0), this, indices);
        public Tensor take_along_dim(Tensor indices, long dim) =>
            Made(Native.ts_take_along_dim(Handle, indices.Handle, true, dim), this, indices);
        public unsafe (Tensor, Tensor) topk(int k, int dim = -1, bool largest = true, bool sorted = true)
        {
            var made = stackalloc nint[2];
            return Two(Native.ts_topk(Handle, k, dim, largest, sorted, made), made, this);
        }
        public unsafe (Tensor, Tensor) sort(long dim = -1, bool descending = false, bool stable = false)
        {
            var made = stackalloc nint[2];
            return Two(Native.ts_sort(Handle, dim, descending, stable, made), made, this);
        }
        public Tensor argsort(long dim = -1, bool descending = false) => Made(Native.ts_argsort(Handle, dim, descending), this);
        public Tensor bincount(Tensor weights, long minlength = 0) =>
            Made(Native.ts_bincount(Handle, HandleOrNull(weights), minlength), this, weights);
    }
}
