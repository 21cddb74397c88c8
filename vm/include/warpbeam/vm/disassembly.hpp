#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/engine.hpp>

#include <string_view>

/// @file
/// The code that the engine generates for a function, for people who study the engine. Programs do not need
/// it. Thread-safety: a CodeListing is a plain value; `list_code` may be called in any thread.

namespace warpbeam {

/// A line of a listing: an instruction of threaded code, or information about the whole function.
struct CodeLine {
    std::string_view text; ///< the line
    size_t position = 0;   ///< the instruction's position, in bytes from the beginning of the code
    /// The offset in the module of the WebAssembly instruction that it comes from; Error::no_offset if there
    /// is none.
    size_t offset = Error::no_offset;
};

/// The threaded code of one function; docs/engine.md explains the text. It contains no addresses, so the same
/// module has the same listing in every process.
class CodeListing {
public:
    /// The frame, the instructions, then the exception handlers. Empty if the `finding` is so severe that the
    /// code can't be read.
    [[nodiscard]] std::span<const CodeLine> lines() const noexcept { return lines_; }
    /// The fault that a check of the code has found, which is a bug in the engine; empty if there is none.
    [[nodiscard]] std::string_view finding() const noexcept { return {finding_.data(), finding_.size()}; }

private:
    friend class CodeLister;
    explicit CodeListing(Allocator& allocator) noexcept
        : text_{allocator}, lines_{allocator}, finding_{allocator} {}

    Vec<char> text_;
    Vec<CodeLine> lines_;
    Vec<char> finding_;
};

/// Lowers a function, unless that has been done already, and lists the resulting code. `module` must have
/// been loaded by the engine, and `func` must be the index of a function that the module defines. Errors:
/// `out_of_memory`; `limit` if the function is too large; `unsupported` if a build that verifies code has
/// rejected it.
[[nodiscard]] WARPBEAM_API std::expected<CodeListing, Error>
list_code(const Engine& engine, const Module& module, uint32_t func) noexcept;

} // namespace warpbeam
