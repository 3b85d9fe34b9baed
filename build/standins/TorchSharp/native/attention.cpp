// Scaled dot-product attention. libtorch has it from 2.0 on. Before that it is made here; causal attention, and that with a mask where no
// gradient is wanted, without a tensor of all scores, as libtorch's own is on the processor.
#include "common.h"

#if TORCH_VERSION_MAJOR < 2
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <torch/csrc/autograd/custom_function.h>

namespace {
constexpr int64_t kBlock = 64;

double scale_of(const at::Tensor& query) { return 1.0 / std::sqrt(static_cast<double>(query.size(-1))); }

// Calls body(head, scores, gradients) for every [tokens, width] matrix of a batch, with two scratch vectors for some queries' scores.
template <class F>
void each_head(const at::Tensor& query, int64_t size, F&& body) {
    auto heads = query.size(1);
    at::parallel_for(0, query.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
        at::AutoDispatchBelowADInplaceOrView no_graph;
        auto scores = at::empty({size}, query.options()), gradients = at::empty_like(scores);
        for (auto i = begin; i < end; i++)
            body([&](const at::Tensor& all) {
                auto place = all.storage_offset() + i / heads * all.stride(0) + i % heads * all.stride(1);
                return all.as_strided(all.sizes().slice(2), all.strides().slice(2), place);
            }, scores, gradients);
    });
}

// The weights of some queries for the keys up to the last of them, in the scratch vector.
at::Tensor weights_of(const at::Tensor& query, const at::Tensor& key, int64_t first, const at::Tensor& mask, at::Tensor& scratch) {
    auto rows = query.size(0), keys = first + rows;
    auto weights = scratch.narrow(0, 0, rows * keys).view({rows, keys});
    at::addmm_out(weights, weights, query, key.narrow(0, 0, keys).t(), 0, scale_of(query));
    weights.narrow(1, first, rows).add_(mask.narrow(0, 0, rows).narrow(1, 0, rows));
    return at::_softmax_out(weights, weights, -1, false);
}

at::Tensor causal_mask(const at::Tensor& query) {
    return at::full({kBlock, kBlock}, -std::numeric_limits<double>::infinity(), query.options().requires_grad(false)).triu_(1);
}

// Laid out as [batch, tokens, heads, width], so that heads side by side are a view of it.
at::Tensor like_heads(const at::Tensor& query, bool zeroed) {
    auto shape = query.transpose(1, 2).sizes().vec();
    auto options = query.options().requires_grad(false);
    return (zeroed ? at::zeros(shape, options) : at::empty(shape, options)).transpose(1, 2);
}

at::Tensor causal_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
    at::AutoDispatchBelowADInplaceOrView no_graph;
    auto result = like_heads(query, false), mask = causal_mask(query);
    each_head(query, kBlock * query.size(2), [&](auto head, at::Tensor& scores, at::Tensor&) {
        auto q = head(query), k = head(key), v = head(value), out = head(result);
        for (int64_t first = 0; first < q.size(0); first += kBlock) {
            auto rows = std::min(kBlock, q.size(0) - first);
            auto weights = weights_of(q.narrow(0, first, rows), k, first, mask, scores);
            auto place = out.narrow(0, first, rows);
            at::mm_out(place, weights, v.narrow(0, 0, first + rows));
        }
    });
    return result;
}

