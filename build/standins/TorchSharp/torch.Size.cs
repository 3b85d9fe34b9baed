using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    // A shape as a value.
    public struct Size : IEnumerable<long>
    {
        private readonly long[] _shape;

        public Size(long[] shape) => _shape = (long[])shape.Clone();

        public Size(IEnumerable<long> shape) => _shape = shape.ToArray();

        public Size(long size) => _shape = [size];

        public Size((long, long) size) => _shape = [size.Item1, size.Item2];

        public Size((long, long, long) size) => _shape = [size.Item1, size.Item2, size.Item3];

        public Size((long, long, long, long) size) => _shape = [size.Item1, size.Item2, size.Item3, size.Item4];

        public long[] Shape => _shape ?? [];

        public int Length => Shape.Length;

        public bool IsEmpty => Length == 0;

        public bool IsScalar => Length == 0;

        public long this[int idx] => Shape[idx];

        public long numel() => Shape.TotalSize();

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size(long[] size) => new(size);
        public static implicit operator Size((long, long) size) => new(size);
        public static implicit operator Size((long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long) size) => new(size);

        public static bool operator ==(Size left, Size right) => left.Shape.AsSpan().SequenceEqual(right.Shape);

        public static bool operator !=(Size left, Size right) => !(left == right);

        public override bool Equals(object obj) => obj is Size other && this == other;

        public override int GetHashCode() => Shape.Aggregate(0, HashCode.Combine);

        public IEnumerator<long> GetEnumerator() => Shape.AsEnumerable().GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    public static Tensor randint(
        long low, long high, Size size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        Generator generator = null, string[] names = null) =>
        randint(low, high, size.Shape, dtype, device, requires_grad, generator, names);

    public static Tensor randint(
        long high, Size size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        Generator generator = null, string[] names = null) =>
        randint(0L, high, size.Shape, dtype, device, requires_grad, generator, names);

    public static Tensor randint(
        int low, int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        Generator generator = null, string[] names = null) =>
        randint(low, high, Array.ConvertAll(size, n => (long)n), dtype, device, requires_grad, generator, names);

    public static Tensor randint(
        int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        Generator generator = null, string[] names = null) =>
        randint(0, high, size, dtype, device, requires_grad, generator, names);
}
