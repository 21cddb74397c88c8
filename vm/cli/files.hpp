#pragma once

#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace warpbeam::cli {

/// The contents of a file; `-` is the standard input. Throws Failure.
[[nodiscard]] std::vector<uint8_t> read_file(std::string_view path);
/// Writes a file; `-` is the standard output. Throws Failure.
void write_file(std::string_view path, std::span<const uint8_t> bytes);

/// Whether they begin like a module in the binary format.
[[nodiscard]] bool is_binary(std::span<const uint8_t> bytes) noexcept;

/// A module's binary format, and whether we made that ourselves from the text format.
struct ModuleBytes {
    std::vector<uint8_t> bytes;
    bool from_text = false;
};

/// The module in a file, not yet validated. Throws Failure, with the place in a text that is malformed.
[[nodiscard]] ModuleBytes read_module(std::string_view path);
/// What to tell of a module that the loader refused.
[[nodiscard]] std::string describe(std::string_view path, const Error& error, bool from_text);

} // namespace warpbeam::cli
