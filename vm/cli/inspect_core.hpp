#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace warpbeam::cli {

/// A part of a memory of a core dump.
struct MemoryRange {
    uint32_t memory = 0; ///< its index in the dump
    uint64_t address = 0;
    uint64_t size = 256;
};
/// Reads `[INDEX@]ADDRESS[+LENGTH]`; throws a UsageError.
[[nodiscard]] MemoryRange parse_memory_range(std::string_view text);

/// How a core dump is shown.
struct CoreSettings {
    std::vector<std::string_view> modules; ///< files
    std::vector<MemoryRange> ranges;       ///< if there are any, only these
    bool as_json = false;
};
/// Prints a core dump. Throws Failure.
void inspect_core(std::string_view path, std::span<const uint8_t> bytes, const CoreSettings& settings);

} // namespace warpbeam::cli
