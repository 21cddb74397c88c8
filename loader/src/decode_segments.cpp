#include "decode_sections.hpp"
#include "decode_types.hpp"
#include "type_names.hpp"
#include "validate_func.hpp"

/// Element segments, the data count and data segments.

namespace warpbeam {
namespace {

/// The flags in the first number of an element segment,
/// https://webassembly.github.io/spec/core/binary/modules.html#element-section
enum ElementFlags : uint32_t { not_active = 1, explicit_table = 2, declarative = 2, expressions = 4 };

bool element_funcs(LoadContext& context, Reader& in, ElementSegment& segment) noexcept {
    uint32_t count = 0;
    if (!in.count(count, "elements"))
        return false;
    const auto funcs = context.module.arena.array<uint32_t>(count);
    if (!funcs)
        return context.diagnostics.out_of_memory();
    for (uint32_t& func : *funcs) {
        const size_t start = in.offset();
        if (!in.u32(func) || !context.exists(func, context.module.funcs.size(), start, "function"))
            return false;
        context.declare_func(func);
    }
    segment.funcs = *funcs;
    return true;
}

bool element_exprs(LoadContext& context, Reader& in, ElementSegment& segment) noexcept {
    uint32_t count = 0;
    if (!in.count(count, "elements"))
        return false;
    const auto exprs = context.module.arena.array<ConstExpr>(count);
    if (!exprs)
        return context.diagnostics.out_of_memory();
    for (ConstExpr& expr : *exprs)
        if (!context.validator->constant(in, segment.type, *::new (&expr) ConstExpr))
            return false;
    segment.exprs = *exprs;
    return true;
}

bool active_table(LoadContext& context, Reader& in, uint32_t flags, ElementSegment& segment,
                  size_t start) noexcept {
    const Vec<TableType>& tables = context.module.tables;
    return ((flags & explicit_table) == 0 || in.u32(segment.table)) &&
           context.exists(segment.table, tables.size(), start, "table") &&
           context.validator->constant(in, tables[segment.table].limits.address_type(), segment.offset);
}

bool element_segment(LoadContext& context, Reader& in, ElementSegment& segment) noexcept {
    const size_t start = in.offset();
    uint32_t flags = 0;
    if (!in.u32(flags))
        return false;
    if (flags > 7)
        return context.diagnostics.malformed(start, "malformed elements segment kind %u", flags);
    if (flags != 0 &&
        !context.require(Feature::bulk_memory, start, "an element segment of a kind other than 0"))
        return false;
    const bool active = (flags & not_active) == 0;
    segment.mode = active                       ? SegmentMode::active
                   : (flags & declarative) != 0 ? SegmentMode::declarative
                                                : SegmentMode::passive;
    if (active && !active_table(context, in, flags, segment, start))
        return false;

    // Without an explicit table or mode, the element type is not written either.
    const bool implicit = (flags & (not_active | explicit_table)) == 0;
    if ((flags & expressions) != 0) {
        segment.type = funcref;
        TypeDecoder types{context, in};
        if ((!implicit && !types.ref_type(segment.type)) || !element_exprs(context, in, segment))
            return false;
    } else {
        segment.type = ValType::reference(HeapType::func, false);
        uint8_t kind = 0;
        if ((!implicit && !in.byte(kind, 0, "element kind")) || !element_funcs(context, in, segment))
            return false;
    }
    if (!active)
        return true;
    const ValType element = context.module.tables[segment.table].element;
    if (!context.module.registry->matches(segment.type, element))
        return context.diagnostics.invalid(start, "type mismatch: elements of %s for a table of %s",
                                           TypeText{context.module}.add(segment.type).c_str(),
                                           TypeText{context.module}.add(element).c_str());
    return true;
}

bool data_segment(LoadContext& context, Reader& in, DataSegment& segment) noexcept {
    const size_t start = in.offset();
    uint32_t kind = 0;
    if (!in.u32(kind))
        return false;
    if (kind > 2)
        return context.diagnostics.malformed(start, "malformed data segment kind %u", kind);
    if (kind == 1 && !context.require(Feature::bulk_memory, start, "a passive data segment"))
        return false;
    if (kind == 2 && !in.u32(segment.memory))
        return false;
    if (kind != 1) {
        segment.mode = SegmentMode::active;
        const Vec<MemoryType>& memories = context.module.memories;
        if (!context.exists(segment.memory, memories.size(), start, "memory") ||
            !context.validator->constant(in, memories[segment.memory].limits.address_type(), segment.offset))
            return false;
    }
    return in.bytes(segment.bytes);
}

} // namespace

bool decode_element_section(LoadContext& context, Reader& in) noexcept {
    return in.each("element segments", context.limits.element_segments, [&] {
        ElementSegment segment;
        return element_segment(context, in, segment) && context.append(context.module.elements, segment);
    });
}

bool decode_data_count_section(LoadContext& context, Reader& in) noexcept {
    const size_t start = in.offset();
    uint32_t count = 0;
    if (!context.require(Feature::bulk_memory, start, "a data count section") || !in.u32(count))
        return false;
    context.module.data_count = count;
    return true;
}

bool decode_data_section(LoadContext& context, Reader& in) noexcept {
    return in.each("data segments", context.limits.data_segments, [&] {
        DataSegment segment;
        return data_segment(context, in, segment) && context.append(context.module.data, segment);
    });
}

} // namespace warpbeam
