#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace warpbeam {

/// What is wrong with a module's magic number and version, if anything. Recognises input that is often
/// mistaken for a module: text, or a component. The error's message uses memory from `allocator`.
/// Thread-safety: any thread may call it.
/// https://webassembly.github.io/spec/core/binary/modules.html#binary-module
[[nodiscard]] WARPBEAM_API std::optional<Error>
check_header(std::span<const uint8_t> bytes, Allocator& allocator = Allocator::standard()) noexcept;

} // namespace warpbeam
