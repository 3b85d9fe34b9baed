// Arithmetic and functions element by element.
#include "common.h"

TS_UNARY(abs)
TS_UNARY(neg)
TS_UNARY(square)
TS_UNARY(sqrt)
TS_UNARY(rsqrt)
TS_UNARY(exp)
TS_UNARY(expm1)
TS_UNARY(log)
TS_UNARY(log1p)
TS_UNARY(log2)
TS_UNARY(log10)
TS_UNARY(sign)
TS_UNARY(floor)
TS_UNARY(ceil)
TS_UNARY(round)
TS_UNARY(trunc)
TS_UNARY(frac)
TS_UNARY(sin)
TS_UNARY(cos)
TS_UNARY(tan)
TS_UNARY(atan)
TS_UNARY(tanh)
TS_UNARY(sigmoid)
TS_UNARY(relu)
TS_UNARY(erf)
TS_UNARY(reciprocal)
TS_UNARY_INPLACE(abs)
TS_UNARY_INPLACE(neg)
TS_UNARY_INPLACE(sqrt)
TS_UNARY_INPLACE(rsqrt)
TS_UNARY_INPLACE(exp)
TS_UNARY_INPLACE(log)
TS_UNARY_INPLACE(floor)
TS_UNARY_INPLACE(ceil)
TS_UNARY_INPLACE(round)
TS_UNARY_INPLACE(trunc)
TS_UNARY_INPLACE(tanh)
TS_UNARY_INPLACE(sigmoid)
TS_UNARY_INPLACE(relu)
TS_UNARY_INPLACE(reciprocal)
TS_UNARY_INPLACE(zero)

TS_BINARY(mul)
TS_BINARY(pow)
TS_BINARY(atan2)
TS_BINARY(fmod)
TS_BINARY(remainder)
TS_BINARY(floor_divide)
TS_BINARY(maximum)
TS_BINARY(minimum)
TS_BINARY(bitwise_and)
TS_BINARY(bitwise_or)
TS_BINARY(bitwise_xor)
TS_BINARY(bitwise_left_shift)
TS_BINARY(bitwise_right_shift)
TS_UNARY(bitwise_not)
TS_BINARY_INPLACE(mul)
TS_BINARY_INPLACE(pow)
TS_BINARY_INPLACE(fmod)
TS_BINARY_INPLACE(remainder)
TS_BINARY_INPLACE(bitwise_and)
TS_BINARY_INPLACE(bitwise_or)
TS_BINARY_INPLACE(bitwise_xor)
TS_BINARY_INPLACE(bitwise_left_shift)
TS_BINARY_INPLACE(bitwise_right_shift)
TS_UNARY_INPLACE(bitwise_not)
TS_SCALAR(mul)
TS_SCALAR(pow)
TS_SCALAR(fmod)
TS_SCALAR(remainder)
TS_SCALAR(floor_divide)
TS_SCALAR_INPLACE(mul)
TS_SCALAR_INPLACE(pow)
TS_SCALAR_INPLACE(fmod)
TS_SCALAR_INPLACE(remainder)
TS_SCALAR_INPLACE(fill)

TS_API Handle ts_add(Handle a, Handle b, ScalarArg alpha) {
    return ts::make([&] { return a->add(*b, ts::scalar(alpha)); });
}

TS_API Handle ts_add_scalar(Handle a, ScalarArg b, ScalarArg alpha) {
    return ts::make([&] { return a->add(ts::scalar(b), ts::scalar(alpha)); });
}

TS_API int32_t ts_add_(Handle a, Handle b, ScalarArg alpha) {
    return ts::run([&] { a->add_(*b, ts::scalar(alpha)); });
}

TS_API int32_t ts_add_scalar_(Handle a, ScalarArg b, ScalarArg alpha) {
    return ts::run([&] { a->add_(ts::scalar(b), ts::scalar(alpha)); });
}

TS_API Handle ts_sub(Handle a, Handle b) {
    return ts::make([&] { return a->sub(*b); });
}

TS_API Handle ts_sub_scalar(Handle a, ScalarArg b) {
    return ts::make([&] { return a->sub(ts::scalar(b)); });
}

TS_API Handle ts_rsub_scalar(Handle a, ScalarArg b) {
    return ts::make([&] { return at::rsub(*a, ts::scalar(b)); });
}

TS_API int32_t ts_sub_(Handle a, Handle b) {
    return ts::run([&] { a->sub_(*b); });
}

TS_API int32_t ts_sub_scalar_(Handle a, ScalarArg b) {
    return ts::run([&] { a->sub_(ts::scalar(b)); });
}

namespace {
opt::optional<c10::string_view> rounding(int32_t mode) {
    switch (mode) {
        case 1: return c10::string_view("trunc");
        case 2: return c10::string_view("floor");
        default: return opt::nullopt;
    }
}
}  // namespace

TS_API Handle ts_div(Handle a, Handle b, int32_t mode) {
    return ts::make([&] { return a->div(*b, rounding(mode)); });
}

TS_API Handle ts_div_scalar(Handle a, ScalarArg b, int32_t mode) {
    return ts::make([&] { return a->div(ts::scalar(b), rounding(mode)); });
}

TS_API int32_t ts_div_(Handle a, Handle b, int32_t mode) {
    return ts::run([&] { a->div_(*b, rounding(mode)); });
}

TS_API int32_t ts_div_scalar_(Handle a, ScalarArg b, int32_t mode) {
    return ts::run([&] { a->div_(ts::scalar(b), rounding(mode)); });
}

TS_API Handle ts_clamp(Handle a, ScalarArg min, ScalarArg max) {
    return ts::make([&] { return a->clamp(ts::optional_scalar(min), ts::optional_scalar(max)); });
}

TS_API int32_t ts_clamp_(Handle a, ScalarArg min, ScalarArg max) {
    return ts::run([&] { a->clamp_(ts::optional_scalar(min), ts::optional_scalar(max)); });
}

TS_API Handle ts_clamp_tensor(Handle a, Handle min, Handle max) {
    return ts::make([&] { return a->clamp(ts::optional_tensor(min), ts::optional_tensor(max)); });
}

TS_API int32_t ts_clamp_tensor_(Handle a, Handle min, Handle max) {
    return ts::run([&] { a->clamp_(ts::optional_tensor(min), ts::optional_tensor(max)); });
}

TS_API Handle ts_lerp(Handle a, Handle end, Handle weight) {
    return ts::make([&] { return a->lerp(*end, *weight); });
}

TS_API int32_t ts_lerp_(Handle a, Handle end, Handle weight) {
    return ts::run([&] { a->lerp_(*end, *weight); });
}

TS_API Handle ts_addcmul(Handle a, Handle b, Handle c, ScalarArg value) {
    return ts::make([&] { return a->addcmul(*b, *c, ts::scalar(value)); });
}

TS_API int32_t ts_addcmul_(Handle a, Handle b, Handle c, ScalarArg value) {
    return ts::run([&] { a->addcmul_(*b, *c, ts::scalar(value)); });
}

TS_API Handle ts_addcdiv(Handle a, Handle b, Handle c, ScalarArg value) {
    return ts::make([&] { return a->addcdiv(*b, *c, ts::scalar(value)); });
}

TS_API int32_t ts_addcdiv_(Handle a, Handle b, Handle c, ScalarArg value) {
    return ts::run([&] { a->addcdiv_(*b, *c, ts::scalar(value)); });
}
