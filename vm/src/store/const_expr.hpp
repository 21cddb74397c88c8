#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>
#include <optional>

namespace warpbeam::vm {

/// Evaluates constant expressions, either for an instance that is being created, or before there is an
/// instance.
/// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
class ConstEvaluator {
public:
    ConstEvaluator(const InstanceData& inst, Allocator& allocator) noexcept
        : module_{*inst.module}, inst_{&inst}, stack_{allocator} {}
    /// For expressions that depend only on constants. For other ones, and for those longer than what
    /// compilers generate for an address, the error is `unsupported`.
    ConstEvaluator(const Module& module, Allocator& allocator) noexcept
        : module_{module}, stack_{allocator} {}

    /// The value: in the first slot, or in both for a v128. Globals and functions that the expression
    /// mentions must exist. Errors: `out_of_memory`; `limit` if the heap is full.
    struct Result {
        Slot slots[2] = {0, 0};
    };
    [[nodiscard]] std::expected<Result, Error> evaluate(const ConstExpr& expression) noexcept;

    /// The code of the trap that ended the last evaluation, if there was one.
    [[nodiscard]] std::optional<TrapCode> trap() const noexcept { return trap_; }

private:
    using Step = std::expected<void, Error>;
    /// Leaves the value on the stack.
    Step run(const ConstExpr& expression) noexcept;
    Step apply(Op op, InstrReader& reader) noexcept;
    Step get_global(uint32_t index) noexcept;
    /// Takes the fuel for an object; false with a trap if there is not enough.
    [[nodiscard]] bool charge_for(uint64_t size) noexcept;
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
