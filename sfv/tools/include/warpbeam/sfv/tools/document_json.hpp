#pragma once

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/tools/json.hpp>

#include <string>
#include <variant>

/// Documents in the JSON form of the httpwg suite: https://github.com/httpwg/structured-field-tests.

namespace warpbeam::sfv {

using AnyDocument = std::variant<Item, List, Dictionary>;

[[nodiscard]] Result<AnyDocument> parse_any(FieldType type, std::span<const std::string_view> lines,
                                            ParseOptions options = {});
/// The canonical field.
[[nodiscard]] std::string to_string(const AnyDocument& document);

[[nodiscard]] json::Value to_json(const AnyDocument& document);
/// Refuses what the RFC cannot carry. Throws json::SyntaxError if the JSON does not have the suite's form.
[[nodiscard]] Result<AnyDocument> from_json(FieldType type, const json::Value& value);

} // namespace warpbeam::sfv
