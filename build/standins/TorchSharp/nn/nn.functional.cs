namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        // Layers and losses without state.
        public static class functional
        {
            public static Tensor linear(Tensor input, Tensor weights, Tensor bias = null) =>
                Tensor.Made(Native.ts_linear(input.Handle, weights.Handle, Tensor.HandleOrNull(bias)), input, weights, bias);

            public static unsafe Tensor layer_norm(
                Tensor input, long[] normalized_shape, Tensor weight = null, Tensor bias = null, double eps = 1e-05)
            {
                fixed (long* shape = normalized_shape)
                    return Tensor.Made(
                        Native.ts_layer_norm(
                            input.Handle, shape, normalized_shape.Length, Tensor.HandleOrNull(weight), Tensor.HandleOrNull(bias), eps),
                        input, weight, bias);
            }

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_().alias() : x.relu();

            public static Tensor gelu(Tensor x) => x.gelu();

            public static Tensor gelu(Tensor x, bool inplace) => inplace ? x.gelu_().alias() : x.gelu();

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_().alias() : x.silu();

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => inplace
                ? input.Done(Native.ts_dropout_(input.Handle, p, training)).alias()
                : Tensor.Made(Native.ts_dropout(input.Handle, p, training), input);

            public static Tensor one_hot(Tensor x, long num_classes = -1) =>
                Tensor.Made(Native.ts_one_hot(x.Handle, num_classes), x);

            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1e-12)
            {
                using var norm = Tensor.Made(Native.ts_norm_dim(input.Handle, p, dim, true), input);
                using var least = norm.clamp_min(eps);
                return input.div(least);
            }

            public static Tensor cross_entropy(
                Tensor input, Tensor target, Tensor weight = null, long ignore_index = -100,
                Reduction reduction = Reduction.Mean, double label_smoothing = 0) =>
                Tensor.Made(
                    Native.ts_cross_entropy(
                        input.Handle, target.Handle, Tensor.HandleOrNull(weight), ignore_index, (long)reduction, label_smoothing),
                    input, target, weight);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Tensor.Made(
                    Native.ts_nll_loss(input.Handle, target.Handle, Tensor.HandleOrNull(weight), (long)reduction), input, target, weight);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Tensor.Made(Native.ts_mse_loss(input.Handle, target.Handle, (long)reduction), input, target);

            // The target holds logarithms unless told otherwise.
            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Tensor.Made(Native.ts_kl_div(input.Handle, target.Handle, (long)reduction, log_target), input, target);

            public static Tensor scaled_dot_product_attention(
                Tensor query, Tensor key, Tensor value, Tensor attn_mask = null, double p = 0, bool is_casual = false)
            {
                if (p < 0)
                    throw new ArgumentException("Dropout probability must be greater than or equal to zero.");
                if (is_casual && attn_mask is not null)
                    throw new ArgumentException("Casual attention masking cannot pass a mask.");
                var handle = Native.ts_attention(
                    query.Handle, key.Handle, value.Handle, Tensor.HandleOrNull(attn_mask), p, is_casual);
                GC.KeepAlive(attn_mask);
                return Tensor.Made(handle, query, key, value);
            }
        }

        public static partial class utils
        {
            // Returns the norm before clipping.
            public static unsafe double clip_grad_norm_(IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2)
            {
                var parameters = tensors as IList<Modules.Parameter> ?? tensors.ToList();
                var handles = Native.Handles(parameters);
                double norm;
                fixed (nint* p = handles)
                    Native.Check(Native.ts_clip_grad_norm(p, handles.Length, max_norm, norm_type, &norm));
                GC.KeepAlive(parameters);
                return norm;
            }
        }

        public static class init
        {
            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator generator = null)
            {
                using (no_grad())
                    return tensor.normal_(mean, std, generator);
            }

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator generator = null)
            {
                using (no_grad())
                    return tensor.uniform_(low, high, generator);
            }

            public static Tensor constant_(Tensor tensor, Scalar val)
            {
                using (no_grad())
                    return tensor.fill_(val);
            }

            public static Tensor zeros_(Tensor tensor) => constant_(tensor, 0);

            public static Tensor ones_(Tensor tensor) => constant_(tensor, 1);
        }
    }
}
