// Comparisons, truth values and masks.
#include "common.h"

TS_BINARY(eq)
TS_BINARY(ne)
TS_BINARY(lt)
TS_BINARY(le)
TS_BINARY(gt)
TS_BINARY(ge)
TS_SCALAR(eq)
TS_SCALAR(ne)
TS_SCALAR(lt)
TS_SCALAR(le)
TS_SCALAR(gt)
TS_SCALAR(ge)
TS_BINARY(logical_and)
TS_BINARY(logical_or)
TS_BINARY(logical_xor)
TS_UNARY(logical_not)
TS_UNARY(isnan)
TS_UNARY(isinf)
TS_UNARY(isfinite)
TS_UNARY(nonzero)
TS_UNARY(all)
TS_UNARY(any)
TS_BINARY(masked_select)

TS_API Handle ts_all_dim(Handle a, int64_t dim, bool keepdim) {
    return ts::make([&] { return a->all(dim, keepdim); });
}

TS_API Handle ts_any_dim(Handle a, int64_t dim, bool keepdim) {
    return ts::make([&] { return a->any(dim, keepdim); });
}

TS_API int32_t ts_allclose(Handle a, Handle b, double rtol, double atol, bool equal_nan, bool* out) {
    return ts::run([&] { *out = a->allclose(*b, rtol, atol, equal_nan); });
}

TS_API Handle ts_isclose(Handle a, Handle b, double rtol, double atol, bool equal_nan) {
    return ts::make([&] { return a->isclose(*b, rtol, atol, equal_nan); });
}

TS_API Handle ts_where(Handle condition, Handle x, Handle y) {
    return ts::make([&] { return at::where(*condition, *x, *y); });
}

TS_API Handle ts_masked_fill(Handle a, Handle mask, ScalarArg value) {
    return ts::make([&] { return a->masked_fill(*mask, ts::scalar(value)); });
}

TS_API int32_t ts_masked_fill_(Handle a, Handle mask, ScalarArg value) {
    return ts::run([&] { a->masked_fill_(*mask, ts::scalar(value)); });
}
