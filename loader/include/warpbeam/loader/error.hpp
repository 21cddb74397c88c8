#pragma once

#include <warpbeam/loader/feature.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace warpbeam {

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

/// An error as a value: it owns its text, allocates nothing, and is safe to copy and store.
class WARPBEAM_API Error {
public:
    static constexpr size_t no_offset = SIZE_MAX;
    static constexpr uint32_t no_function = UINT32_MAX;
    static constexpr size_t text_capacity = 400;

    /// `format` is as for printf; a message that is too long is truncated.
    [[gnu::format(printf, 3, 4)]] Error(ErrorCode code, const char* format, ...) noexcept;

    [[nodiscard]] ErrorCode code() const noexcept { return code_; }
    /// What went wrong, in the specification's terms, on one line unless it comes from the text front end.
    /// Names in it are escaped so that it is safe to print (see printable.hpp).
    [[nodiscard]] std::string_view message() const noexcept { return {text_, length_}; }
    /// The byte offset in the module (or in the text) where the fault lies; `no_offset` when there is none.
    [[nodiscard]] size_t offset() const noexcept { return offset_; }
    /// The index of the function around the fault; `no_function` when there is none.
    [[nodiscard]] uint32_t function() const noexcept { return function_; }
    /// The feature whose absence caused this error; `core` if a missing feature was not the cause.
    [[nodiscard]] Feature missing_feature() const noexcept { return missing_feature_; }

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
    /// Appends to the message; `format` is as for printf.
    [[gnu::format(printf, 2, 3)]] Error& add(const char* format, ...) noexcept;
    /// Appends a new line to the message.
    [[gnu::format(printf, 2, 3)]] Error& add_line(const char* format, ...) noexcept;

private:
    void append(const char* format, va_list arguments) noexcept;
    void append(std::string_view words) noexcept;

    ErrorCode code_;
    Feature missing_feature_ = Feature::core;
    uint16_t length_ = 0;
    uint32_t function_ = no_function;
    size_t offset_ = no_offset;
    char text_[text_capacity];
};

} // namespace warpbeam
