#pragma once

#include "handlers/guard.hpp"
#include "handlers/memory_access.hpp"

/// Loads and stores of memory 0 with guard pages, where everything that a 32-bit address and offset can reach
/// is reserved (see handlers/guard.hpp). Each is one machine instruction with an entry in the table.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

/// An access whose bounds are checked by the hardware.
template <typename A>
struct Guarded : A {};
/// An access with an address of 64 bits.
template <typename A>
struct Wide : A {};

template <typename A>
inline constexpr bool is_guarded = false;
template <typename A>
inline constexpr bool is_wide = false;
template <typename A>
inline constexpr bool is_wide<Wide<A>> = true;
/// As wide as addresses.
template <typename A>
using AddressOf = std::conditional_t<is_wide<A>, uint64_t, uint32_t>;

/// The address of the bytes, if guard pages don't check it; null as `checked` says.
template <typename A>
[[gnu::always_inline]] inline uint8_t* checked_for(Regs& r, uint64_t address, uint64_t offset) noexcept {
    if constexpr (is_wide<A>)
        return checked_wide(r, address, offset, A::size);
    else
        return checked(r, address, offset, A::size);
}

#if WARPBEAM_GUARD_PAGES

template <typename A>
inline constexpr bool is_guarded<Guarded<A>> = true;

// The mnemonic is part of the assembler text, hence macros. The section is kept or dropped together with the
// function (`?`); the linker must not drop it for lack of references (`R`).
#define WARPBEAM_GUARD_ENTRY                                                                                 \
    "\n.pushsection warpbeam_guard,\"aR?\"\n.balign 4\n.long 1b-.\n.long %l[fault]-.\n.popsection"
#define WARPBEAM_GUARDED_LOAD(instr, to, kind)                                                               \
    asm goto("1: " instr " (%[mem],%[at]), %" to "[value]" WARPBEAM_GUARD_ENTRY                              \
             : [value] "=" kind(value)                                                                       \
             : [mem] "r"(mem), [at] "r"(at)                                                                  \
             : "memory"                                                                                      \
             : fault)
#define WARPBEAM_GUARDED_STORE(instr, from, kind)                                                            \
    asm goto("1: " instr " %" from "[value], (%[mem],%[at])" WARPBEAM_GUARD_ENTRY                            \
             :                                                                                               \
             : [value] kind(value), [mem] "r"(mem), [at] "r"(at)                                             \
             : "memory"                                                                                      \
             : fault)

/// Reads the As at `mem + at` as a T; false if that faults.
template <typename As, typename T>
[[gnu::always_inline]] inline bool guarded_load(const uint8_t* mem, uint64_t at, T& result) noexcept {
    if constexpr (is_float<T> || std::is_same_v<T, Vector>) {
        T value;
        if constexpr (sizeof(T) == 4)
            WARPBEAM_GUARDED_LOAD("movss", "", "x");
        else if constexpr (sizeof(T) == 8)
            WARPBEAM_GUARDED_LOAD("movsd", "", "x");
        else
            WARPBEAM_GUARDED_LOAD("movups", "", "x");
        result = value;
    } else {
        // Writing the low half of a register clears the upper half.
        uint64_t value;
        constexpr bool is_signed = std::is_signed_v<As>;
        constexpr bool wide = sizeof(T) == 8;
        if constexpr (sizeof(As) == 1 && !is_signed)
            WARPBEAM_GUARDED_LOAD("movzbl", "k", "r");
        else if constexpr (sizeof(As) == 1 && !wide)
            WARPBEAM_GUARDED_LOAD("movsbl", "k", "r");
        else if constexpr (sizeof(As) == 1)
            WARPBEAM_GUARDED_LOAD("movsbq", "q", "r");
        else if constexpr (sizeof(As) == 2 && !is_signed)
            WARPBEAM_GUARDED_LOAD("movzwl", "k", "r");
        else if constexpr (sizeof(As) == 2 && !wide)
            WARPBEAM_GUARDED_LOAD("movswl", "k", "r");
        else if constexpr (sizeof(As) == 2)
            WARPBEAM_GUARDED_LOAD("movswq", "q", "r");
        else if constexpr (sizeof(As) == 4 && !(is_signed && wide))
            WARPBEAM_GUARDED_LOAD("movl", "k", "r");
        else if constexpr (sizeof(As) == 4)
            WARPBEAM_GUARDED_LOAD("movslq", "q", "r");
        else
            WARPBEAM_GUARDED_LOAD("movq", "q", "r");
        result = static_cast<T>(value);
    }
    return true;
fault:
    return false;
}

