// Reading and writing by index, and ordering.
#include "common.h"

#include <ATen/TensorIndexing.h>

enum IndexKind : int64_t { IndexSingle = 0, IndexSlice = 1, IndexEllipsis = 2, IndexNone = 3, IndexBool = 4, IndexTensor = 5 };

// An absent bound of a slice is INT64_MIN.
struct IndexArg {
    int64_t kind;
    int64_t start;
    int64_t stop;
    int64_t step;
    Handle tensor;
};

namespace {
opt::optional<int64_t> bound(int64_t value) {
    if (value == INT64_MIN) return opt::nullopt;
    return value;
}

std::vector<at::indexing::TensorIndex> indices(const IndexArg* args, int64_t n) {
    std::vector<at::indexing::TensorIndex> result;
    result.reserve(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; i++) {
        const auto& arg = args[i];
        switch (arg.kind) {
            case IndexSlice: result.emplace_back(at::indexing::Slice(bound(arg.start), bound(arg.stop), bound(arg.step))); break;
            case IndexEllipsis: result.emplace_back(at::indexing::Ellipsis); break;
            case IndexNone: result.emplace_back(at::indexing::None); break;
            case IndexBool: result.emplace_back(arg.start != 0); break;
            case IndexTensor: result.emplace_back(*arg.tensor); break;
            default: result.emplace_back(arg.start); break;
        }
    }
    return result;
}

c10::List<opt::optional<at::Tensor>> tensor_indices(const Handle* handles, int64_t n) {
    c10::List<opt::optional<at::Tensor>> result;
    for (int64_t i = 0; i < n; i++) result.push_back(ts::optional_tensor(handles[i]));
    return result;
}
}  // namespace

TS_API Handle ts_index(Handle a, const IndexArg* args, int64_t n) {
    return ts::make([&] { return a->index(indices(args, n)); });
}

TS_API int32_t ts_index_put_(Handle a, const IndexArg* args, int64_t n, Handle value) {
    return ts::run([&] { a->index_put_(indices(args, n), *value); });
}

TS_API int32_t ts_index_put_scalar_(Handle a, const IndexArg* args, int64_t n, ScalarArg value) {
    return ts::run([&] { a->index_put_(indices(args, n), ts::scalar(value)); });
}

TS_API int32_t ts_index_put_accumulate_(Handle a, const Handle* handles, int64_t n, Handle value, bool accumulate) {
    return ts::run([&] { a->index_put_(tensor_indices(handles, n), *value, accumulate); });
}

TS_API Handle ts_gather(Handle a, int64_t dim, Handle index) {
    return ts::make([&] { return a->gather(dim, *index); });
}

TS_API Handle ts_scatter(Handle a, int64_t dim, Handle index, Handle source) {
    return ts::make([&] { return a->scatter(dim, *index, *source); });
}

TS_API int32_t ts_scatter_(Handle a, int64_t dim, Handle index, Handle source) {
    return ts::run([&] { a->scatter_(dim, *index, *source); });
}

TS_API Handle ts_scatter_add(Handle a, int64_t dim, Handle index, Handle source) {
    return ts::make([&] { return a->scatter_add(dim, *index, *source); });
}

TS_API int32_t ts_scatter_add_(Handle a, int64_t dim, Handle index, Handle source) {
    return ts::run([&] { a->scatter_add_(dim, *index, *source); });
}

TS_API Handle ts_index_select(Handle a, int64_t dim, Handle index) {
    return ts::make([&] { return a->index_select(dim, *index); });
}

TS_API Handle ts_index_add(Handle a, int64_t dim, Handle index, Handle source, ScalarArg alpha) {
    return ts::make([&] { return a->index_add(dim, *index, *source, ts::scalar(alpha)); });
}

TS_API int32_t ts_index_add_(Handle a, int64_t dim, Handle index, Handle source, ScalarArg alpha) {
    return ts::run([&] { a->index_add_(dim, *index, *source, ts::scalar(alpha)); });
}

TS_API Handle ts_index_copy(Handle a, int64_t dim, Handle index, Handle source) {
    return ts::make([&] { return a->index_copy(dim, *index, *source); });
}

TS_API int32_t ts_index_copy_(Handle a, int64_t dim, Handle index, Handle source) {
    return ts::run([&] { a->index_copy_(dim, *index, *source); });
}

TS_API Handle ts_take_along_dim(Handle a, Handle index, bool has_dim, int64_t dim) {
    return ts::make([&] { return a->take_along_dim(*index, has_dim ? opt::optional<int64_t>(dim) : opt::nullopt); });
}

TS_API int32_t ts_topk(Handle a, int64_t k, int64_t dim, bool largest, bool sorted, Handle* out) {
    return ts::run([&] { ts::put(out, a->topk(k, dim, largest, sorted)); });
}

TS_API int32_t ts_sort(Handle a, int64_t dim, bool descending, bool stable, Handle* out) {
    return ts::run([&] { ts::put(out, a->sort(opt::optional<bool>(stable), dim, descending)); });
}

TS_API Handle ts_argsort(Handle a, int64_t dim, bool descending) {
    return ts::make([&] { return a->argsort(dim, descending); });
}

TS_API Handle ts_embedding(Handle weight, Handle index, int64_t padding, bool scale_by_frequency, bool sparse) {
    return ts::make([&] { return at::embedding(*weight, *index, padding, scale_by_frequency, sparse); });
}

TS_API Handle ts_bincount(Handle a, Handle weights, int64_t minlength) {
    return ts::make([&] { return at::bincount(*a, ts::optional_tensor(weights), minlength); });
}
