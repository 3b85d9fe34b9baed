// Random numbers, devices, threads and back-end switches.
#include "common.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/DefaultDtype.h>
#include <torch/cuda.h>

#include <cstdlib>
#include <mutex>
#include <thread>

namespace {
// Some builds of libtorch start with one thread; leave the choice to whoever made one.
__attribute__((constructor)) void use_all_cores() {
    if (std::getenv("OMP_NUM_THREADS") == nullptr && at::get_num_threads() == 1) {
        auto cores = std::thread::hardware_concurrency();
        if (cores > 1) at::set_num_threads(static_cast<int>(cores));
    }
}

template <class F>
auto locked(GeneratorHandle g, F&& body) {
    std::lock_guard<std::mutex> lock(g->mutex());
    return body();
}
}  // namespace

TS_API GeneratorHandle ts_generator_new(uint64_t seed) { return new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed)); }
TS_API GeneratorHandle ts_generator_default() { return new at::Generator(at::detail::getDefaultCPUGenerator()); }
TS_API void ts_generator_free(GeneratorHandle g) { delete g; }

TS_API int32_t ts_generator_manual_seed(GeneratorHandle g, int64_t seed) {
    return ts::run([&] { locked(g, [&] { g->set_current_seed(static_cast<uint64_t>(seed)); }); });
}

TS_API int64_t ts_generator_seed(GeneratorHandle g) {
    return locked(g, [&] { return static_cast<int64_t>(g->seed()); });
}

TS_API int64_t ts_generator_initial_seed(GeneratorHandle g) {
    return locked(g, [&] { return static_cast<int64_t>(g->current_seed()); });
}

TS_API Handle ts_generator_get_state(GeneratorHandle g) {
    return ts::make([&] { return locked(g, [&] { return g->get_state(); }); });
}

TS_API int32_t ts_generator_set_state(GeneratorHandle g, Handle state) {
    return ts::run([&] { locked(g, [&] { g->set_state(*state); }); });
}

TS_API int32_t ts_normal_(Handle a, double mean, double std, GeneratorHandle g) {
    return ts::run([&] { a->normal_(mean, std, ts::optional_generator(g)); });
}

TS_API int32_t ts_uniform_(Handle a, double from, double to, GeneratorHandle g) {
    return ts::run([&] { a->uniform_(from, to, ts::optional_generator(g)); });
}

TS_API int32_t ts_exponential_(Handle a, double lambda, GeneratorHandle g) {
    return ts::run([&] { a->exponential_(lambda, ts::optional_generator(g)); });
}

TS_API int32_t ts_random_(Handle a, int64_t from, int64_t to, GeneratorHandle g) {
    return ts::run([&] { a->random_(from, to, ts::optional_generator(g)); });
}

TS_API Handle ts_bernoulli(Handle a, GeneratorHandle g) {
    return ts::make([&] { return a->bernoulli(ts::optional_generator(g)); });
}

TS_API int32_t ts_bernoulli_(Handle a, double p, GeneratorHandle g) {
    return ts::run([&] { a->bernoulli_(p, ts::optional_generator(g)); });
}

TS_API int32_t ts_bernoulli_each_(Handle a, Handle p, GeneratorHandle g) {
    return ts::run([&] { a->bernoulli_(*p, ts::optional_generator(g)); });
}

TS_API Handle ts_multinomial(Handle a, int64_t samples, bool replacement, GeneratorHandle g) {
    return ts::make([&] { return a->multinomial(samples, replacement, ts::optional_generator(g)); });
}

TS_API int32_t ts_get_num_threads() { return at::get_num_threads(); }
TS_API int32_t ts_get_num_interop_threads() { return at::get_num_interop_threads(); }

TS_API int32_t ts_set_num_threads(int32_t count) {
    return ts::run([&] { at::set_num_threads(count); });
}

TS_API int32_t ts_set_num_interop_threads(int32_t count) {
    return ts::run([&] { at::set_num_interop_threads(count); });
}

TS_API const char* ts_version() { return TORCH_VERSION; }
TS_API int32_t ts_get_default_dtype() { return static_cast<int32_t>(c10::get_default_dtype_as_scalartype()); }

TS_API int32_t ts_set_default_dtype(int32_t dtype) {
    return ts::run([&] { c10::set_default_dtype(c10::scalarTypeToTypeMeta(static_cast<at::ScalarType>(dtype))); });
}

TS_API bool ts_cuda_is_available() { return torch::cuda::is_available(); }
TS_API bool ts_cudnn_is_available() { return torch::cuda::cudnn_is_available(); }
TS_API int32_t ts_cuda_device_count() { return static_cast<int32_t>(torch::cuda::device_count()); }

TS_API int32_t ts_cuda_manual_seed(int64_t seed, bool all) {
    return ts::run([&] {
        if (!torch::cuda::is_available()) return;
        if (all) torch::cuda::manual_seed_all(static_cast<uint64_t>(seed));
        else torch::cuda::manual_seed(static_cast<uint64_t>(seed));
    });
}

TS_API int32_t ts_cuda_synchronize(int64_t index) {
    return ts::run([&] { torch::cuda::synchronize(index); });
}

TS_API bool ts_get_matmul_tf32() { return at::globalContext().allowTF32CuBLAS(); }
TS_API void ts_set_matmul_tf32(bool value) { at::globalContext().setAllowTF32CuBLAS(value); }
TS_API bool ts_get_cudnn_tf32() { return at::globalContext().allowTF32CuDNN(); }
TS_API void ts_set_cudnn_tf32(bool value) { at::globalContext().setAllowTF32CuDNN(value); }

#if TORCH_VERSION_MAJOR < 2
namespace {
bool flash_sdp = true, math_sdp = true;
}
TS_API bool ts_get_flash_sdp() { return flash_sdp; }
TS_API void ts_set_flash_sdp(bool value) { flash_sdp = value; }
TS_API bool ts_get_math_sdp() { return math_sdp; }
TS_API void ts_set_math_sdp(bool value) { math_sdp = value; }
#else
TS_API bool ts_get_flash_sdp() { return at::globalContext().userEnabledFlashSDP(); }
TS_API void ts_set_flash_sdp(bool value) { at::globalContext().setSDPUseFlash(value); }
TS_API bool ts_get_math_sdp() { return at::globalContext().userEnabledMathSDP(); }
TS_API void ts_set_math_sdp(bool value) { at::globalContext().setSDPUseMath(value); }
#endif
