// Gradients: modes, backward, and the norm of many gradients.
#include "common.h"

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

TS_API bool ts_requires_grad(Handle a) { return a->requires_grad(); }
TS_API bool ts_is_leaf(Handle a) { return a->is_leaf(); }

TS_API int32_t ts_set_requires_grad(Handle a, bool value) {
    return ts::run([&] { a->set_requires_grad(value); });
}

TS_API int32_t ts_retain_grad(Handle a) {
    return ts::run([&] { a->retain_grad(); });
}

// Null without an error where there is no gradient.
TS_API Handle ts_grad(Handle a) {
    const auto& grad = a->grad();
    return grad.defined() ? ts::make([&] { return grad; }) : nullptr;
}

TS_API int32_t ts_set_grad(Handle a, Handle grad) {
    return ts::run([&] { a->mutable_grad() = grad == nullptr ? at::Tensor() : *grad; });
}

TS_API bool ts_grad_enabled() { return c10::GradMode::is_enabled(); }
TS_API void ts_set_grad_enabled(bool enabled) { c10::GradMode::set_enabled(enabled); }
TS_API bool ts_inference_enabled() { return c10::InferenceMode::is_enabled(); }
TS_API void* ts_inference_enter(bool enabled) { return new c10::InferenceMode(enabled); }
TS_API void ts_inference_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

TS_API int32_t ts_backward(const Handle* tensors, int64_t n, const Handle* grads, int64_t grad_count, bool retain, bool create,
                           const Handle* inputs, int64_t input_count) {
    return ts::run([&] {
        torch::autograd::backward(ts::list(tensors, n), ts::list(grads, grad_count), retain, create, ts::list(inputs, input_count));
    });
}

TS_API int32_t ts_autograd_grad(const Handle* outputs, int64_t n, const Handle* inputs, int64_t input_count, const Handle* grads,
                                int64_t grad_count, bool retain, bool create, bool allow_unused, Handle** out, int64_t* count) {
    return ts::run([&] {
        auto result = torch::autograd::grad(
            ts::list(outputs, n), ts::list(inputs, input_count), ts::list(grads, grad_count), retain, create, allow_unused);
        ts::put_list(result, out, count);
    });
}

// The norm of all gradients taken as one vector; they are scaled in place where it exceeds max_norm. One device synchronization.
TS_API int32_t ts_clip_grad_norm(const Handle* parameters, int64_t n, double max_norm, double norm_type, double* total) {
    return ts::run([&] {
        at::NoGradGuard no_grad;
        std::vector<at::Tensor> grads, norms;
        for (int64_t i = 0; i < n; i++) {
            const auto& grad = parameters[i]->grad();
            if (!grad.defined()) continue;
            grads.push_back(grad);
            norms.push_back(std::isinf(norm_type) ? grad.abs().max() : grad.norm(norm_type));
        }
        *total = 0;
        if (grads.empty()) return;
        for (auto& norm : norms) norm = norm.to(norms[0].device());
        auto stacked = at::stack(norms);
        *total = (std::isinf(norm_type) ? stacked.max() : stacked.norm(norm_type)).item().toDouble();
        auto scale = max_norm / (*total + 1e-6);
        if (scale < 1)
            for (auto& grad : grads) grad.mul_(scale);
    });
}
