#pragma once

#include "call.hpp"

/// Records of calls: how they are made and read.

namespace warpbeam::wasi {

/// Ends a call that was made with these arguments: records it, unless it has stopped and will be made again.
[[nodiscard]] std::expected<uint32_t, Trap>
record_call(Call& call, uint8_t function, std::span<const uint64_t> args, Errno outcome) noexcept;

/// Does what the next record says instead of making the call.
[[nodiscard]] std::expected<uint32_t, Trap> replay_call(Call& call, uint8_t function,
                                                        std::span<const uint64_t> args) noexcept;

} // namespace warpbeam::wasi
