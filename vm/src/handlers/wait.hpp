#pragma once

#include "handlers/general.hpp"
#include "handlers/memory_access.hpp"

#include <warpbeam/memory/shared_bytes.hpp>

/// Waiting and notifying.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md

namespace warpbeam::vm {

/// The effective address of an instruction with its operands in consecutive slots; false with a trap if it is
/// not valid. The words are the memory's index and the offset.
inline bool effective_address(Regs& r, const MemoryInst& memory, uint64_t bytes, uint64_t& start,
                              Exit& exit) noexcept {
    using In = General<Form::general2>;
    const uint64_t offset = In::get<Field::second>(r.ip);
    start = In::operands(r)[0] + offset;
    if (start % bytes != 0) {
        r.acc = start;
        exit = Exit::unaligned_atomic;
        return false;
    }
    if (start < offset || memory.size < bytes || start > memory.size - bytes) {
        exit = out_of_bounds(r, start);
        return false;
    }
    return true;
}

/// The expected value and the timeout follow the address.
template <typename T>
struct Wait {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[In::get<Field::first>(r.ip)];
        uint64_t start = 0;
        Exit exit = Exit::none;
        if (!effective_address(r, memory, sizeof(T), start, exit))
            return exit;
        if (memory.shared == nullptr)
            return Exit::expected_shared_memory;
        const Execution& execution = *r.inst->execution;
        if (!execution.may_wait)
            return Exit::waiting_forbidden;
        const Slot* const operands = In::operands(r);
        const WaitResult result =
            memory.shared->wait<T>(start, static_cast<T>(operands[1]), static_cast<int64_t>(operands[2]),
                                   execution.may_be_interrupted ? &execution.interrupt->word : nullptr);
        return result == WaitResult::interrupted ? Exit::interrupted
                                                 : In::result(r, static_cast<uint32_t>(result));
    }
};

/// The count follows the address.
struct Notify {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[In::get<Field::first>(r.ip)];
        uint64_t start = 0;
        Exit exit = Exit::none;
        if (!effective_address(r, memory, sizeof(uint32_t), start, exit))
            return exit;
        // No thread can wait on a memory that is not shared.
        const auto count = static_cast<uint32_t>(In::operands(r)[1]);
        return In::result(r, memory.shared != nullptr ? memory.shared->notify(start, count) : 0);
    }
};

} // namespace warpbeam::vm
