using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    // Square brackets, and reading and writing through several indices at once.
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params long[] indices]
        {
            get => index(At(indices));
            set => index_put_(value, At(indices));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => index_put_(value, TensorIndex.Single(i1));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => index(At([i1, i2]));
            set => index_put_(value, At([i1, i2]));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => index(At([i1, i2, i3]));
            set => index_put_(value, At([i1, i2, i3]));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => index(At([i1, i2, i3, i4]));
            set => index_put_(value, At([i1, i2, i3, i4]));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4, long i5]
        {
            get => index(At([i1, i2, i3, i4, i5]));
            set => index_put_(value, At([i1, i2, i3, i4, i5]));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6]
        {
            get => index(At([i1, i2, i3, i4, i5, i6]));
            set => index_put_(value, At([i1, i2, i3, i4, i5, i6]));
        }

        public unsafe Tensor index(params TensorIndex[] indices)
        {
            var args = Array.ConvertAll(indices, i => i.Arg);
            fixed (Native.IndexArg* p = args)
            {
                var made = Made(Native.ts_index(Handle, p, args.Length), this);
                GC.KeepAlive(indices);
                return made;
            }
        }

        public Tensor index(params Tensor[] indices) => index(Array.ConvertAll(indices, Each));

        public unsafe Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            var args = Array.ConvertAll(indices, i => i.Arg);
            fixed (Native.IndexArg* p = args)
            {
                Done(Native.ts_index_put_(Handle, p, args.Length, value.Handle), value);
                GC.KeepAlive(indices);
                return this;
            }
        }

        public unsafe Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            var args = Array.ConvertAll(indices, i => i.Arg);
            fixed (Native.IndexArg* p = args)
            {
                Done(Native.ts_index_put_scalar_(Handle, p, args.Length, value.Value));
                GC.KeepAlive(indices);
                return this;
            }
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices) => index_put_(value, Array.ConvertAll(indices, Each));

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public unsafe Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false)
        {
            var handles = Native.Handles(indices);
            fixed (nint* p = handles)
                Done(Native.ts_index_put_accumulate_(Handle, p, handles.Length, value.Handle, accumulate), value);
            GC.KeepAlive(indices);
            return this;
        }

        private static TensorIndex[] At(long[] indices) => Array.ConvertAll(indices, i => TensorIndex.Single(i));

        private static TensorIndex Each(Tensor index) => index is null ? TensorIndex.Colon : TensorIndex.Tensor(index);
    }
}
