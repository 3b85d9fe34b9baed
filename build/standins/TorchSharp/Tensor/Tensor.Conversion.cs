namespace TorchSharp;

public static partial class torch
{
    // Other types and other devices. The result is always a handle of its own, over the same memory where nothing had to change.
    public partial class Tensor
    {
        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted((int)type, -1, -1, copy, disposeAfter, non_blocking);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(type, copy, disposeAfter, non_blocking);

        public Tensor type(ScalarType dtype) => to(dtype);

        public Tensor type_as(Tensor tensor) => to(tensor.dtype);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(-1, (int)device.type, device.index, copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(
            DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted((int)type, (int)device.type, device.index, copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);

        public Tensor cpu() => to(CPU);

        public Tensor cuda(Device device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);

        public Tensor @float() => to(ScalarType.Float32);
        public Tensor @double() => to(ScalarType.Float64);
        public Tensor half() => to(ScalarType.Float16);
        public Tensor bfloat16() => to(ScalarType.BFloat16);
        public Tensor @long() => to(ScalarType.Int64);
        public Tensor @int() => to(ScalarType.Int32);
        public Tensor @short() => to(ScalarType.Int16);
        public Tensor @byte() => to(ScalarType.Byte);
        public Tensor @char() => to(ScalarType.Int8);
        public Tensor @bool() => to(ScalarType.Bool);

        public static implicit operator Tensor(byte value) => tensor(value);
        public static implicit operator Tensor(sbyte value) => tensor(value);
        public static implicit operator Tensor(short value) => tensor(value);
        public static implicit operator Tensor(int value) => tensor(value);
        public static implicit operator Tensor(long value) => tensor(value);
        public static implicit operator Tensor(float value) => tensor(value);
        public static implicit operator Tensor(double value) => tensor(value);
        public static implicit operator Tensor(bool value) => tensor(value);

        public static implicit operator Tensor(byte[] value) => tensor(value);
        public static implicit operator Tensor(sbyte[] value) => tensor(value);
        public static implicit operator Tensor(short[] value) => tensor(value);
        public static implicit operator Tensor(int[] value) => tensor(value);
        public static implicit operator Tensor(long[] value) => tensor(value);
        public static implicit operator Tensor(float[] value) => tensor(value);
        public static implicit operator Tensor(double[] value) => tensor(value);
        public static implicit operator Tensor(bool[] value) => tensor(value);

        // Makes a Scalar the better match where a method takes either.
        public static implicit operator Tensor(Scalar scalar) => scalar.Value.Kind == 2 ? tensor(scalar.AsDouble) : tensor(scalar.AsInt64);

        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator bool(Tensor value) => value.ToBoolean();

        private Tensor Converted(int type, int device, int index, bool copy, bool disposeAfter, bool nonBlocking)
        {
            if (device == (int)DeviceType.CUDA)
                InitializeDeviceType(DeviceType.CUDA);
            var result = Made(Native.ts_to(Handle, type, device, index, copy, nonBlocking), this);
            if (disposeAfter)
                Dispose();
            return result;
        }
    }
}
