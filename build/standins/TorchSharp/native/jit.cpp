// Functions in TorchScript, compiled from their source.
#include "common.h"

#include <memory>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/jit.h>

// What the caller finds in the array of results.
enum ResultKind : int32_t { ResultOther = 0, ResultNone = 1, ResultTensor = 2, ResultTuple = 3, ResultList = 4 };

// The kind of an argument that is a tensor; the others are those of a ScalarArg.
constexpr int64_t ArgumentTensor = 4;

using Unit = std::shared_ptr<torch::jit::CompilationUnit>;

namespace {
c10::IValue argument(ScalarArg a) {
    if (a.kind == ScalarNone) return {};
    if (a.kind == ArgumentTensor) return *reinterpret_cast<Handle>(a.bits);
    return ts::scalar(a);
}

bool tensors(at::ArrayRef<c10::IValue> values) {
    for (const auto& value : values)
        if (!value.isTensor()) return false;
    return true;
}
}  // namespace

TS_API Unit* ts_jit_compile(const char* script) {
    Unit* made = nullptr;
    ts::guarded([&] { made = new Unit(torch::jit::compile(script)); });
    return made;
}

TS_API void ts_jit_free(Unit* unit) { delete unit; }

TS_API int32_t ts_jit_invoke(Unit* unit, const char* name, const ScalarArg* arguments, int64_t n, int32_t* kind, Handle** out,
                             int64_t* count) {
    return ts::run([&] {
        auto* function = (*unit)->find_function(name);
        TORCH_CHECK(function != nullptr, "the script has no function ", name);
        std::vector<c10::IValue> stack;
        for (int64_t i = 0; i < n; i++) stack.push_back(argument(arguments[i]));
        auto result = (*function)(std::move(stack));
        std::vector<at::Tensor> made;
        *kind = ResultOther;
        if (result.isNone()) {
            *kind = ResultNone;
        } else if (result.isTensor()) {
            *kind = ResultTensor;
            made.push_back(result.toTensor());
        } else if (result.isTensorList()) {
            *kind = ResultList;
            made = result.toTensorVector();
        } else if (result.isTuple() && tensors(result.toTupleRef().elements())) {
            *kind = ResultTuple;
            for (const auto& element : result.toTupleRef().elements()) made.push_back(element.toTensor());
        }
        ts::put_list(made, out, count);
    });
}
