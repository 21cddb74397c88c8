#pragma once

#include <warpbeam/loader/feature.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace warpbeam {

class Allocator;

/// What kind of fault an error reports.
enum class ErrorCode : uint8_t {
    malformed,     ///< the bytes or the text are not in WebAssembly's format
    invalid,       ///< the module breaks a validation rule
    unsupported,   ///< the module uses a feature that is switched off
    limit,         ///< a limit set by the embedder, or one of the implementation, is exceeded
    out_of_memory, ///< the allocator has no more memory
    unlinkable,    ///< an import is missing or has another type
    usage,         ///< the embedder asked for something that does not exist or does not fit
};

/// The description of an error code.
[[nodiscard]] WARPBEAM_API std::string_view text_of(ErrorCode code) noexcept;

/// An error as a value: small, and cheap to copy since copies share the message. Only the message needs
/// memory; without memory, the description of the code is the message. Thread-safety: as for any value;
/// copies in different threads share nothing that changes.
class WARPBEAM_API Error {
public:
    static constexpr size_t no_offset = SIZE_MAX;       ///< the value of `offset` if there is none
    static constexpr uint32_t no_function = UINT32_MAX; ///< the value of `function` if there is none

    /// The message is `text_of(code)`. Needs no memory.
    explicit Error(ErrorCode code) noexcept : code_{code} {}
    /// @{ `format` is as for printf. The message uses memory from the default allocator, or from
    /// `allocator`, which must outlive the error and its copies.
    [[gnu::format(printf, 3, 4)]] Error(ErrorCode code, const char* format, ...) noexcept;
    [[gnu::format(printf, 4, 5)]] Error(Allocator& allocator, ErrorCode code, const char* format,
                                        ...) noexcept;
    /// @}
    /// Like vprintf.
    [[nodiscard]] static Error vformat(Allocator& allocator, ErrorCode code, const char* format,
                                       va_list arguments) noexcept;
    Error(const Error& other) noexcept;
    Error(Error&& other) noexcept
        : details_{std::exchange(other.details_, nullptr)}, offset_{other.offset_},
          function_{other.function_}, code_{other.code_}, missing_feature_{other.missing_feature_} {}
    Error& operator=(Error other) noexcept {
        std::swap(details_, other.details_);
        offset_ = other.offset_;
        function_ = other.function_;
        code_ = other.code_;
        missing_feature_ = other.missing_feature_;
        return *this;
    }
    ~Error();

    /// What kind of fault it is.
    [[nodiscard]] ErrorCode code() const noexcept { return code_; }
    /// What went wrong, in the specification's terms, on one line unless it comes from the text front end.
    /// Names in it are escaped so that it is safe to print (see printable.hpp). Valid as long as the error.
    [[nodiscard]] std::string_view message() const noexcept;
    /// The byte offset of the fault in the module (or in the text), or `no_offset`.
    [[nodiscard]] size_t offset() const noexcept { return offset_; }
    /// The index of the function that contains the fault, or `no_function`.
    [[nodiscard]] uint32_t function() const noexcept { return function_; }
    /// The feature whose absence caused this error; `core` if a missing feature was not the cause.
    [[nodiscard]] Feature missing_feature() const noexcept { return missing_feature_; }

    /// @{ Adds what is known about the fault.
    Error& at(size_t byte_offset) noexcept {
        offset_ = byte_offset;
        return *this;
    }
    Error& in_function(uint32_t index) noexcept {
        function_ = index;
        return *this;
    }
    Error& for_lack_of(Feature feature) noexcept {
        missing_feature_ = feature;
        return *this;
    }
    /// @}
    /// Appends to the message; `format` is as for printf.
    [[gnu::format(printf, 2, 3)]] Error& add(const char* format, ...) noexcept;
    /// Appends a new line to the message.
    [[gnu::format(printf, 2, 3)]] Error& add_line(const char* format, ...) noexcept;

private:
    struct Details;
    void print(Allocator& allocator, const char* format, va_list arguments) noexcept;
    /// A message that only this error refers to, with the same text; null if memory runs out.
    Details* own_details(Allocator& allocator) noexcept;
    /// The same, ready for appending; without a message, it begins with the code's description.
    Details* begin_addition() noexcept;

    Details* details_ = nullptr;
    size_t offset_ = no_offset;
    uint32_t function_ = no_function;
    ErrorCode code_;
    Feature missing_feature_ = Feature::core;
};

} // namespace warpbeam
