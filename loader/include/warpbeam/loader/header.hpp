#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace warpbeam {

/// What is wrong with the magic number and the version that a module begins with, if anything is. Says when
/// the bytes are something else that people take for a module: text, or a component.
/// https://webassembly.github.io/spec/core/binary/modules.html#binary-module
[[nodiscard]] WARPBEAM_API std::optional<Error> check_header(std::span<const uint8_t> bytes) noexcept;

} // namespace warpbeam
