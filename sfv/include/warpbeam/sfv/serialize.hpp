#pragma once

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/writer.hpp>

#include <span>
#include <string>
#include <string_view>

/// Documents as fields, in the canonical form (section 4.1). A list or a dictionary without members gives an
/// empty text, which stands for a field that is to be left out.

namespace warpbeam::sfv {

/// Writes what belongs into a Writer of the same type that nothing has been written to.
WARPBEAM_SFV_API void write(Writer& writer, const Item& item) noexcept;
WARPBEAM_SFV_API void write(Writer& writer, const List& list) noexcept;
WARPBEAM_SFV_API void write(Writer& writer, const Dictionary& dictionary) noexcept;

[[nodiscard]] constexpr FieldType field_type_of(const Item&) noexcept { return FieldType::item; }
[[nodiscard]] constexpr FieldType field_type_of(const List&) noexcept { return FieldType::list; }
[[nodiscard]] constexpr FieldType field_type_of(const Dictionary&) noexcept { return FieldType::dictionary; }

template <typename T>
concept Document = requires(const T& document) { field_type_of(document); };

/// How long the field is, to the byte.
[[nodiscard]] size_t serialized_size(const Document auto& document) noexcept {
    Writer writer{field_type_of(document)};
    write(writer, document);
    return writer.size();
}

/// Into a buffer of the caller; the result lies in it. Refused when the buffer is too small; the error's
/// offset then is the size that is needed.
[[nodiscard]] Result<std::string_view> serialize(const Document auto& document,
                                                 std::span<char> buffer) noexcept {
    Writer writer{field_type_of(document), buffer};
    write(writer, document);
    return writer.finish();
}

/// Into a text of its own, with one allocation at most.
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

/// For programs that use std::string, which throws when there is no memory.
[[nodiscard]] std::string to_string(const Document auto& document) {
    std::string text(serialized_size(document), '\0');
    (void)serialize(document, text); // a document holds nothing that is refused
    return text;
}

} // namespace warpbeam::sfv
