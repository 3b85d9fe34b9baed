using System.Runtime.InteropServices;

namespace TorchSharp;

// Random numbers, devices, threads and back-end switches: native/device.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern nint ts_generator_new(ulong seed);
    [DllImport(Library)] internal static extern nint ts_generator_default();
    [DllImport(Library)] internal static extern void ts_generator_free(nint g);
    [DllImport(Library)] internal static extern int ts_generator_manual_seed(nint g, long seed);
    [DllImport(Library)] internal static extern long ts_generator_seed(nint g);
    [DllImport(Library)] internal static extern long ts_generator_initial_seed(nint g);
    [DllImport(Library)] internal static extern nint ts_generator_get_state(nint g);
    [DllImport(Library)] internal static extern int ts_generator_set_state(nint g, nint state);
    [DllImport(Library)] internal static extern int ts_normal_(nint a, double mean, double std, nint g);
    [DllImport(Library)] internal static extern int ts_uniform_(nint a, double from, double to, nint g);
    [DllImport(Library)] internal static extern int ts_exponential_(nint a, double lambda, nint g);
    [DllImport(Library)] internal static extern int ts_random_(nint a, long from, long to, nint g);
    [DllImport(Library)] internal static extern nint ts_bernoulli(nint a, nint g);
    [DllImport(Library)] internal static extern int ts_bernoulli_(nint a, double p, nint g);
    [DllImport(Library)] internal static extern int ts_bernoulli_each_(nint a, nint p, nint g);
    [DllImport(Library)] internal static extern nint ts_multinomial(nint a, long samples, bool replacement, nint g);
    [DllImport(Library)] internal static extern int ts_get_num_threads();
    [DllImport(Library)] internal static extern int ts_get_num_interop_threads();
    [DllImport(Library)] internal static extern int ts_set_num_threads(int count);
    [DllImport(Library)] internal static extern int ts_set_num_interop_threads(int count);
    [DllImport(Library)] internal static extern byte* ts_version();
    [DllImport(Library)] internal static extern int ts_get_default_dtype();
    [DllImport(Library)] internal static extern int ts_set_default_dtype(int dtype);
    [DllImport(Library)] internal static extern bool ts_cuda_is_available();
    [DllImport(Library)] internal static extern bool ts_cudnn_is_available();
    [DllImport(Library)] internal static extern int ts_cuda_device_count();
    [DllImport(Library)] internal static extern int ts_cuda_manual_seed(long seed, bool all);
    [DllImport(Library)] internal static extern int ts_cuda_synchronize(long index);
    [DllImport(Library)] internal static extern bool ts_get_matmul_tf32();
    [DllImport(Library)] internal static extern void ts_set_matmul_tf32(bool value);
    [DllImport(Library)] internal static extern bool ts_get_cudnn_tf32();
    [DllImport(Library)] internal static extern void ts_set_cudnn_tf32(bool value);
    [DllImport(Library)] internal static extern bool ts_get_flash_sdp();
    [DllImport(Library)] internal static extern void ts_set_flash_sdp(bool value);
    [DllImport(Library)] internal static extern bool ts_get_math_sdp();
    [DllImport(Library)] internal static extern void ts_set_math_sdp(bool value);
}
