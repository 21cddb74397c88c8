#include "inspect_json.hpp"

#include "json.hpp"
#include "module_text.hpp"

#include <warpbeam/loader/section_table.hpp>

namespace warpbeam::cli {
namespace {

void add_limits(JsonObject& object, const Limits& limits) {
    object.number("min", limits.min);
    if (limits.has_max)
        object.number("max", limits.max);
    object.text("address", limits.is_64 ? "i64" : "i32");
}

} // namespace

std::string module_json(const Module& module, std::string_view path, const FeatureSet& needed) {
    Types types{module};
    uint32_t next = 0;
    size_t custom = 0;
    std::string features;
    for (const FeatureRow& row : feature_table)
        if (row.feature != Feature::core && needed.has(row.feature))
            features += (features.empty() ? "" : ", ") + json_string(row.name);
    const auto numbered = [&](uint32_t imported) {
        JsonObject object;
        object.number("index", next).flag("imported", next < imported);
        ++next;
        return object;
    };
    std::string text =
        "{\n  \"file\": " + json_string(path) + ",\n  \"bytes\": " + std::to_string(module.bytes().size());
    const auto add = [&](std::string_view name, const std::string& value) {
        text += ",\n  " + json_string(name) + ": " + value;
        next = 0;
    };
    if (!module.name().empty())
        add("name", json_string(module.name()));
    add("features", "[" + features + "]");
    add("sections", json_list(module.sections(), [&](const SectionRange& section) {
            JsonObject object;
            object.text("section", section_table[section.id].name)
                .number("offset", section.offset)
                .number("size", section.size);
            if (section.id == 0 && custom < module.custom_sections().size())
                object.text("name", module.custom_sections()[custom++].name);
            return object.str();
        }));
    add("types", json_list(module.types(), [&](TypeId id) { return json_string(types.definition_of(id)); }));
    add("imports", json_list(module.imports(), [&](const Import& import) {
            return JsonObject{}
                .text("module", import.module)
                .text("name", import.name)
                .text("kind", row_of(import.type.kind).keyword)
                .text("type", types.of(import.type))
                .str();
        }));
    add("exports", json_list(module.exports(), [&](const Export& entry) {
            return JsonObject{}
                .text("name", entry.name)
                .text("kind", row_of(entry.kind).keyword)
                .number("index", entry.index)
                .text("type", types.of(module, entry))
                .str();
        }));
    add("functions", json_list(module.funcs(), [&](TypeId id) {
            const uint32_t index = next;
            JsonObject object = numbered(module.imported_funcs());
            if (const std::string_view name = module.func_name(index); !name.empty())
                object.text("name", name);
            object.text("type", types.of(module.type_registry().func(id)));
            if (index >= module.imported_funcs()) {
                const FuncBody& body = module.bodies()[index - module.imported_funcs()];
                object.number("offset", body.code_offset)
                    .number("size", body.code.size())
                    .number("locals", body.local_count);
            }
            return object.str();
        }));
    add("tables", json_list(module.tables(), [&](const TableType& type) {
            JsonObject object = numbered(module.imported_tables());
            add_limits(object, type.limits);
            return object.text("element", types.of(type.element)).str();
        }));
    add("memories", json_list(module.memories(), [&](const MemoryType& type) {
            JsonObject object = numbered(module.imported_memories());
            add_limits(object, type.limits);
            return object.flag("shared", type.shared)
                .number("page_size", uint64_t{1} << type.page_size_log2)
                .str();
        }));
    add("globals", json_list(module.globals(), [&](const GlobalType& type) {
            return numbered(module.imported_globals())
                .text("type", types.of(type.content))
                .flag("mutable", type.is_mutable)
                .str();
        }));
    add("tags", json_list(module.tags(), [&](const TagType& type) {
            return numbered(module.imported_tags())
                .text("type", types.of(module.type_registry().func(type.type)))
                .str();
        }));
    add("data_segments", json_list(module.data(), [&](const DataSegment& segment) {
            return JsonObject{}
                .text("mode", segment.mode == SegmentMode::active ? "active" : "passive")
                .number("size", segment.bytes.size())
                .str();
        }));
    if (module.start())
        add("start", std::to_string(*module.start()));
    return text + "\n}";
}

} // namespace warpbeam::cli
