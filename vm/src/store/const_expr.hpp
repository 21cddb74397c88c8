#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>
#include <optional>

namespace warpbeam::vm {

/// Evaluates constant expressions: for an instance that is being made, or before there is one.
/// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
class ConstEvaluator {
public:
    ConstEvaluator(const InstanceData& inst, Allocator& allocator) noexcept
        : module_{*inst.module}, inst_{&inst}, stack_{allocator} {}
    /// For what depends on nothing but constants; the error `unsupported` says that the expression does not,
    /// or that it is longer than what a compiler makes of an address.
    ConstEvaluator(const Module& module, Allocator& allocator) noexcept
        : module_{module}, stack_{allocator} {}

    /// The value, in the first slot and for a v128 in both. Globals and functions that the expression names
    /// must exist. Errors: `out_of_memory`; `limit` when the heap is full.
    struct Result {
        Slot slots[2] = {0, 0};
    };
    [[nodiscard]] std::expected<Result, Error> evaluate(const ConstExpr& expression) noexcept;

    /// When the last evaluation ended by a trap, its code.
    [[nodiscard]] std::optional<TrapCode> trap() const noexcept { return trap_; }

private:
    using Step = std::expected<void, Error>;
    /// Leaves the value on the stack.
    Step run(const ConstExpr& expression) noexcept;
    Step apply(Op op, InstrReader& reader) noexcept;
    Step get_global(uint32_t index) noexcept;
    Step make_object(Op op, InstrReader& reader) noexcept;
    Step push(std::span<const Slot> value) noexcept;
    template <typename Operator, typename T>
    Step combine() noexcept;

    const Module& module_;
    const InstanceData* inst_ = nullptr;
    uint32_t steps_ = 0; ///< without an instance
    std::optional<TrapCode> trap_;
    /// Kept from one expression to the next, so that it is allocated once.
    Vec<Slot> stack_;
};

} // namespace warpbeam::vm
