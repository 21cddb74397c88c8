#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>
#include <optional>

namespace warpbeam::vm {

/// Evaluates constant expressions while an instance is being made.
/// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
class ConstEvaluator {
public:
    explicit ConstEvaluator(const InstanceData& inst, Allocator& allocator) noexcept
        : inst_{inst}, stack_{allocator} {}

    /// The value, in the first slot and for a v128 in both. Globals and functions that the expression names
    /// must exist. Errors: `out_of_memory`; `limit` when the heap is full.
    struct Result {
        Slot slots[2] = {0, 0};
    };
    [[nodiscard]] std::expected<Result, Error> evaluate(const ConstExpr& expression) noexcept;

    /// When the last evaluation ended by a trap, its code.
    [[nodiscard]] std::optional<TrapCode> trap() const noexcept { return trap_; }

private:
    std::expected<void, Error> make_object(Op op, InstrReader& reader) noexcept;

    const InstanceData& inst_;
    std::optional<TrapCode> trap_;
    /// Kept from one expression to the next, so that it is allocated once.
    Vec<Slot> stack_;
};

} // namespace warpbeam::vm
