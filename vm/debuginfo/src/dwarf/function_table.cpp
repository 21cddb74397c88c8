#include "dwarf/function_table.hpp"

namespace warpbeam::dwarf {

static_assert(Function::none == Segment::nobody);

bool FunctionTable::read(Context& context, Units& units, const Unit& unit) noexcept {
    read_entries(context, units, unit);
    return !context.out_of_memory() && context.allocated(map_.finish());
}

void FunctionTable::read_entries(Context& context, Units& units, const Unit& unit) noexcept {
    Input in{context.sections.info.bytes.first(static_cast<size_t>(unit.end)), unit.root};
    uint32_t depth = 0;
    uint32_t around = Function::none; // the innermost function whose entry encloses the next one
    do {
        const uint64_t at = in.offset();
        if (in.at_end())
            return (void)context.damaged(context.sections.info, unit.begin,
                                         "the unit ends within its entries");
        const Abbreviation* const shape = units.read_shape(unit, in);
        if (shape == nullptr) {
            if (!in.good())
                return;
            // The end of a list of children; the root has no siblings.
            if (depth > 0)
                --depth;
            while (around != Function::none && functions_[around].depth >= depth)
                around = functions_[around].outer;
            continue;
        }
        const bool is_inlined = shape->tag == Tag::inlined_subroutine;
        const bool is_function = is_inlined || shape->tag == Tag::subprogram;
        Function function;
        Extent extent;
        const auto number = [](const Value& value) {
            return value.number <= UINT32_MAX ? static_cast<uint32_t>(value.number) : 0;
        };
        const bool complete = units.read_attributes(unit, *shape, in, [&](At name, const Value& value) {
            switch (name) {
            case At::low_pc:
                extent.low_pc = value;
                break;
            case At::high_pc:
                extent.high_pc = value;
                break;
            case At::ranges:
                extent.ranges = value;
                break;
            case At::call_file:
                function.call_file = number(value);
                break;
            case At::call_line:
                function.call_line = number(value);
                break;
            case At::call_column:
                function.call_column = number(value);
                break;
            default:
                break;
            }
        });
        if (!complete)
            return;
        if (is_function) {
            function.entry = at;
            function.outer = around;
            function.depth = depth;
            function.is_inlined = is_inlined;
            const auto index = static_cast<uint32_t>(functions_.size());
            bool has_code = false;
            if (!units.add_ranges(unit, extent, map_, index, has_code))
                return;
            // Others are declarations, or were left out by the linker.
            if (has_code) {
                if (!context.allocated(functions_.push(function)))
                    return;
                if (shape->has_children)
                    around = index;
            }
        }
        if (shape->has_children)
            ++depth;
    } while (depth > 0);
}

std::string_view function_name(Units& units, Context& context, const Unit& unit, uint64_t entry) noexcept {
    constexpr int max_hops = 16; // entries may refer to each other in a circle
    std::string_view plain;
    const Unit* where = &unit;
    for (int hop = 0; hop < max_hops && where != nullptr; ++hop) {
        Input in{context.sections.info.bytes.first(static_cast<size_t>(where->end)), entry};
        const Abbreviation* const shape = units.read_shape(*where, in);
        if (shape == nullptr)
            break;
        Value linkage;
        Value name;
        Value origin;
        if (!units.read_attributes(*where, *shape, in, [&](At attribute, const Value& value) {
                switch (attribute) {
                case At::linkage_name:
                case At::mips_linkage_name:
                    linkage = value;
                    break;
                case At::name:
                    name = value;
                    break;
                case At::abstract_origin:
                case At::specification:
                    origin = value;
                    break;
                default:
                    break;
                }
            }))
            break;
        if (const std::string_view found = units.string(*where, linkage); !found.empty())
            return found;
        if (plain.empty())
            plain = units.string(*where, name);
        switch (origin.form) {
        case Form::ref1:
        case Form::ref2:
        case Form::ref4:
        case Form::ref8:
        case Form::ref_udata:
            entry = where->begin + origin.number;
            if (origin.number >= where->end - where->begin || entry < where->root)
                return plain;
            break;
        case Form::ref_addr:
            entry = origin.number;
            where = units.unit_of_entry(entry);
            break;
        default:
            return plain;
        }
    }
    return plain;
}

} // namespace warpbeam::dwarf
