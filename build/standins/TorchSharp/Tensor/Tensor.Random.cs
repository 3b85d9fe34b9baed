namespace TorchSharp;

public static partial class torch
{
    // Filling in place.
    public partial class Tensor
    {
        public Tensor normal_(double mean = 0, double std = 1, Generator generator = null) =>
            Done(Native.ts_normal_(Handle, mean, std, Generator.HandleOf(generator)));
        public Tensor uniform_(double from, double to, Generator generator = null) =>
            Done(Native.ts_uniform_(Handle, from, to, Generator.HandleOf(generator)));
        public Tensor exponential_(double lambda = 1, Generator generator = null) =>
            Done(Native.ts_exponential_(Handle, lambda, Generator.HandleOf(generator)));
        public Tensor random_(double from, double to, Generator generator = null) =>
            Done(Native.ts_random_(Handle, (long)from, (long)to, Generator.HandleOf(generator)));
        public Tensor bernoulli(Generator generator = null) => Made(Native.ts_bernoulli(Handle, Generator.HandleOf(generator)), this);
        public Tensor bernoulli_(double p = 0.5, Generator generator = null) =>
            Done(Native.ts_bernoulli_(Handle, p, Generator.HandleOf(generator)));
        public Tensor bernoulli_(Tensor p, Generator generator = null) =>
            Done(Native.ts_bernoulli_each_(Handle, p.Handle, Generator.HandleOf(generator)), p);
        public Tensor multinomial(long num_samples, bool replacement = false, Generator generator = null) =>
            Made(Native.ts_multinomial(Handle, num_samples, replacement, Generator.HandleOf(generator)), this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Done(Native.ts_copy_(Handle, source.Handle, nonBlocking), source);
        public Tensor set_(Tensor source) => Done(Native.ts_set_(Handle, source.Handle), source);
    }
}
