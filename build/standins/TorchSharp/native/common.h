// What every file of the C ABI shares. A tensor crosses the border as an owned at::Tensor*. Functions that make a tensor return null, and
// all others a status other than zero, when an exception was caught; its message waits in ts_last_error of the same thread.
#pragma once

#include <ATen/ATen.h>
#include <torch/version.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#define TS_API extern "C" __attribute__((visibility("default")))

// libtorch moved from its own optional to std::optional.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#include <optional>
namespace opt = std;
#else
namespace opt = c10;
#endif

using Handle = at::Tensor*;
using GeneratorHandle = at::Generator*;

enum ScalarKind : int32_t { ScalarNone = 0, ScalarInteger = 1, ScalarFloating = 2, ScalarBoolean = 3 };

struct ScalarArg {
    int64_t bits;
    int64_t kind;
};

// dtype and device are -1 where the caller left them open.
struct OptionsArg {
    int32_t dtype;
    int32_t device;
    int32_t index;
    int32_t requires_grad;
};

namespace ts {

void remember(const char* message) noexcept;

template <class F>
bool guarded(F&& body) noexcept {
    try {
        body();
        return true;
    } catch (const c10::Error& e) {
        remember(e.what_without_backtrace());
    } catch (const std::exception& e) {
        remember(e.what());
    } catch (...) {
        remember("an unknown native exception");
    }
    return false;
}

template <class F>
Handle make(F&& body) noexcept {
    Handle made = nullptr;
    guarded([&] { made = new at::Tensor(body()); });
    return made;
}

template <class F>
int32_t run(F&& body) noexcept {
    return guarded(body) ? 0 : 1;
}

template <class Pair>
void put(Handle* out, Pair&& pair) {
    out[0] = new at::Tensor(std::get<0>(pair));
    out[1] = new at::Tensor(std::get<1>(pair));
}

// Hands a list of tensors over as an array that the caller frees with ts_free_array; null stands for an undefined tensor.
inline void put_list(const std::vector<at::Tensor>& list, Handle** out, int64_t* count) {
    auto array = new Handle[list.size()];
    for (size_t i = 0; i < list.size(); i++) array[i] = list[i].defined() ? new at::Tensor(list[i]) : nullptr;
    *out = array;
    *count = static_cast<int64_t>(list.size());
}

inline at::Scalar scalar(ScalarArg s) {
    switch (s.kind) {
        case ScalarFloating: {
            double value;
            std::memcpy(&value, &s.bits, sizeof value);
            return value;
        }
        case ScalarBoolean: return s.bits != 0;
        default: return s.bits;
    }
}

inline opt::optional<at::Scalar> optional_scalar(ScalarArg s) {
    if (s.kind == ScalarNone) return opt::nullopt;
    return scalar(s);
}

inline opt::optional<at::Tensor> optional_tensor(Handle h) {
    if (h == nullptr) return opt::nullopt;
    return *h;
}

inline opt::optional<at::ScalarType> optional_dtype(int32_t dtype) {
    if (dtype < 0) return opt::nullopt;
    return static_cast<at::ScalarType>(dtype);
}

inline opt::optional<at::Generator> optional_generator(GeneratorHandle g) {
    if (g == nullptr) return opt::nullopt;
    return *g;
}

inline at::Device device(int32_t type, int32_t index) {
    return at::Device(static_cast<at::DeviceType>(type), static_cast<at::DeviceIndex>(index));
}

inline at::TensorOptions options(OptionsArg o) {
    at::TensorOptions result;
    if (o.dtype >= 0) result = result.dtype(static_cast<at::ScalarType>(o.dtype));
    if (o.device >= 0) result = result.device(device(o.device, o.index));
    return result;
}

inline at::Tensor with_grad(at::Tensor t, OptionsArg o) {
    if (o.requires_grad) t.set_requires_grad(true);
    return t;
}

inline at::IntArrayRef ints(const int64_t* values, int64_t count) {
    return at::IntArrayRef(values, static_cast<size_t>(count));
}

inline std::vector<at::Tensor> list(const Handle* handles, int64_t count) {
    std::vector<at::Tensor> result;
    result.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) result.push_back(handles[i] == nullptr ? at::Tensor() : *handles[i]);
    return result;
}

}  // namespace ts

#define TS_UNARY(name) \
    TS_API Handle ts_##name(Handle a) { return ts::make([&] { return a->name(); }); }
#define TS_UNARY_INPLACE(name) \
    TS_API int32_t ts_##name##_(Handle a) { return ts::run([&] { a->name##_(); }); }
#define TS_BINARY(name) \
    TS_API Handle ts_##name(Handle a, Handle b) { return ts::make([&] { return a->name(*b); }); }
#define TS_BINARY_INPLACE(name) \
    TS_API int32_t ts_##name##_(Handle a, Handle b) { return ts::run([&] { a->name##_(*b); }); }
#define TS_SCALAR(name) \
    TS_API Handle ts_##name##_scalar(Handle a, ScalarArg b) { return ts::make([&] { return a->name(ts::scalar(b)); }); }
#define TS_SCALAR_INPLACE(name) \
    TS_API int32_t ts_##name##_scalar_(Handle a, ScalarArg b) { return ts::run([&] { a->name##_(ts::scalar(b)); }); }
