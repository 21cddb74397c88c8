#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam {

/// A function's name in the name section.
struct NamedFunc {
    uint32_t func;
    std::string_view name;
};

/// All data of a module: the decoder fills it and Module reads from it.
struct ModuleData {
    explicit ModuleData(Allocator& allocator) noexcept
        : arena{allocator}, owned_bytes{allocator}, types{allocator}, imports{allocator}, funcs{allocator},
          tables{allocator}, memories{allocator}, globals{allocator}, tags{allocator}, table_decls{allocator},
          global_decls{allocator}, exports{allocator}, exports_by_name{allocator}, exports_by_func{allocator},
          elements{allocator}, bodies{allocator}, data{allocator}, custom_sections{allocator},
          sections{allocator}, func_names{allocator}, declared_funcs{allocator}, exact_imports{allocator} {}

    /// Owns what the spans in the declarations below point to.
    Arena arena;
    std::span<const uint8_t> bytes;
    Vec<uint8_t> owned_bytes;
    TypeRegistry* registry = nullptr;

    Vec<TypeId> types;
    Vec<Import> imports;
    Vec<TypeId> funcs;
    Vec<TableType> tables;
    Vec<MemoryType> memories;
    Vec<GlobalType> globals;
    Vec<TagType> tags;
    uint32_t imported_funcs = 0;
    uint32_t imported_tables = 0;
    uint32_t imported_memories = 0;
    uint32_t imported_globals = 0;
    uint32_t imported_tags = 0;
    Vec<TableDecl> table_decls;
    Vec<GlobalDecl> global_decls;
    Vec<Export> exports;
    /// Positions in `exports`, sorted by name; function exports, sorted by function.
    Vec<uint32_t> exports_by_name;
    Vec<uint32_t> exports_by_func;
    std::optional<uint32_t> start;
    Vec<ElementSegment> elements;
    std::optional<uint32_t> data_count;
    Vec<FuncBody> bodies;
    Vec<DataSegment> data;
    Vec<CustomSection> custom_sections;
    Vec<SectionRange> sections;
    std::string_view name;
    /// Sorted by function.
    Vec<NamedFunc> func_names;

    // What validation needs besides the declarations.
    FeatureSet features;
    /// One bit for each function that occurs outside function bodies, and so may be named by `ref.func`.
    Vec<uint64_t> declared_funcs;
    /// The imported functions that have exactly the type of the import, in ascending order.
    Vec<uint32_t> exact_imports;

    /// The number of entities of a kind.
    [[nodiscard]] size_t count_of(ExternKind kind) const noexcept {
        const size_t counts[] = {funcs.size(), tables.size(), memories.size(), globals.size(), tags.size()};
        return counts[static_cast<size_t>(kind)];
    }
    [[nodiscard]] const Export* find_export(std::string_view name) const noexcept;
    /// A function's name from the name section, else from its first export.
    [[nodiscard]] std::string_view func_name(uint32_t func) const noexcept;
};

} // namespace warpbeam
