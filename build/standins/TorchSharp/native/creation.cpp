// New tensors: filled, ranged, random, and over given data.
#include "common.h"

#include <c10/core/GradMode.h>

TS_API Handle ts_empty(const int64_t* sizes, int64_t n, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::empty(ts::ints(sizes, n), ts::options(o)), o); });
}

TS_API Handle ts_zeros(const int64_t* sizes, int64_t n, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::zeros(ts::ints(sizes, n), ts::options(o)), o); });
}

TS_API Handle ts_ones(const int64_t* sizes, int64_t n, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::ones(ts::ints(sizes, n), ts::options(o)), o); });
}

TS_API Handle ts_full(const int64_t* sizes, int64_t n, ScalarArg value, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::full(ts::ints(sizes, n), ts::scalar(value), ts::options(o)), o); });
}

TS_API Handle ts_rand(const int64_t* sizes, int64_t n, GeneratorHandle g, OptionsArg o) {
    return ts::make([&] {
        return ts::with_grad(at::rand(ts::ints(sizes, n), ts::optional_generator(g), ts::options(o)), o);
    });
}

TS_API Handle ts_randn(const int64_t* sizes, int64_t n, GeneratorHandle g, OptionsArg o) {
    return ts::make([&] {
        return ts::with_grad(at::randn(ts::ints(sizes, n), ts::optional_generator(g), ts::options(o)), o);
    });
}

TS_API Handle ts_randint(int64_t low, int64_t high, const int64_t* sizes, int64_t n, GeneratorHandle g, OptionsArg o) {
    return ts::make([&] {
        return ts::with_grad(at::randint(low, high, ts::ints(sizes, n), ts::optional_generator(g), ts::options(o)), o);
    });
}

TS_API Handle ts_randperm(int64_t count, GeneratorHandle g, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::randperm(count, ts::optional_generator(g), ts::options(o)), o); });
}

TS_API Handle ts_arange(ScalarArg start, ScalarArg stop, ScalarArg step, OptionsArg o) {
    return ts::make([&] {
        return ts::with_grad(at::arange(ts::scalar(start), ts::scalar(stop), ts::scalar(step), ts::options(o)), o);
    });
}

TS_API Handle ts_linspace(double start, double end, int64_t steps, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::linspace(start, end, steps, ts::options(o)), o); });
}

TS_API Handle ts_eye(int64_t rows, int64_t columns, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::eye(rows, columns, ts::options(o)), o); });
}

TS_API Handle ts_empty_like(Handle a, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::empty_like(*a, ts::options(o)), o); });
}

TS_API Handle ts_zeros_like(Handle a, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::zeros_like(*a, ts::options(o)), o); });
}

TS_API Handle ts_ones_like(Handle a, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::ones_like(*a, ts::options(o)), o); });
}

TS_API Handle ts_full_like(Handle a, ScalarArg value, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::full_like(*a, ts::scalar(value), ts::options(o)), o); });
}

TS_API Handle ts_rand_like(Handle a, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::rand_like(*a, ts::options(o)), o); });
}

TS_API Handle ts_randn_like(Handle a, OptionsArg o) {
    return ts::make([&] { return ts::with_grad(at::randn_like(*a, ts::options(o)), o); });
}

// Copies the caller's memory, so the caller need not keep it.
TS_API Handle ts_from_data(const void* data, int32_t data_dtype, const int64_t* sizes, int64_t n, OptionsArg o) {
    return ts::make([&] {
        at::NoGradGuard no_grad;
        auto view = at::from_blob(const_cast<void*>(data), ts::ints(sizes, n), at::TensorOptions().dtype(static_cast<at::ScalarType>(data_dtype)));
        auto target = ts::options(o);
        if (o.dtype < 0) target = target.dtype(static_cast<at::ScalarType>(data_dtype));
        return ts::with_grad(view.to(target, false, true), o);
    });
}

// Shares memory that the caller keeps pinned until `release(context)` is called.
TS_API Handle ts_from_buffer(void* data, int64_t count, int32_t dtype, void* context, void (*release)(void*)) {
    return ts::make([&] {
        auto sizes = {count};
        return at::from_blob(
            data, sizes, [release, context](void*) { release(context); }, at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)));
    });
}
