using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    // The elements as managed values and as bytes.
    public partial class Tensor
    {
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            CheckElementType<T>();
            return new TensorAccessor<T>(this);
        }

        public unsafe T item<T>() where T : unmanaged
        {
            CheckElementType<T>();
            if (NumberOfElements != 1)
                throw new ArgumentException($"item() needs a tensor of one element, not of {NumberOfElements}.");
            using var local = cpu();
            var value = *local.Pointer<T>();
            GC.KeepAlive(local);
            return value;
        }

        public unsafe Scalar ToScalar()
        {
            Native.ScalarArg value;
            Done(Native.ts_item(Handle, &value));
            return Scalar.From(value);
        }

        public Span<byte> bytes
        {
            get => Memory();
            set
            {
                var memory = Memory();
                if (value.Length != memory.Length)
                    throw new ArgumentException($"The tensor holds {memory.Length} bytes, not {value.Length}.");
                value.CopyTo(memory);
            }
        }

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            using var source = Resting();
            for (long at = 0, total = NumberOfElements * ElementSize; at < total;)
            {
                var part = source.Bytes(at, (int)Math.Min(bufferSize, total - at));
                stream.Write(part);
                at += part.Length;
            }
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            using var target = new Contiguous(is_contiguous() && is_cpu() ? alias() : empty(shape, dtype, CPU));
            for (long at = 0, total = NumberOfElements * ElementSize; at < total;)
            {
                var part = target.Bytes(at, (int)Math.Min(bufferSize, total - at));
                stream.ReadExactly(part);
                at += part.Length;
            }
            if (!is_contiguous() || !is_cpu())
                using (no_grad())
                    copy_(target.Tensor);
        }

        internal unsafe T* Pointer<T>() where T : unmanaged
        {
            var pointer = Native.ts_data_ptr(Handle);
            if (pointer is null && NumberOfElements > 0)
                Native.Throw();
            return (T*)pointer;
        }

        private Contiguous Resting()
        {
            using var local = cpu();
            return new Contiguous(local.contiguous());
        }

        private unsafe Span<byte> Memory()
        {
            if (!is_contiguous())
                throw new NotImplementedException("Bytes() called on non-contiguous tensor.");
            if (!is_cpu())
                throw new InvalidOperationException(
                    "Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            return new Span<byte>(Pointer<byte>(), checked((int)(NumberOfElements * ElementSize)));
        }

        private void CheckElementType<T>() where T : unmanaged
        {
            var type = dtype;
            if (TypeOf<T>() != type)
                throw new ArgumentException($"{typeof(T).Name} is not compatible with {type}");
        }

        // A tensor of contiguous memory in reach of the processor, held while its bytes are used.
        private readonly struct Contiguous(Tensor tensor) : IDisposable
        {
            public Tensor Tensor => tensor;

            public unsafe Span<byte> Bytes(long offset, int count) => new(tensor.Pointer<byte>() + offset, count);

            public void Dispose() => tensor.Dispose();
        }
    }
}
