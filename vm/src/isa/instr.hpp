#pragma once

#include "isa/exit.hpp"

#include <warpbeam/build.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/racing.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// Threaded code: how an instruction looks in memory, and the machine registers of the interpreter. Section 2
/// of docs/engine.md explains the choices.

// Attributes that not every compiler has, or not for every machine. Clang passes at least twelve integers in
// registers to a `preserve_none` function and saves none, so a chain of tail calls keeps the whole state of
// the interpreter in machine registers.
// Clang knows the attribute for 32-bit x86, too, but can't call such a function there.
#if defined(__clang__) && __has_cpp_attribute(clang::preserve_none) &&                                       \
    __has_cpp_attribute(clang::musttail) && !defined(__i386__) && !defined(WARPBEAM_LOOP_DISPATCH)
#define WARPBEAM_TAIL_CALLS 1
#define WARPBEAM_PRESERVE_NONE [[clang::preserve_none]]
#define WARPBEAM_MUSTTAIL [[clang::musttail]]
#else
#define WARPBEAM_TAIL_CALLS 0
#define WARPBEAM_PRESERVE_NONE
#define WARPBEAM_MUSTTAIL
#endif

/// Whether instructions are joined. Among those of the list are vectors and 64-bit addresses.
#if WARPBEAM_TAIL_CALLS && !WARPBEAM_SMALL && WARPBEAM_SIMD && WARPBEAM_MEMORY64
#define WARPBEAM_JOINS 1
#else
#define WARPBEAM_JOINS 0
#endif

