#pragma once

#include <warpbeam/sfv/serialize.hpp>

#include <ostream>

/// @file
/// Prints documents and bare items, in their canonical form, and errors to streams.

namespace warpbeam::sfv {

/// @{ Writes a document, value or error, and returns the stream.
std::ostream& operator<<(std::ostream& stream, const Document auto& document) {
    return stream << to_string(document);
}

inline std::ostream& operator<<(std::ostream& stream, const BareItem& value) {
    Writer size{FieldType::item};
    std::string text(size.value(value.ref()).size(), '\0');
    Writer writer{FieldType::item, text};
    (void)writer.value(value.ref());
    return stream << text;
}

inline std::ostream& operator<<(std::ostream& stream, const Error& error) {
    return stream << error.message().view();
}
/// @}

} // namespace warpbeam::sfv
