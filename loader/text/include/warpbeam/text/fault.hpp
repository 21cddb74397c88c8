#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace warpbeam::text {

/// The first fault found while translating a text. Everything that can fail reports here and then continues
/// as usual; the cursor sees the fault and yields no more tokens, so only the final result has to be checked.
class WARPBEAM_API Fault {
public:
    /// No fault so far. The text begins with line `first_line`.
    Fault(std::string_view text, uint32_t first_line) noexcept : text_{text}, first_line_{first_line} {}

    /// Whether something went wrong.
    explicit operator bool() const noexcept { return error_.has_value(); }
    /// The fault, or null.
    [[nodiscard]] const Error* error() const noexcept { return error_ ? &*error_ : nullptr; }

    /// A position as messages show it.
    struct Position {
        uint32_t line; ///< from one, or where the text begins in a larger file
        size_t column; ///< in characters, from one
    };
    /// The place of a byte of the text.
    [[nodiscard]] Position position_of(size_t offset) const noexcept;

    /// Reports a fault at a byte of the text; the message is as for printf. Only the first report
    /// counts.
    [[gnu::format(printf, 4, 5)]] void report(size_t offset, ErrorCode code, const char* format,
                                              ...) noexcept;
    /// Reports that there is no more memory.
    void out_of_memory() noexcept;

private:
    std::string_view text_;
    uint32_t first_line_;
    std::optional<Error> error_;
};

} // namespace warpbeam::text