namespace warpbeam::vm {

struct InstanceData;
struct Regs;
struct Instr;
struct Record;

/// A cell of the value stack. An i32 is stored zero-extended, an f32 in the low half; a v128 takes two
/// adjacent cells; references are described in heap/reference.hpp.
using Slot = uint64_t;

template <typename T, size_t Bytes>
struct VectorOf {
    typedef T type __attribute__((vector_size(Bytes)));
};
/// The floating-point registers are whole vector registers, so one serves f32, f64 and v128 without
/// conversion. A v128 is two numbers of 64 bits, the lower half first, in registers, slots and constants; on
/// big-endian machines the lanes of each half are therefore in reverse order (semantics/lanes.hpp).
using Vector = VectorOf<double, 16>::type;

#if WARPBEAM_TAIL_CALLS
using Handler = Exit (*)(const Instr* ip, Slot* fp, uint8_t* mem, uint64_t mem_size, InstanceData* inst,
                         Record* rp, uint64_t acc, uint64_t l0, uint64_t l1, Vector facc,
                         Vector f0) WARPBEAM_PRESERVE_NONE;
#else
using Handler = Exit (*)(Regs&);
#endif

/// Where an instruction's fields begin. Handlers have as much room on machines with 32-bit addresses, so that
/// code has the same size everywhere.
inline constexpr size_t head_offset = 8;

/// The beginning of every instruction; its form (isa/form.hpp) defines the rest.
struct alignas(8) Instr {
    Handler handler;
    alignas(8) uint64_t head;
    /// The handler to run: other threads may change it meanwhile (handlers/stop_points.hpp). C++ has no plain
    /// access for that, but compilers read an address as a whole, and at every call anew.
    [[nodiscard]] [[gnu::always_inline]] Handler current() const noexcept {
#ifdef WARPBEAM_THREAD_SANITIZER
        return __atomic_load_n(&handler, __ATOMIC_RELAXED);
#else
        return handler;
#endif
    }
    /// The same in a loop, where a plain access could be taken out of it.
    [[nodiscard]] [[gnu::always_inline]] Handler again() const noexcept {
        return __atomic_load_n(&handler, __ATOMIC_RELAXED);
    }
    /// Everything after the handler's address: the head, then the words.
    [[nodiscard]] const char* bytes() const noexcept {
        return reinterpret_cast<const char*>(this) + head_offset;
    }
    [[nodiscard]] const Instr* after(size_t bytes) const noexcept {
        return reinterpret_cast<const Instr*>(reinterpret_cast<const char*>(this) + bytes);
    }
    [[nodiscard]] const Instr* jump(int32_t bytes) const noexcept {
        return reinterpret_cast<const Instr*>(reinterpret_cast<const char*>(this) + bytes);
    }
};
static_assert(sizeof(Instr) == 16 && offsetof(Instr, head) == head_offset);

/// Which locals of a frame live in registers: the slots of l0, l1 and f0. Such a local is written through to
/// its slot, so memory is always up to date and a set of pins can be dropped at any time. An unused register
/// names any slot of the frame.
struct Pins {
    uint16_t l0 = 0;
    uint16_t l1 = 0;
    uint16_t f0 = 0;
    /// In the word after a call: the slot of the caller's frame for the callee's single result.
    uint16_t result = 0;
    friend bool operator==(const Pins&, const Pins&) = default;
};
static_assert(sizeof(Pins) == 8);

/// How many slots are zeroed when a function is entered that has `count` locals besides its parameters. A few
/// are zeroed without a loop, whose end would be hard to predict; the frame has room for them.
constexpr uint32_t zeroed_slots(uint32_t count) noexcept { return count == 0 || count > 4 ? count : 4; }

/// What a call saves for the return. The 64-bit word right before `ip` holds the caller's Pins. A call into
/// another instance pushes two more records: one whose `ip` is the caller's InstanceData, and one that
/// returns to an instruction which restores that instance.
/// As large on all machines, since the limit of the stack counts records.
struct Record {
    alignas(8) const Instr* ip;
    alignas(8) Slot* fp;
};
static_assert(sizeof(Record) == 16);

/// A function's threaded code. The instructions follow the header, then the tables of isa/catch_table.hpp,
/// isa/frame_map.hpp and isa/stop_table.hpp.
struct alignas(8) Code {
    uint32_t frame_slots; ///< locals and operand stack
    uint16_t zero_from;   ///< the first local that is not a parameter; these begin as zero
    uint16_t zero_count;
    Pins pins;     ///< at entry
    uint32_t size; ///< the size of the instructions in bytes
    uint32_t func; ///< the index in its module
    uint32_t try_regions;
    uint32_t catch_clauses;
    uint32_t reference_runs;
    uint32_t reference_nodes;
    uint32_t safepoints;
    uint32_t stop_points;
    [[nodiscard]] const Instr* entry() const noexcept { return reinterpret_cast<const Instr*>(this + 1); }
};
static_assert(sizeof(Code) == 48);

/// The position in the code of an instruction, or with `after` set of the byte before a return address.
[[nodiscard]] inline size_t position_in(const Code& code, const Instr* ip, bool after) noexcept {
    return reinterpret_cast<uintptr_t>(ip) - (after ? 1 : 0) - reinterpret_cast<uintptr_t>(code.entry());
}
[[nodiscard]] inline bool contains(const Code& code, const Instr* ip, bool after) noexcept {
    return position_in(code, ip, after) < code.size;
}

/// Points to a function's code: at first to a stub that lowers it. Calls hold the cell's address, so code can
/// be shared between instances and threads and replaced at any time.
struct CodeCell {
    std::atomic<const Code*> code;
    /// ModuleCode for a function of a module, HostFunc for a host function: what the stub expects.
    void* owner;
    uint32_t func; ///< the index in its module
};

/// The registers of the interpreter, bundled while a handler's body runs.
struct Regs {
    const Instr* ip;    ///< the current instruction
    Slot* fp;           ///< the frame: parameters, locals, then operands by stack height
    uint8_t* mem;       ///< memory 0
    uint64_t mem_size;  ///< in bytes
    InstanceData* inst; ///< the current instance
    Record* rp;         ///< the position of the next record
    uint64_t acc;       ///< the integer accumulator
    uint64_t l0;        ///< pinned local
    uint64_t l1;        ///< pinned local
    Vector facc;        ///< the floating-point and vector accumulator
    Vector f0;          ///< pinned local
};

} // namespace warpbeam::vm