template <typename As, typename T>
[[gnu::always_inline]] inline bool guarded_store(uint8_t* mem, uint64_t at, T value) noexcept {
    if constexpr (std::is_same_v<T, Vector>)
        WARPBEAM_GUARDED_STORE("movups", "", "x");
    else if constexpr (is_float<T> && sizeof(T) == 4)
        WARPBEAM_GUARDED_STORE("movss", "", "x");
    else if constexpr (is_float<T>)
        WARPBEAM_GUARDED_STORE("movsd", "", "x");
    else if constexpr (sizeof(As) == 1)
        WARPBEAM_GUARDED_STORE("movb", "b", "q");
    else if constexpr (sizeof(As) == 2)
        WARPBEAM_GUARDED_STORE("movw", "w", "r");
    else if constexpr (sizeof(As) == 4)
        WARPBEAM_GUARDED_STORE("movl", "k", "r");
    else
        WARPBEAM_GUARDED_STORE("movq", "q", "r");
    return true;
fault:
    return false;
}

#undef WARPBEAM_GUARDED_LOAD
#undef WARPBEAM_GUARDED_STORE
#undef WARPBEAM_GUARD_ENTRY

#endif

/// Reads the value at `address + offset`; false, with the exit prepared, if out of bounds.
template <typename A>
[[gnu::always_inline]] inline bool load_from(Regs& r, uint64_t address, uint64_t offset,
                                             typename A::Value& value) noexcept {
    if constexpr (!is_guarded<A>) {
        const uint8_t* const at = checked_for<A>(r, address, offset);
        if (at == nullptr) [[unlikely]]
            return false;
        value = A::load(at);
        return true;
    }
#if WARPBEAM_GUARD_PAGES
    else {
        const uint64_t at = address + offset;
        bool done;
        if constexpr (requires { typename A::Memory; }) {
            done = guarded_load<typename A::Memory>(r.mem, at, value);
        } else {
            // A vector from fewer bytes, made in registers.
            std::conditional_t<A::size == 8, uint64_t, uint32_t> raw = 0;
            if constexpr (A::size == 1)
                done = guarded_load<uint8_t>(r.mem, at, raw);
            else if constexpr (A::size == 2)
                done = guarded_load<uint16_t>(r.mem, at, raw);
            else
                done = guarded_load<decltype(raw)>(r.mem, at, raw);
            value = A::load(reinterpret_cast<const uint8_t*>(&raw));
        }
        if (!done) [[unlikely]]
            (void)out_of_bounds(r, at);
        return done;
    }
#endif
}

/// Stores at `address + offset`; false, with the exit prepared, if out of bounds.
template <typename A>
[[gnu::always_inline]] inline bool store_to(Regs& r, uint64_t address, uint64_t offset,
                                            typename A::Value value) noexcept {
    if constexpr (!is_guarded<A>) {
        uint8_t* const at = checked_for<A>(r, address, offset);
        if (at == nullptr) [[unlikely]]
            return false;
        A::store(at, value);
        return true;
    }
#if WARPBEAM_GUARD_PAGES
    else {
        const uint64_t at = address + offset;
        const bool done = guarded_store<typename A::Memory>(r.mem, at, value);
        if (!done) [[unlikely]]
            (void)out_of_bounds(r, at);
        return done;
    }
#endif
}

} // namespace warpbeam::vm
