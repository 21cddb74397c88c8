#pragma once

#include "runtime/instance_data.hpp"

#include <warpbeam/memory/vec.hpp>

#include <expected>

namespace warpbeam::vm {

/// Evaluates constant expressions while an instance is being made.
/// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
class ConstEvaluator {
public:
    explicit ConstEvaluator(const InstanceData& inst, Allocator& allocator) noexcept
        : inst_{inst}, stack_{allocator} {}

    /// The value, in the first slot and for a v128 in both. Globals and functions that the expression names
    /// must exist. Errors: `out_of_memory`; `unsupported` for objects of the heap.
    struct Result {
        Slot slots[2] = {0, 0};
    };
    [[nodiscard]] std::expected<Result, Error> evaluate(const ConstExpr& expression) noexcept;

private:
    const InstanceData& inst_;
    /// Kept from one expression to the next, so that it is allocated once.
    Vec<Slot> stack_;
};

} // namespace warpbeam::vm
