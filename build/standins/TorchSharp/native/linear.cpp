// Products, layers and losses.
#include "common.h"

TS_BINARY(mm)
TS_BINARY(bmm)
TS_BINARY(matmul)
TS_BINARY(mv)
TS_BINARY(dot)
TS_BINARY(outer)

TS_API Handle ts_addmm(Handle a, Handle b, Handle c, double beta, double alpha) {
    return ts::make([&] { return a->addmm(*b, *c, beta, alpha); });
}

TS_API int32_t ts_addmm_(Handle a, Handle b, Handle c, double beta, double alpha) {
    return ts::run([&] { a->addmm_(*b, *c, beta, alpha); });
}

TS_API Handle ts_baddbmm(Handle a, Handle b, Handle c, double beta, double alpha) {
    return ts::make([&] { return a->baddbmm(*b, *c, beta, alpha); });
}

TS_API Handle ts_einsum(const char* equation, const Handle* tensors, int64_t n) {
    return ts::make([&] { return at::einsum(equation, ts::list(tensors, n)); });
}

TS_API Handle ts_eigvals(Handle a) {
    return ts::make([&] { return at::linalg_eigvals(*a); });
}

TS_API Handle ts_linear(Handle input, Handle weight, Handle bias) {
    return ts::make([&] { return at::linear(*input, *weight, ts::optional_tensor(bias)); });
}

TS_API Handle ts_layer_norm(Handle input, const int64_t* shape, int64_t n, Handle weight, Handle bias, double eps) {
    return ts::make([&] {
        return at::layer_norm(*input, ts::ints(shape, n), ts::optional_tensor(weight), ts::optional_tensor(bias), eps);
    });
}

TS_API Handle ts_gelu(Handle a) {
    return ts::make([&] { return at::gelu(*a); });
}

TS_API int32_t ts_gelu_(Handle a) {
    return ts::run([&] { at::gelu_(*a); });
}

TS_API Handle ts_silu(Handle a) {
    return ts::make([&] { return at::silu(*a); });
}

TS_API int32_t ts_silu_(Handle a) {
    return ts::run([&] { at::silu_(*a); });
}

TS_API Handle ts_dropout(Handle a, double p, bool training) {
    return ts::make([&] { return at::dropout(*a, p, training); });
}

TS_API int32_t ts_dropout_(Handle a, double p, bool training) {
    return ts::run([&] { at::dropout_(*a, p, training); });
}

TS_API Handle ts_one_hot(Handle a, int64_t classes) {
    return ts::make([&] { return at::one_hot(*a, classes); });
}

TS_API Handle ts_cross_entropy(Handle input, Handle target, Handle weight, int64_t ignore_index, int64_t reduction, double smoothing) {
    return ts::make([&] {
        return at::cross_entropy_loss(*input, *target, ts::optional_tensor(weight), reduction, ignore_index, smoothing);
    });
}

TS_API Handle ts_nll_loss(Handle input, Handle target, Handle weight, int64_t reduction) {
    return ts::make([&] { return at::nll_loss_nd(*input, *target, ts::optional_tensor(weight), reduction); });
}

TS_API Handle ts_mse_loss(Handle input, Handle target, int64_t reduction) {
    return ts::make([&] { return at::mse_loss(*input, *target, reduction); });
}

TS_API Handle ts_kl_div(Handle input, Handle target, int64_t reduction, bool log_target) {
    return ts::make([&] { return at::kl_div(*input, *target, reduction, log_target); });
}
