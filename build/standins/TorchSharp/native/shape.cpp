// Views and rearrangements.
#include "common.h"

TS_API Handle ts_view(Handle a, const int64_t* sizes, int64_t n) {
    return ts::make([&] { return a->view(ts::ints(sizes, n)); });
}

TS_API Handle ts_reshape(Handle a, const int64_t* sizes, int64_t n) {
    return ts::make([&] { return a->reshape(ts::ints(sizes, n)); });
}

TS_API Handle ts_flatten(Handle a, int64_t start, int64_t end) {
    return ts::make([&] { return a->flatten(start, end); });
}

TS_API Handle ts_unflatten(Handle a, int64_t dim, const int64_t* sizes, int64_t n) {
    return ts::make([&] { return a->unflatten(dim, ts::ints(sizes, n)); });
}

TS_API Handle ts_transpose(Handle a, int64_t dim0, int64_t dim1) {
    return ts::make([&] { return a->transpose(dim0, dim1); });
}

TS_API int32_t ts_transpose_(Handle a, int64_t dim0, int64_t dim1) {
    return ts::run([&] { a->transpose_(dim0, dim1); });
}

TS_API Handle ts_permute(Handle a, const int64_t* dims, int64_t n) {
    return ts::make([&] { return a->permute(ts::ints(dims, n)); });
}

TS_UNARY(t)

TS_API Handle ts_expand(Handle a, const int64_t* sizes, int64_t n, bool implicit) {
    return ts::make([&] { return a->expand(ts::ints(sizes, n), implicit); });
}

TS_API Handle ts_repeat(Handle a, const int64_t* sizes, int64_t n) {
    return ts::make([&] { return a->repeat(ts::ints(sizes, n)); });
}

TS_API Handle ts_repeat_interleave(Handle a, int64_t repeats, bool has_dim, int64_t dim) {
    return ts::make([&] { return a->repeat_interleave(repeats, has_dim ? opt::optional<int64_t>(dim) : opt::nullopt); });
}

TS_API Handle ts_repeat_interleave_each(Handle a, Handle repeats, bool has_dim, int64_t dim) {
    return ts::make([&] { return a->repeat_interleave(*repeats, has_dim ? opt::optional<int64_t>(dim) : opt::nullopt); });
}

TS_API Handle ts_unsqueeze(Handle a, int64_t dim) {
    return ts::make([&] { return a->unsqueeze(dim); });
}

TS_API int32_t ts_unsqueeze_(Handle a, int64_t dim) {
    return ts::run([&] { a->unsqueeze_(dim); });
}

TS_API Handle ts_squeeze(Handle a, bool has_dim, int64_t dim) {
    return ts::make([&] { return has_dim ? a->squeeze(dim) : a->squeeze(); });
}

TS_API Handle ts_narrow(Handle a, int64_t dim, int64_t start, int64_t length) {
    return ts::make([&] { return a->narrow(dim, start, length); });
}

TS_API Handle ts_select(Handle a, int64_t dim, int64_t index) {
    return ts::make([&] { return a->select(dim, index); });
}

TS_API Handle ts_slice(Handle a, int64_t dim, int64_t start, int64_t finish, int64_t step) {
    return ts::make([&] { return a->slice(dim, start, finish, step); });
}

TS_API Handle ts_as_strided(Handle a, const int64_t* sizes, const int64_t* strides, int64_t n, int64_t offset) {
    return ts::make([&] { return a->as_strided(ts::ints(sizes, n), ts::ints(strides, n), offset); });
}

TS_API Handle ts_roll(Handle a, const int64_t* shifts, int64_t n, const int64_t* dims, int64_t dim_count) {
    return ts::make([&] { return a->roll(ts::ints(shifts, n), ts::ints(dims, dim_count)); });
}

TS_API Handle ts_flip(Handle a, const int64_t* dims, int64_t n) {
    return ts::make([&] { return a->flip(ts::ints(dims, n)); });
}

TS_API Handle ts_tril(Handle a, int64_t diagonal) {
    return ts::make([&] { return a->tril(diagonal); });
}

TS_API Handle ts_triu(Handle a, int64_t diagonal) {
    return ts::make([&] { return a->triu(diagonal); });
}

TS_API int32_t ts_tril_(Handle a, int64_t diagonal) {
    return ts::run([&] { a->tril_(diagonal); });
}

TS_API int32_t ts_triu_(Handle a, int64_t diagonal) {
    return ts::run([&] { a->triu_(diagonal); });
}

TS_API Handle ts_diag(Handle a, int64_t diagonal) {
    return ts::make([&] { return a->diag(diagonal); });
}

TS_API Handle ts_cat(const Handle* tensors, int64_t n, int64_t dim) {
    return ts::make([&] { return at::cat(ts::list(tensors, n), dim); });
}

TS_API Handle ts_stack(const Handle* tensors, int64_t n, int64_t dim) {
    return ts::make([&] { return at::stack(ts::list(tensors, n), dim); });
}

TS_API int32_t ts_split(Handle a, int64_t size, int64_t dim, Handle** out, int64_t* count) {
    return ts::run([&] { ts::put_list(a->split(size, dim), out, count); });
}

TS_API int32_t ts_split_sizes(Handle a, const int64_t* sizes, int64_t n, int64_t dim, Handle** out, int64_t* count) {
    return ts::run([&] { ts::put_list(a->split_with_sizes(ts::ints(sizes, n), dim), out, count); });
}

TS_API int32_t ts_chunk(Handle a, int64_t chunks, int64_t dim, Handle** out, int64_t* count) {
    return ts::run([&] { ts::put_list(a->chunk(chunks, dim), out, count); });
}

TS_API int32_t ts_unbind(Handle a, int64_t dim, Handle** out, int64_t* count) {
    return ts::run([&] { ts::put_list(a->unbind(dim), out, count); });
}
