#pragma once

#include "load_context.hpp"
#include "reader.hpp"

namespace warpbeam {

/// Decodes and validates a module whose bytes are `context.module.bytes`.
/// https://webassembly.github.io/spec/core/binary/modules.html
[[nodiscard]] bool decode_module(LoadContext& context) noexcept;

// The module's sections, by file. Each function gets a reader limited to the section's contents, and may
// leave some unread.

using DecodeSection = bool(LoadContext& context, Reader& in) noexcept;
DecodeSection decode_import_section, decode_function_section, decode_table_section, decode_memory_section,
    decode_tag_section, decode_global_section, decode_export_section, decode_start_section,
    decode_element_section, decode_data_count_section, decode_code_section, decode_data_section;

} // namespace warpbeam
