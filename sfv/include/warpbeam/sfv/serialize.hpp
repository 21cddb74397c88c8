#pragma once

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/writer.hpp>

#include <span>
#include <string>
#include <string_view>

/// @file
/// Writes documents as fields in the canonical form (RFC 9651, section 4.1). A list or dictionary without
/// members gives an empty text: such a field should be left out.
///
/// Only a document that was parsed, or whose keys were put, with `wide_keys` has keys beyond the RFC; they
/// are written too.

namespace warpbeam::sfv {

/// @{ Writes the document into an unused Writer of the same type, which refuses keys that its options do not
/// allow.
WARPBEAM_SFV_API void write(Writer& writer, const Item& item) noexcept;
WARPBEAM_SFV_API void write(Writer& writer, const List& list) noexcept;
WARPBEAM_SFV_API void write(Writer& writer, const Dictionary& dictionary) noexcept;
/// @}

/// @{ The type of the field that a document stands for.
[[nodiscard]] constexpr FieldType field_type_of(const Item&) noexcept { return FieldType::item; }
[[nodiscard]] constexpr FieldType field_type_of(const List&) noexcept { return FieldType::list; }
[[nodiscard]] constexpr FieldType field_type_of(const Dictionary&) noexcept { return FieldType::dictionary; }
/// @}

/// What is a whole field: an item, a list or a dictionary.
template <typename T>
concept Document = requires(const T& document) { field_type_of(document); };

/// The exact length of the field in bytes.
[[nodiscard]] size_t serialized_size(const Document auto& document) noexcept {
    Writer writer{field_type_of(document), {}, {.wide_keys = true}};
    write(writer, document);
    return writer.size();
}

/// Into the caller's buffer, which the result points into. Refused if the buffer is too small; the error's
/// offset is then the required size.
[[nodiscard]] Result<std::string_view> serialize(const Document auto& document,
                                                 std::span<char> buffer) noexcept {
    Writer writer{field_type_of(document), buffer, {.wide_keys = true}};
    write(writer, document);
    return writer.finish();
}

/// Into an owned text, with at most one allocation.
[[nodiscard]] Result<Text> serialize(const Document auto& document) noexcept {
    const size_t size = serialized_size(document);
    if (size > Text::max_size)
        return refuse(Reason::too_long);
    Text text;
    char* const buffer = text.prepare(size);
    if (buffer == nullptr)
        return refuse(Reason::out_of_memory);
    if (const auto field = serialize(document, {buffer, size}); !field)
        return std::unexpected(field.error());
    return text;
}

/// For programs that use std::string, which throws if memory runs out.
[[nodiscard]] std::string to_string(const Document auto& document) {
    std::string text(serialized_size(document), '\0');
    (void)serialize(document, text); // nothing in a document can be refused
    return text;
}

} // namespace warpbeam::sfv
