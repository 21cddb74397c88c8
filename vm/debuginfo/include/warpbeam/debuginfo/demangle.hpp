#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstddef>
#include <expected>
#include <string_view>

/// @file
/// Readable names of functions that compilers have mangled. Thread-safety: any thread may call these
/// functions.
/// https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling,
/// https://rust-lang.github.io/rfcs/2603-rust-symbol-name-mangling-v0.html

namespace warpbeam {

/// The longest readable name in bytes.
inline constexpr size_t max_demangled = 8192;

/// The readable form of a name that a compiler of C++ (Itanium ABI: `_Z4sinki` is `sink(int)`) or Rust (both
/// manglings) has made. It is the name itself if that is not mangled, damaged, has something that is not
/// understood, or would become longer than `max_demangled`. Text from the name is unescaped: use `Printable`
/// before writing it to a terminal. Time and memory are limited, whatever the name is. The only error is
/// `out_of_memory`; memory comes from `allocator`, which must outlive the result.
[[nodiscard]] WARPBEAM_API std::expected<Vec<char>, Error>
demangle(std::string_view name, Allocator& allocator = Allocator::standard()) noexcept;

} // namespace warpbeam