struct CausalAttention : torch::autograd::Function<CausalAttention> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, at::Tensor query, at::Tensor key, at::Tensor value) {
        context->save_for_backward({query, key, value});
        return causal_attention(query, key, value);
    }

    // dS = P (dP - rowsum(dP P)) with P made again and dP = dO Vᵀ; dQ = s dS K, dK = s dSᵀ Q, dV = Pᵀ dO.
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
        TORCH_CHECK(!at::GradMode::is_enabled(), "scaled_dot_product_attention has no second derivative");
        at::AutoDispatchBelowADInplaceOrView no_graph;
        auto saved = context->get_saved_variables();
        auto query = saved[0], key = saved[1], value = saved[2], gradient = gradients[0];
        auto mask = causal_mask(query);
        auto to_query = like_heads(query, false), to_key = like_heads(key, true), to_value = like_heads(value, true);
        auto scale = scale_of(query);
        each_head(query, kBlock * query.size(2), [&](auto head, at::Tensor& scores, at::Tensor& scratch) {
            auto q = head(query), k = head(key), v = head(value), g = head(gradient);
            auto dq = head(to_query), dk = head(to_key), dv = head(to_value);
            for (int64_t first = 0; first < q.size(0); first += kBlock) {
                auto rows = std::min(kBlock, q.size(0) - first), keys = first + rows;
                auto queries = q.narrow(0, first, rows), from = g.narrow(0, first, rows), place = dq.narrow(0, first, rows);
                auto weights = weights_of(queries, k, first, mask, scores);
                dv.narrow(0, 0, keys).addmm_(weights.t(), from);
                auto to_scores = scratch.narrow(0, 0, rows * keys).view({rows, keys});
                at::mm_out(to_scores, from, v.narrow(0, 0, keys).t());
                at::_softmax_backward_data_out(to_scores, to_scores, weights, -1, query.scalar_type());
                at::addmm_out(place, place, to_scores, k.narrow(0, 0, keys), 0, scale);
                dk.narrow(0, 0, keys).addmm_(to_scores.t(), queries, 1, scale);
            }
        });
        return {to_query, to_key, to_value};
    }
};

// The mask is what the scores are added to.
at::Tensor masked_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& mask) {
    at::AutoDispatchBelowADInplaceOrView no_graph;
    auto queries = query.size(2), keys = key.size(2);
    auto result = like_heads(query, false), every = mask.expand({query.size(0), query.size(1), queries, keys});
    each_head(query, queries * keys, [&](auto head, at::Tensor& scores, at::Tensor&) {
        auto weights = scores.view({queries, keys}), out = head(result);
        at::addmm_out(weights, head(every), head(query), head(key).t(), 1, scale_of(query));
        at::_softmax_out(weights, weights, -1, false);
        at::mm_out(out, weights, head(value));
    });
    return result;
}

// Whether some heads attend in one and the same type with a mask that is added, and no gradient follows.
bool is_masked(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& mask) {
    if (query.dim() != 4 || key.dim() != 4 || key.sizes() != value.sizes() || mask.scalar_type() != query.scalar_type()) return false;
    bool follows = query.requires_grad() || key.requires_grad() || value.requires_grad() || mask.requires_grad();
    return query.sizes().slice(0, 2) == key.sizes().slice(0, 2) && query.size(3) == key.size(3) && !(follows && at::GradMode::is_enabled());
}

at::Tensor compose_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const opt::optional<at::Tensor>& mask, double dropout, bool causal) {
    TORCH_CHECK(!causal || !mask.has_value(), "scaled_dot_product_attention: attn_mask and a causal mask exclude each other");
    if (causal && dropout == 0 && query.dim() == 4 && query.sizes() == key.sizes() && query.sizes() == value.sizes())
        return CausalAttention::apply(query, key, value);
    if (!causal && dropout == 0 && mask.has_value() && is_masked(query, key, value, *mask)) return masked_attention(query, key, value, *mask);
    auto queries = query.size(-2), keys = key.size(-2), width = query.size(-1);
    std::vector<int64_t> shape(query.sizes().begin(), query.sizes().end() - 1);
    shape.push_back(keys);
    auto q = query.reshape({-1, queries, width});
    auto k = key.reshape({-1, keys, width}).transpose(1, 2);
    TORCH_CHECK(q.size(0) == k.size(0), "scaled_dot_product_attention: query and key differ in a batch or head dimension");
    auto scores = at::bmm(q * scale_of(query), k).view(shape);
    auto infinity = std::numeric_limits<double>::infinity();
    if (causal) {
        scores = scores + at::full({queries, keys}, -infinity, query.options().requires_grad(false)).triu_(1);
    } else if (mask.has_value()) {
        scores = mask->scalar_type() == at::kBool ? scores.masked_fill(mask->logical_not(), -infinity) : scores + *mask;
    }
    auto weights = scores.softmax(-1);
    if (dropout > 0) weights = at::dropout(weights, dropout, true);
    return weights.matmul(value);
}
}  // namespace
#endif

TS_API Handle ts_attention(Handle query, Handle key, Handle value, Handle mask, double dropout, bool causal) {
    return ts::make([&] {
#if TORCH_VERSION_MAJOR < 2
        return compose_attention(*query, *key, *value, ts::optional_tensor(mask), dropout, causal);
#else
        return at::scaled_dot_product_attention(*query, *key, *value, ts::optional_tensor(mask), dropout, causal);
#endif
    });
}
