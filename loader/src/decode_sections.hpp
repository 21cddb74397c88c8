#pragma once

#include "load_context.hpp"
#include "reader.hpp"

namespace warpbeam {

/// Decodes and validates a module whose bytes are `context.module.bytes`.
/// https://webassembly.github.io/spec/core/binary/modules.html
[[nodiscard]] bool decode_module(LoadContext& context) noexcept;

// Its sections, by file. Each gets a reader of the section's contents alone, and need not read all of it.

[[nodiscard]] bool decode_import_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_function_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_table_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_memory_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_tag_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_global_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_export_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_start_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_element_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_data_count_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_code_section(LoadContext& context, Reader& in) noexcept;
[[nodiscard]] bool decode_data_section(LoadContext& context, Reader& in) noexcept;

} // namespace warpbeam
