#include "handlers/families.hpp"
#include "handlers/memory_access.hpp"

#include <warpbeam/memory/shared_bytes.hpp>

#include <atomic>

/// Atomic instructions, all sequentially consistent, and waiting.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md

namespace warpbeam::vm {

namespace {

/// Which memory: number 0 with 32-bit addresses, whose place is in registers, or any one.
enum class Form : uint8_t { first, any_32, any_64 };

/// The Memory at the address `a` + the first word; null when there is a reason to trap, which is `exit` then.
template <typename Memory, Form F, Src S>
[[gnu::always_inline]] inline Memory* locate(Regs& r, Exit& exit) noexcept {
    const uint64_t offset = r.ip->word(0);
    const uint64_t address = F == Form::any_64 ? read<uint64_t, S>(r, r.ip->a, 0) : read_address<S>(r);
    const uint64_t start = address + offset;
    if (start % sizeof(Memory) != 0) [[unlikely]] {
        r.acc = start;
        exit = Exit::unaligned_atomic;
        return nullptr;
    }
    uint8_t* base = r.mem;
    uint64_t size = r.mem_size;
    if constexpr (F != Form::first) {
        const MemoryInst& memory = *r.inst->memories[r.ip->word(1)];
        base = memory.base;
        size = memory.size;
    }
    if (start < offset || size < sizeof(Memory) || start > size - sizeof(Memory)) [[unlikely]] {
        exit = out_of_bounds(r, start);
        return nullptr;
    }
    return reinterpret_cast<Memory*>(base + start);
}

template <Form F>
inline constexpr size_t atomic_size = sizeof(Instr) + (F == Form::first ? 8 : 16);

// What is done with the place in memory; `value` is the last operand, `b` the slot of the one before it.

struct AtomicLoad {
    static constexpr bool has_result = true;
    template <typename Memory, typename Value>
    static Value apply(const Regs&, std::atomic_ref<Memory> place, Value) noexcept {
        return place.load();
    }
};
struct AtomicStore {
    static constexpr bool has_result = false;
    template <typename Memory, typename Value>
    static Value apply(const Regs&, std::atomic_ref<Memory> place, Value value) noexcept {
        place.store(static_cast<Memory>(value));
        return value;
    }
};
/// Replaces the value by F(value, operand).
template <auto F>
struct AtomicRmw {
    static constexpr bool has_result = true;
    template <typename Memory, typename Value>
    static Value apply(const Regs&, std::atomic_ref<Memory> place, Value value) noexcept {
        return F(place, static_cast<Memory>(value));
    }
};
struct AtomicCmpxchg {
    static constexpr bool has_result = true;
    template <typename Memory, typename Value>
    static Value apply(const Regs& r, std::atomic_ref<Memory> place, Value value) noexcept {
        // What is expected wraps to the memory's width, as what is stored does: "expected wrapped from i32 to
        // i8, 8-bit compare equal".
        auto found = static_cast<Memory>(load_slot<Value>(r.fp, r.ip->b));
        place.compare_exchange_strong(found, static_cast<Memory>(value));
        return found;
    }
};

/// d = what F makes of the place, `c` being the value.
template <typename F, typename Memory, typename Value, Form M, Src Address, Src Operand>
struct Atomic {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        Exit exit = Exit::none;
        Memory* const at = locate<Memory, M, Address>(r, exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        const Value result = F::template apply<Memory, Value>(r, std::atomic_ref<Memory>{*at},
                                                              read<Value, Operand>(r, r.ip->c, 0));
        if constexpr (F::has_result)
            write<Dst::slot, Value>(r, r.ip->d, result);
        r.ip = r.ip->after(atomic_size<M>);
        return Exit::none;
    }
};

constexpr bool says(Op op, std::string_view part) {
    return row_of(op).text.find(part) != std::string_view::npos;
}

/// What an instruction does, by its name.
template <Op op>
constexpr auto function_of() noexcept {
    if constexpr (says(op, ".load"))
        return AtomicLoad{};
    else if constexpr (says(op, ".store"))
        return AtomicStore{};
    else if constexpr (says(op, ".add"))
        return AtomicRmw<[](auto place, auto value) { return place.fetch_add(value); }>{};
    else if constexpr (says(op, ".sub"))
        return AtomicRmw<[](auto place, auto value) { return place.fetch_sub(value); }>{};
    else if constexpr (says(op, ".and"))
        return AtomicRmw<[](auto place, auto value) { return place.fetch_and(value); }>{};
    else if constexpr (says(op, ".or"))
        return AtomicRmw<[](auto place, auto value) { return place.fetch_or(value); }>{};
    else if constexpr (says(op, ".xor"))
        return AtomicRmw<[](auto place, auto value) { return place.fetch_xor(value); }>{};
    else if constexpr (says(op, ".xchg"))
        return AtomicRmw<[](auto place, auto value) { return place.exchange(value); }>{};
    else if constexpr (says(op, ".cmpxchg"))
        return AtomicCmpxchg{};
}

template <unsigned log2>
using Unsigned = std::conditional_t<
    log2 == 0, uint8_t,
    std::conditional_t<log2 == 1, uint16_t, std::conditional_t<log2 == 2, uint32_t, uint64_t>>>;

template <Op op>
Handler pick(Form form, Src address, Src value) noexcept {
    using F = decltype(function_of<op>());
    if constexpr (!std::is_void_v<F>) {
        constexpr InstrRow row = row_of(op);
        using Memory = Unsigned<row.access_log2>;
        constexpr bool is_64 = (row.sig.arity == 1 ? row.sig.out : row.sig.in[1]) == Sig::i64;
        using Value = std::conditional_t<is_64, uint64_t, uint32_t>;
        if (form == Form::any_32)
            return &handler<Atomic<F, Memory, Value, Form::any_32, Src::slot, Src::slot>>;
        if (form == Form::any_64)
            return &handler<Atomic<F, Memory, Value, Form::any_64, Src::slot, Src::slot>>;
        if (address == Src::acc)
            return &handler<Atomic<F, Memory, Value, Form::first, Src::acc, Src::slot>>;
        if (value == Src::acc)
            return &handler<Atomic<F, Memory, Value, Form::first, Src::slot, Src::acc>>;
        return &handler<Atomic<F, Memory, Value, Form::first, Src::slot, Src::slot>>;
    } else {
        return nullptr;
    }
}

Handler find(Op op, Form form, Src address, Src value) noexcept {
    switch (op) {
#define WARPBEAM_INSTR(id, code, text, imm, sig, feature, access)                                            \
    case Op::id:                                                                                             \
        return pick<Op::id>(form, address, value);
#include <warpbeam/loader/instr_rows_atomics.inc>
#undef WARPBEAM_INSTR
    default:
        return nullptr;
    }
}

struct Fence {
    static Exit run(Regs& r) noexcept {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};

/// The effective address of an instruction with its operands in consecutive slots; whether nothing speaks
/// against it. The words are the memory's index and the offset.
bool effective_address(Regs& r, const MemoryInst& memory, uint64_t bytes, uint64_t& start,
                       Exit& exit) noexcept {
    const uint64_t offset = r.ip->word(1);
    start = r.fp[r.ip->a] + offset;
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

Exit slow_result(Regs& r, uint32_t value) noexcept {
    r.fp[r.ip->a] = value;
    r.acc = value;
    r.ip = r.ip->after(sizeof(Instr) + 16);
    return Exit::none;
}

/// The expected value and the timeout follow the address.
template <typename T>
struct Wait {
    static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[r.ip->word(0)];
        uint64_t start = 0;
        Exit exit = Exit::none;
        if (!effective_address(r, memory, sizeof(T), start, exit))
            return exit;
        if (memory.shared == nullptr)
            return Exit::expected_shared_memory;
        const Execution& execution = *r.inst->execution;
        if (!execution.may_wait)
            return Exit::waiting_forbidden;
        const Slot* const operands = r.fp + r.ip->a;
        const WaitResult result =
            memory.shared->wait<T>(start, static_cast<T>(operands[1]), static_cast<int64_t>(operands[2]),
                                   execution.may_be_interrupted ? &execution.interrupt : nullptr);
        return result == WaitResult::interrupted ? Exit::interrupted
                                                 : slow_result(r, static_cast<uint32_t>(result));
    }
};

/// The count follows the address.
struct Notify {
    static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[r.ip->word(0)];
        uint64_t start = 0;
        Exit exit = Exit::none;
        if (!effective_address(r, memory, sizeof(uint32_t), start, exit))
            return exit;
        // Nobody can wait at a memory that is not shared.
        const auto count = static_cast<uint32_t>(r.fp[r.ip->a + 1]);
        return slow_result(r, memory.shared != nullptr ? memory.shared->notify(start, count) : 0);
    }
};

} // namespace

Handler atomic(Op op, Src address, Src value) noexcept { return find(op, Form::first, address, value); }
Handler atomic_any(Op op, bool is_64) noexcept {
    return find(op, is_64 ? Form::any_64 : Form::any_32, Src::slot, Src::slot);
}
Handler atomic_fence() noexcept { return &handler<Fence>; }

Handler wait_or_notify(Op op) noexcept {
    switch (op) {
    case Op::memory_atomic_wait32:
        return &handler<Wait<uint32_t>>;
    case Op::memory_atomic_wait64:
        return &handler<Wait<uint64_t>>;
    case Op::memory_atomic_notify:
        return &handler<Notify>;
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
