namespace TorchSharp;

public static partial class torch
{
    // Shape, type and place.
    public partial class Tensor
    {
        public unsafe long[] shape
        {
            get
            {
                var result = new long[Native.ts_dim(Handle)];
                fixed (long* p = result)
                    Native.ts_sizes(_handle, p);
                GC.KeepAlive(this);
                return result;
            }
        }

        public long[] size() => shape;

        public unsafe long size(int dim)
        {
            long result;
            Done(Native.ts_size(Handle, dim, &result));
            return result;
        }

        public unsafe long[] stride()
        {
            var result = new long[Native.ts_dim(Handle)];
            fixed (long* p = result)
                Native.ts_strides(_handle, p);
            GC.KeepAlive(this);
            return result;
        }

        public long stride(int dim)
        {
            var strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        public long storage_offset() => Kept(Native.ts_storage_offset(Handle));

        public long Dimensions => Kept(Native.ts_dim(Handle));

        public long dim() => Dimensions;

        public long ndim => Dimensions;

        public long NumberOfElements => Kept(Native.ts_numel(Handle));

        public long numel() => NumberOfElements;

        public long ElementSize => Kept(Native.ts_element_size(Handle));

        public long element_size() => ElementSize;

        public ScalarType dtype => (ScalarType)Kept(Native.ts_dtype(Handle));

        public DeviceType device_type => (DeviceType)Kept(Native.ts_device_type(Handle));

        public int device_index => (int)Kept(Native.ts_device_index(Handle));

        public Device device
        {
            get
            {
                var type = device_type;
                return type == DeviceType.CPU ? CPU : new Device(type, device_index);
            }
        }

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_meta => device_type == DeviceType.META;

        public bool is_contiguous() => Kept(Native.ts_is_contiguous(Handle) ? 1 : 0) != 0;

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_integral() => torch.is_integral(dtype);

        public unsafe bool is_pinned()
        {
            bool result;
            Done(Native.ts_is_pinned(Handle, &result));
            return result;
        }

        public override bool Equals(object obj) => obj is Tensor other && Equals(other);

        public bool Equals(Tensor target) => ReferenceEquals(this, target);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

        private long Kept(long value)
        {
            GC.KeepAlive(this);
            return value;
        }
    }

    public static bool is_floating_point(Tensor input) => input.is_floating_point();

    public static bool is_integral(Tensor t) => t.is_integral();

    public static bool is_tensor(object obj) => obj is Tensor;

    public static long numel(Tensor input) => input.numel();
}
