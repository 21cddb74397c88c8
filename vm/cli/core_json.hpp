#pragma once

#include "loaded_core.hpp"

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// What `inspect` lists of a core dump, as a JSON object.
[[nodiscard]] std::string core_json(const LoadedCore& core, std::string_view path);

/// @{ A value with its type, `i32 5`, or `?` if it is missing.
[[nodiscard]] std::string value_text(const CoreValue& value);
/// A global's value without its type, or `?` if it is not known.
[[nodiscard]] std::string global_text(const CoreGlobal& global);
/// @}

} // namespace warpbeam::cli
