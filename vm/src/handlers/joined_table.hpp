#pragma once

#include "handlers/handler_table.hpp"

/// Looks up the handlers of joined instructions (joined.hpp).

namespace warpbeam::vm {

/// The number of an instruction that occurs in the list of joined ones, or of joined instructions. 0:
/// neither.
using JoinedNumber = uint16_t;
/// The most instructions that are joined.
inline constexpr size_t max_joined = 5;

/// The number of one instruction. Always 0 in builds without tail calls, and in small ones.
[[nodiscard]] JoinedNumber joined_part(ChoiceKey choice) noexcept;
/// The number of those with one handler that does the work of `first`, which may be joined already, and of
/// the next instruction. 0 if there is none, or if one of both is 0.
[[nodiscard]] JoinedNumber join(JoinedNumber first, JoinedNumber next) noexcept;
/// The number of as many of `max_joined` instructions as are joined, from the first on; 0 if not even two
/// are.
[[nodiscard]] JoinedNumber longest_joined(const JoinedNumber* parts) noexcept;
/// An instruction at a position of the code.
struct PlacedChoice {
    uint32_t begin;
    ChoiceKey choice;
};
/// The numbers of instructions. If guard pages check the bounds of accesses, these have the numbers of those
/// that check them: a check takes less time than another dispatch.
void number_parts(std::span<const PlacedChoice> instrs, JoinedNumber* parts, bool guarded) noexcept;
/// Replaces the handlers of instructions by those that also do the work of the next ones. After their numbers
/// come those of `max_joined` more, 0 where there is none.
void join_handlers(std::span<const PlacedChoice> instrs, const JoinedNumber* parts, uint8_t* code) noexcept;
/// The handler of joined instructions.
[[nodiscard]] Handler joined_handler(JoinedNumber joined) noexcept;

/// @{ All of them, for a disassembler to find out what the first instruction is.
struct JoinedEntry {
    Handler handler;
    Choice first;
};
[[nodiscard]] size_t joined_entries() noexcept;
[[nodiscard]] JoinedEntry joined_entry(size_t i) noexcept;
/// @}

} // namespace warpbeam::vm
