#include "decode_sections.hpp"
#include "decode_types.hpp"
#include "validate_func.hpp"

#include <warpbeam/build.hpp>

#include <algorithm>
#include <utility>

/// The sections that declare the contents of a module: imports, functions, tables, memories, tags, globals,
/// exports and the start function.

namespace warpbeam {
namespace {

/// Appends to one of the module's index spaces, which has a limit.
template <typename T>
bool define(LoadContext& context, Vec<T>& space, const T& item, uint32_t limit, const char* what,
            size_t offset) noexcept {
    if (space.size() >= limit)
        return context.diagnostics.limit(offset, "too many %s (the limit is %u)", what, limit);
    return context.append(space, item);
}

bool define_func(LoadContext& context, TypeId type, size_t offset) noexcept {
    return define(context, context.module.funcs, type, context.limits.functions, "functions", offset);
}

bool define_table(LoadContext& context, const TableType& type, size_t offset) noexcept {
    if (!context.module.tables.empty() &&
        !context.require(Feature::reference_types, offset, "a module with multiple tables"))
        return false;
    return define(context, context.module.tables, type, context.limits.tables, "tables", offset);
}

bool define_memory(LoadContext& context, const MemoryType& type, size_t offset) noexcept {
    if (!context.module.memories.empty() &&
        !context.require(Feature::multi_memory, offset, "a module with multiple memories"))
        return false;
    return define(context, context.module.memories, type, context.limits.memories, "memories", offset);
}

bool define_global(LoadContext& context, const GlobalType& type, size_t offset) noexcept {
    return define(context, context.module.globals, type, context.limits.globals, "globals", offset);
}

bool define_tag(LoadContext& context, const TagType& type, size_t offset) noexcept {
    if (!context.has(Feature::legacy_exceptions) && !context.require(Feature::exceptions, offset, "a tag"))
        return false;
    return define(context, context.module.tags, type, context.limits.tags, "tags", offset);
}

bool import_type(LoadContext& context, Reader& in, ExternType& type) noexcept {
    TypeDecoder types{context, in};
    const size_t start = in.offset();
    uint8_t kind = 0;
    if (!in.byte(kind))
        return false;
    type.exact = kind == type_code::exact_func;
    if (type.exact && !context.has(Feature::custom_descriptors)) {
        context.diagnostics.malformed(start,
                                      "malformed import kind 0x%02x: an exact function needs the feature "
                                      "custom-descriptors, which is switched off",
                                      kind);
        return context.diagnostics.for_lack_of(Feature::custom_descriptors);
    }
    if (kind > static_cast<uint8_t>(ExternKind::tag) && !type.exact)
        return context.diagnostics.malformed(start, "malformed import kind 0x%02x", kind);
    type.kind = type.exact ? ExternKind::func : static_cast<ExternKind>(kind);
    ModuleData& module = context.module;
    switch (type.kind) {
    case ExternKind::func:
        if (type.exact && !module.exact_imports.push(module.imported_funcs))
            return context.diagnostics.out_of_memory();
        ++module.imported_funcs;
        return types.func_type(type.func) && define_func(context, type.func, start);
    case ExternKind::table:
        ++module.imported_tables;
        return types.table_type(type.table) && define_table(context, type.table, start);
    case ExternKind::memory:
        ++module.imported_memories;
        return types.memory_type(type.memory) && define_memory(context, type.memory, start);
    case ExternKind::global:
        ++module.imported_globals;
        return types.global_type(type.global) &&
               (!type.global.is_mutable ||
                context.require(Feature::mutable_globals, start, "an import of a mutable global")) &&
               define_global(context, type.global, start);
    case ExternKind::tag:
        ++module.imported_tags;
        return types.tag_type(type.tag) && define_tag(context, type.tag, start);
    }
    return false;
}

/// `ref.func` may name a function that occurs outside function bodies; one bit for each function.
bool make_declared_funcs(LoadContext& context) noexcept {
    return context.module.declared_funcs.resize((context.module.funcs.size() + 63) / 64) ||
           context.diagnostics.out_of_memory();
}

} // namespace

bool decode_import_section(LoadContext& context, Reader& in) noexcept {
    return in.each("imports", context.limits.imports, [&] {
        Import import;
        return in.name(import.module) && in.name(import.name) && import_type(context, in, import.type) &&
               context.append(context.module.imports, import);
    }) && make_declared_funcs(context);
}

bool decode_function_section(LoadContext& context, Reader& in) noexcept {
    uint32_t count = 0;
    if (!in.count(count, "functions", context.limits.functions))
        return false;
    if (!context.module.funcs.reserve(context.module.funcs.size() + count))
        return context.diagnostics.out_of_memory();
    TypeDecoder types{context, in};
    for (uint32_t i = 0; i < count; ++i) {
        const size_t start = in.offset();
        TypeId type;
        if (!types.func_type(type) || !define_func(context, type, start))
            return false;
    }
    return make_declared_funcs(context);
}

bool decode_table_section(LoadContext& context, Reader& in) noexcept {
    TypeDecoder types{context, in};
    return in.each("tables", context.limits.tables, [&] {
        const size_t start = in.offset();
        TableDecl table;
        const bool has_init = !in.at_end() && in.peek() == type_code::table_with_initialiser;
        if (has_init) {
            uint8_t reserved = 0;
            if (!context.require(Feature::function_references, start, "a table with an initialiser") ||
                !in.skip(1) || !in.byte(reserved))
                return false;
            if (reserved != 0)
                return context.diagnostics.malformed(in.offset() - 1, "malformed table: zero byte expected");
        }
        if (!types.table_type(table.type))
            return false;
        if (!has_init && !table.type.element.defaultable())
            return context.diagnostics.invalid(
                start, "type mismatch: a table of non-null references needs an initialiser");
        if (has_init && !context.validator->constant(in, table.type.element, table.init.emplace()))
            return false;
        return define_table(context, table.type, start) && context.append(context.module.table_decls, table);
    });
}

bool decode_memory_section(LoadContext& context, Reader& in) noexcept {
    TypeDecoder types{context, in};
    return in.each("memories", context.limits.memories, [&] {
        const size_t start = in.offset();
        MemoryType type;
        return types.memory_type(type) && define_memory(context, type, start);
    });
}

bool decode_tag_section(LoadContext& context, Reader& in) noexcept {
    TypeDecoder types{context, in};
    return in.each("tags", context.limits.tags, [&] {
        const size_t start = in.offset();
        TagType type;
        return types.tag_type(type) && define_tag(context, type, start);
    });
}

bool decode_global_section(LoadContext& context, Reader& in) noexcept {
    TypeDecoder types{context, in};
    return in.each("globals", context.limits.globals, [&] {
        const size_t start = in.offset();
        GlobalDecl global;
        // A global joins the index space after its initialiser, which can only use earlier globals.
        return types.global_type(global.type) &&
               context.validator->constant(in, global.type.content, global.init) &&
               define_global(context, global.type, start) &&
               context.append(context.module.global_decls, global);
    });
}

namespace {

bool check_export(LoadContext& context, const Export& item, size_t offset) noexcept {
    const ModuleData& module = context.module;
    if (!context.exists(item.index, module.count_of(item.kind), offset, row_of(item.kind).name))
        return false;
    if (item.kind == ExternKind::func)
        context.declare_func(item.index);
    if (item.kind == ExternKind::global && module.globals[item.index].is_mutable)
        return context.require(Feature::mutable_globals, offset, "an export of a mutable global");
    return true;
}

/// Takes less code in a small build.
void sort_by(auto& list, auto key) noexcept {
    if constexpr (is_small) {
        std::ranges::make_heap(list, {}, key);
        std::ranges::sort_heap(list, {}, key);
    } else {
        std::ranges::sort(list, {}, key);
    }
}

/// Sorts exports by name, and function exports by index, so that lookups take logarithmic time whatever the
/// names are. Duplicate names become neighbours.
bool index_exports(LoadContext& context) noexcept {
    ModuleData& module = context.module;
    const Vec<Export>& exports = module.exports;
    if (!module.exports_by_name.reserve(exports.size()))
        return context.diagnostics.out_of_memory();
    for (uint32_t i = 0; i < exports.size(); ++i)
        if (!module.exports_by_name.push(i) ||
            (exports[i].kind == ExternKind::func && !module.exports_by_func.push(i)))
            return context.diagnostics.out_of_memory();
    sort_by(module.exports_by_name, [&](uint32_t i) { return std::pair{exports[i].name, i}; });
    sort_by(module.exports_by_func, [&](uint32_t i) { return std::pair{exports[i].index, i}; });
    const auto twice = std::ranges::adjacent_find(module.exports_by_name, {},
                                                  [&](uint32_t position) { return exports[position].name; });
    if (twice == module.exports_by_name.end())
        return true;
    const std::string_view name = exports[*twice].name;
    const char* const module_begin = reinterpret_cast<const char*>(module.bytes.data());
    const auto offset = static_cast<size_t>(exports[twice[1]].name.data() - module_begin);
    return context.diagnostics.invalid(offset, "duplicate export name \"%.*s\"",
                                       static_cast<int>(std::min<size_t>(name.size(), 100)), name.data());
}

} // namespace

bool decode_export_section(LoadContext& context, Reader& in) noexcept {
    return in.each("exports", context.limits.exports, [&] {
        Export item;
        if (!in.name(item.name))
            return false;
        const size_t start = in.offset();
        uint8_t kind = 0;
        if (!in.byte(kind, static_cast<uint8_t>(ExternKind::tag), "export kind"))
            return false;
        item.kind = static_cast<ExternKind>(kind);
        return in.u32(item.index) && check_export(context, item, start) &&
               context.append(context.module.exports, item);
    }) && index_exports(context);
}

bool decode_start_section(LoadContext& context, Reader& in) noexcept {
    const size_t start = in.offset();
    uint32_t func = 0;
    if (!in.u32(func) || !context.exists(func, context.module.funcs.size(), start, "function"))
        return false;
    const FuncType& type = context.module.registry->func(context.module.funcs[func]);
    if (!type.params.empty() || !type.results.empty())
        return context.diagnostics.invalid(start, "start function: function %u must be of type [] -> []",
                                           func);
    context.module.start = func;
    return true;
}

} // namespace warpbeam
