namespace TorchSharp;

public static partial class torch
{
    // A source of random numbers on the processor.
    public class Generator : IDisposable
    {
        private IntPtr _handle;

        public Generator(ulong seed = 0, Device device = null) : this(Native.ts_generator_new(seed)) => this.device = device ?? CPU;

        private Generator(IntPtr handle)
        {
            _handle = handle;
            device = CPU;
        }

        ~Generator() => Dispose(false);

        public static Generator Default => new(Native.ts_generator_default());

        public IntPtr Handle => _handle == 0 ? throw new InvalidOperationException("Generator invalid -- empty handle.") : _handle;

        public Device device { get; }

        public Generator manual_seed(long seed)
        {
            TryInitializeDeviceType(DeviceType.CUDA);
            Native.Check(Native.ts_generator_manual_seed(Handle, seed));
            return this;
        }

        public long seed() => Native.ts_generator_seed(Handle);

        public long initial_seed() => Native.ts_generator_initial_seed(Handle);

        public Tensor get_state() => new(Native.ts_generator_get_state(Handle));

        public void set_state(Tensor value)
        {
            Native.Check(Native.ts_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0)
                Native.ts_generator_free(handle);
        }

        internal static IntPtr HandleOf(Generator generator) => generator is null ? 0 : generator.Handle;
    }

    // Seeds the generator of the processor alone; those of other devices have their own.
    public static Generator manual_seed(long seed) => Generator.Default.manual_seed(seed);

    public static long initial_seed() => Generator.Default.initial_seed();

    public static long seed() => Generator.Default.seed();

    public static Tensor get_rng_state() => Generator.Default.get_state();

    public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static long initial_seed() => torch.initial_seed();

        public static long seed() => torch.seed();

        public static Tensor get_rng_state() => torch.get_rng_state();

        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }
}
