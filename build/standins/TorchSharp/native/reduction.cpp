// Sums, extremes, norms and running sums. A dimension count below zero stands for all dimensions.
#include "common.h"

namespace {
at::OptionalIntArrayRef dims_or_all(const int64_t* dims, int64_t n) {
    if (n < 0) return at::OptionalIntArrayRef();
    return at::OptionalIntArrayRef(ts::ints(dims, n));
}
}  // namespace

TS_API Handle ts_sum(Handle a, const int64_t* dims, int64_t n, bool keepdim, int32_t dtype) {
    return ts::make([&] {
        return n < 0 ? a->sum(ts::optional_dtype(dtype)) : a->sum(dims_or_all(dims, n), keepdim, ts::optional_dtype(dtype));
    });
}

TS_API Handle ts_mean(Handle a, const int64_t* dims, int64_t n, bool keepdim, int32_t dtype) {
    return ts::make([&] {
        return n < 0 ? a->mean(ts::optional_dtype(dtype)) : a->mean(dims_or_all(dims, n), keepdim, ts::optional_dtype(dtype));
    });
}

TS_API Handle ts_var(Handle a, const int64_t* dims, int64_t n, bool unbiased, bool keepdim) {
    return ts::make([&] { return n < 0 ? a->var(unbiased) : a->var(dims_or_all(dims, n), unbiased, keepdim); });
}

TS_API Handle ts_std(Handle a, const int64_t* dims, int64_t n, bool unbiased, bool keepdim) {
    return ts::make([&] { return n < 0 ? a->std(unbiased) : a->std(dims_or_all(dims, n), unbiased, keepdim); });
}

TS_API Handle ts_prod(Handle a, int32_t dtype) {
    return ts::make([&] { return a->prod(ts::optional_dtype(dtype)); });
}

TS_API Handle ts_prod_dim(Handle a, int64_t dim, bool keepdim, int32_t dtype) {
    return ts::make([&] { return a->prod(dim, keepdim, ts::optional_dtype(dtype)); });
}

TS_UNARY(max)
TS_UNARY(min)

TS_API int32_t ts_max_dim(Handle a, int64_t dim, bool keepdim, Handle* out) {
    return ts::run([&] { ts::put(out, a->max(dim, keepdim)); });
}

TS_API int32_t ts_min_dim(Handle a, int64_t dim, bool keepdim, Handle* out) {
    return ts::run([&] { ts::put(out, a->min(dim, keepdim)); });
}

TS_API Handle ts_amax(Handle a, const int64_t* dims, int64_t n, bool keepdim) {
    return ts::make([&] { return a->amax(ts::ints(dims, n), keepdim); });
}

TS_API Handle ts_amin(Handle a, const int64_t* dims, int64_t n, bool keepdim) {
    return ts::make([&] { return a->amin(ts::ints(dims, n), keepdim); });
}

TS_API Handle ts_argmax(Handle a, bool all, int64_t dim, bool keepdim) {
    return ts::make([&] { return all ? a->argmax() : a->argmax(dim, keepdim); });
}

TS_API Handle ts_argmin(Handle a, bool all, int64_t dim, bool keepdim) {
    return ts::make([&] { return all ? a->argmin() : a->argmin(dim, keepdim); });
}

TS_API Handle ts_norm(Handle a, double p) {
    return ts::make([&] { return a->norm(p); });
}

TS_API Handle ts_norm_dim(Handle a, double p, int64_t dim, bool keepdim) {
    return ts::make([&] { return a->norm(opt::optional<at::Scalar>(p), at::IntArrayRef(dim), keepdim); });
}

TS_API Handle ts_linalg_norm(Handle a, bool has_ord, double ord, const int64_t* dims, int64_t n, bool keepdim) {
    return ts::make([&] {
        opt::optional<at::Scalar> order;
        if (has_ord) order = at::Scalar(ord);
        return at::linalg_norm(*a, order, dims_or_all(dims, n), keepdim);
    });
}

TS_API Handle ts_cumsum(Handle a, int64_t dim, int32_t dtype) {
    return ts::make([&] { return a->cumsum(dim, ts::optional_dtype(dtype)); });
}

TS_API Handle ts_cumprod(Handle a, int64_t dim, int32_t dtype) {
    return ts::make([&] { return a->cumprod(dim, ts::optional_dtype(dtype)); });
}

TS_API Handle ts_logsumexp(Handle a, int64_t dim, bool keepdim) {
    return ts::make([&] { return a->logsumexp(at::IntArrayRef(dim), keepdim); });
}

TS_API Handle ts_softmax(Handle a, int64_t dim, int32_t dtype) {
    return ts::make([&] { return a->softmax(dim, ts::optional_dtype(dtype)); });
}

TS_API Handle ts_log_softmax(Handle a, int64_t dim, int32_t dtype) {
    return ts::make([&] { return a->log_softmax(dim, ts::optional_dtype(dtype)); });
}
