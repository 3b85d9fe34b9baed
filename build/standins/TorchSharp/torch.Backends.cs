using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    public static unsafe string __version__ => Marshal.PtrToStringUTF8((nint)Native.ts_version());

    public static int get_num_threads() => Native.ts_get_num_threads();

    public static void set_num_threads(int num) => Native.Check(Native.ts_set_num_threads(num));

    public static int get_num_interop_threads() => Native.ts_get_num_interop_threads();

    public static void set_num_interop_threads(int num) => Native.Check(Native.ts_set_num_interop_threads(num));

    public static bool cuda_is_available() => cuda.is_available();

    public static class cuda
    {
        public static bool is_available() => Native.ts_cuda_is_available();

        public static bool is_cudnn_available() => Native.ts_cudnn_is_available();

        public static int device_count() => Native.ts_cuda_device_count();

        public static void manual_seed(long seed) => Native.Check(Native.ts_cuda_manual_seed(seed, false));

        public static void manual_seed_all(long seed) => Native.Check(Native.ts_cuda_manual_seed(seed, true));

        public static void synchronize(Device device = null) => Native.Check(Native.ts_cuda_synchronize(device?.index ?? -1));
    }

    public static class backends
    {
        public static class cuda
        {
            public static bool flash_sdp_enabled() => Native.ts_get_flash_sdp();

            public static void enable_flash_sdp(bool enable) => Native.ts_set_flash_sdp(enable);

            public static bool math_sdp_enabled() => Native.ts_get_math_sdp();

            public static void enable_math_sdp(bool enable) => Native.ts_set_math_sdp(enable);

            public static class matmul
            {
                public static bool allow_tf32
                {
                    get => Native.ts_get_matmul_tf32();
                    set => Native.ts_set_matmul_tf32(value);
                }
            }
        }

        public static class cudnn
        {
            public static bool allow_tf32
            {
                get => Native.ts_get_cudnn_tf32();
                set => Native.ts_set_cudnn_tf32(value);
            }
        }
    }
}
