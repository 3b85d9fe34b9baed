// Errors, lifetime, properties and memory of one tensor.
#include "common.h"

#include <string>

namespace {
thread_local std::string last_error;
}

void ts::remember(const char* message) noexcept {
    try {
        last_error = message;
    } catch (...) {
        last_error.clear();
    }
}

TS_API const char* ts_last_error() { return last_error.c_str(); }

TS_API void ts_free(Handle a) { delete a; }
TS_API void ts_free_array(Handle* array) { delete[] array; }

TS_API int64_t ts_dim(Handle a) { return a->dim(); }
TS_API int64_t ts_numel(Handle a) { return a->numel(); }
TS_API int32_t ts_dtype(Handle a) { return static_cast<int32_t>(a->scalar_type()); }
TS_API int32_t ts_device_type(Handle a) { return static_cast<int32_t>(a->device().type()); }
TS_API int32_t ts_device_index(Handle a) { return a->device().index(); }
TS_API int64_t ts_element_size(Handle a) { return static_cast<int64_t>(a->element_size()); }
TS_API bool ts_is_contiguous(Handle a) { return a->is_contiguous(); }
TS_API int64_t ts_storage_offset(Handle a) { return a->storage_offset(); }

TS_API int32_t ts_is_pinned(Handle a, bool* out) {
    return ts::run([&] { *out = a->is_pinned(); });
}

TS_API void ts_sizes(Handle a, int64_t* out) {
    auto sizes = a->sizes();
    std::memcpy(out, sizes.data(), sizes.size() * sizeof(int64_t));
}

TS_API void ts_strides(Handle a, int64_t* out) {
    auto strides = a->strides();
    std::memcpy(out, strides.data(), strides.size() * sizeof(int64_t));
}

TS_API int32_t ts_size(Handle a, int64_t dim, int64_t* out) {
    return ts::run([&] { *out = a->size(dim); });
}

TS_API void* ts_data_ptr(Handle a) {
    void* data = nullptr;
    ts::guarded([&] { data = a->data_ptr(); });
    return data;
}

TS_API int32_t ts_item(Handle a, ScalarArg* out) {
    return ts::run([&] {
        at::Scalar s = a->item();
        if (s.isFloatingPoint()) {
            double value = s.toDouble();
            std::memcpy(&out->bits, &value, sizeof value);
            out->kind = ScalarFloating;
        } else if (s.isBoolean()) {
            out->bits = s.toBool();
            out->kind = ScalarBoolean;
        } else {
            out->bits = s.toLong();
            out->kind = ScalarInteger;
        }
    });
}

TS_API Handle ts_to(Handle a, int32_t dtype, int32_t device, int32_t index, bool copy, bool non_blocking) {
    return ts::make([&] {
        auto options = a->options();
        if (dtype >= 0) options = options.dtype(static_cast<at::ScalarType>(dtype));
        if (device >= 0) options = options.device(ts::device(device, index));
        return a->to(options, non_blocking, copy);
    });
}

TS_API int32_t ts_copy_(Handle a, Handle source, bool non_blocking) {
    return ts::run([&] { a->copy_(*source, non_blocking); });
}

TS_API int32_t ts_set_(Handle a, Handle source) {
    return ts::run([&] { a->set_(*source); });
}

TS_UNARY(contiguous)
TS_UNARY(clone)
TS_UNARY(alias)
TS_UNARY(detach)
TS_UNARY_INPLACE(detach)
TS_UNARY(pin_memory)
