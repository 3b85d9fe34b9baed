namespace TorchSharp;

public static partial class torch
{
    // One place in an index: a position, a slice, a tensor of positions, or one of the marks.
    public struct TensorIndex
    {
        private enum Kind
        {
            Single,
            Slice,
            Ellipsis,
            None,
            Bool,
            Tensor,
        }

        // How the C ABI writes a bound that is not given.
        private const long Absent = long.MinValue;

        private Kind _kind;
        private long? _start, _stop, _step;
        private Tensor _tensor;

        public static readonly TensorIndex Ellipsis = new() { _kind = Kind.Ellipsis };
        public static readonly TensorIndex None = new() { _kind = Kind.None };
        public static readonly TensorIndex Null = new() { _kind = Kind.None };
        public static readonly TensorIndex Colon = new() { _kind = Kind.Slice };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { _kind = Kind.Slice, _start = start, _stop = stop, _step = step };

        public static TensorIndex Slice((int?, int?) range) => Slice(range.Item1, range.Item2);

        public static TensorIndex Slice(Range range)
        {
            var start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            long? stop = !range.End.IsFromEnd ? range.End.Value : range.End.Value == 0 ? null : -range.End.Value;
            return Slice(start, stop);
        }

        public static TensorIndex Bool(bool value) => new() { _kind = Kind.Bool, _start = value ? 1 : 0 };

        public static TensorIndex Single(long? index) => new() { _kind = Kind.Single, _start = index };

        public static TensorIndex Tensor(Tensor tensor) => new() { _kind = Kind.Tensor, _tensor = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);

        public static implicit operator TensorIndex(Range range) => Slice(range);

        public static implicit operator TensorIndex((int?, int?) range) => Slice(range);

        public static implicit operator Tensor(TensorIndex value) => value._tensor;

        internal Native.IndexArg Arg => new()
        {
            Kind = (long)_kind,
            Start = _start ?? Absent,
            Stop = _stop ?? Absent,
            Step = _step ?? Absent,
            Tensor = torch.Tensor.HandleOrNull(_tensor),
        };
    }
}
