using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public class Linear : nn.Module<Tensor, Tensor>
    {
        internal Linear(Parameter weight, Parameter bias) : base(nameof(Linear))
        {
            this.weight = weight;
            this.bias = bias;
            in_features = weight.shape[1];
            out_features = weight.shape[0];
        }

        public long in_features { get; set; }

        public long out_features { get; set; }

        public Parameter weight
        {
            get => get_parameter(nameof(weight));
            set => ConditionallyRegisterParameter(nameof(weight), value);
        }

        public Parameter bias
        {
            get => get_parameter(nameof(bias));
            set => ConditionallyRegisterParameter(nameof(bias), value);
        }

        public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, weight, bias);
    }

    public class LayerNorm : nn.Module<Tensor, Tensor>
    {
        internal LayerNorm(long[] shape, double eps, bool affine, bool hasBias, Device device, ScalarType? dtype) : base(nameof(LayerNorm))
        {
            normalized_shape = shape;
            this.eps = eps;
            elementwise_affine = affine;
            if (affine)
                weight = new Parameter(ones(shape, dtype, device));
            if (affine && hasBias)
                bias = new Parameter(zeros(shape, dtype, device));
        }

        public long[] normalized_shape { get; set; }

        public double eps { get; set; }

        public bool elementwise_affine { get; set; }

        public Parameter weight
        {
            get => get_parameter(nameof(weight));
            set => ConditionallyRegisterParameter(nameof(weight), value);
        }

        public Parameter bias
        {
            get => get_parameter(nameof(bias));
            set => ConditionallyRegisterParameter(nameof(bias), value);
        }

        public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalized_shape, weight, bias, eps);
    }

    public class Embedding : nn.Module<Tensor, Tensor>
    {
        private readonly long _padding;
        private readonly bool _scale, _sparse;

        internal Embedding(Parameter weight, long? padding, bool scale, bool sparse) : base(nameof(Embedding))
        {
            this.weight = weight;
            _padding = padding ?? -1;
            _scale = scale;
            _sparse = sparse;
        }

        public Parameter weight
        {
            get => get_parameter(nameof(weight));
            set => ConditionallyRegisterParameter(nameof(weight), value);
        }

        public override Tensor forward(Tensor input) =>
            Tensor.Made(Native.ts_embedding(weight.Handle, input.Handle, _padding, _scale, _sparse), weight, input);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Linear Linear(
                long inputSize, long outputSize, bool hasBias = true, Device device = null, ScalarType? dtype = null)
            {
                var bound = 1 / Math.Sqrt(inputSize);
                var weight = Drawn([outputSize, inputSize], bound, device, dtype);
                return new Modules.Linear(weight, hasBias ? Drawn([outputSize], bound, device, dtype) : null);
            }

            public static Modules.Linear Linear(Modules.Parameter weight, Modules.Parameter bias = null) => new(weight, bias);

            public static Modules.LayerNorm LayerNorm(
                long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true,
                Device device = null, ScalarType? dtype = null) =>
                new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

            public static Modules.LayerNorm LayerNorm(
                long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true,
                Device device = null, ScalarType? dtype = null) =>
                new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

            public static Modules.Embedding Embedding(
                long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2,
                bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                if (max_norm is not null)
                    throw new ArgumentException("A largest norm of the rows is not known here.", nameof(max_norm));
                var weight = randn([num_embeddings, embedding_dims], dtype, device);
                if (padding_idx is { } padding)
                    weight.select(0, padding).zero_();
                return new Modules.Embedding(new Modules.Parameter(weight), padding_idx, scale_grad_by_freq, sparse);
            }

            private static Modules.Parameter Drawn(long[] shape, double bound, Device device, ScalarType? dtype) =>
                new(empty(shape, dtype, device).uniform_(-bound, bound));
        }
    }
}
