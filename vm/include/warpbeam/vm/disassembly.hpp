#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/engine.hpp>

#include <string_view>

/// @file
/// What the engine makes of a function, for people who look into it. No program needs this.

namespace warpbeam {

/// A line of a listing: an instruction of threaded code, or something about all of it.
struct CodeLine {
    std::string_view text; ///< the line
    size_t position = 0;   ///< of the instruction, in bytes from the beginning of the code
    /// The offset in the module of the instruction that it was made from; Error::no_offset if it is none.
    size_t offset = Error::no_offset;
};

/// The threaded code of one function; docs/engine.md explains the text. It contains no addresses, so the same
/// module has the same listing in every process.
class CodeListing {
public:
    /// The frame, the instructions, then where exceptions are caught. Empty where what was found is such that
    /// the code can't be read.
    [[nodiscard]] std::span<const CodeLine> lines() const noexcept { return lines_; }
    /// What a check of the code has found wrong, which is a fault of the engine; empty: nothing.
    [[nodiscard]] std::string_view finding() const noexcept { return {finding_.data(), finding_.size()}; }

private:
    friend class CodeLister;
    explicit CodeListing(Allocator& allocator) noexcept
        : text_{allocator}, lines_{allocator}, finding_{allocator} {}

    Vec<char> text_;
    Vec<CodeLine> lines_;
    Vec<char> finding_;
};

/// Lowers a function, if that has not been done, and lists what came of it. `module` must have been loaded by
/// the engine, and `func`, the index of the function, must be of one that it defines. Errors:
/// `out_of_memory`; `limit`, when the function is too large; `unsupported`, when a build that verifies code
/// has refused it.
[[nodiscard]] WARPBEAM_API std::expected<CodeListing, Error>
list_code(const Engine& engine, const Module& module, uint32_t func) noexcept;

} // namespace warpbeam
