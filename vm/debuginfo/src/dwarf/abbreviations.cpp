#include "dwarf/abbreviations.hpp"

#include "dwarf/input.hpp"

#include <algorithm>

namespace warpbeam::dwarf {

const Abbreviation* AbbreviationTable::find(uint64_t code) const noexcept {
    // Most compilers number them from 1.
    if (code - 1 < abbreviations.size())
        if (const Abbreviation& usual = abbreviations[static_cast<size_t>(code - 1)]; usual.code == code)
            return &usual;
    const auto found = std::ranges::lower_bound(abbreviations, code, {}, &Abbreviation::code);
    return found != abbreviations.end() && found->code == code ? found : nullptr;
}

bool AbbreviationTables::get(uint64_t offset, uint32_t& number) noexcept {
    const auto hash = static_cast<uint32_t>((offset * 0x9e37'79b9'7f4a'7c15) >> 32);
    number = index_.find(hash, [&](uint32_t i) { return tables_[i].offset == offset; });
    if (number != HashIndex::npos)
        return true;
    AbbreviationTable table{context_.allocator};
    (void)read(offset, table);
    if (context_.out_of_memory())
        return false;
    std::ranges::sort(table.abbreviations, {}, &Abbreviation::code);
    number = static_cast<uint32_t>(tables_.size());
    return context_.allocated(tables_.push({offset, std::move(table)}) && index_.insert(hash, number));
}

bool AbbreviationTables::read(uint64_t offset, AbbreviationTable& table) noexcept {
    const Section& section = context_.sections.abbrev;
    Input in{section.bytes, offset};
    while (const uint64_t code = in.uleb()) {
        Abbreviation shape;
        shape.code = code;
        shape.tag = static_cast<Tag>(in.uleb());
        shape.has_children = in.u8() != 0;
        shape.first = static_cast<uint32_t>(table.attributes.size());
        for (;;) {
            if (!context_.work(section, offset))
                return false;
            const uint64_t name = in.uleb();
            const uint64_t form = in.uleb();
            if (name == 0 && form == 0)
                break;
            // Numbers that are too large are no attributes or forms that we know.
            AttributeSpec attribute{static_cast<At>(std::min<uint64_t>(name, UINT16_MAX)),
                                    static_cast<Form>(std::min<uint64_t>(form, UINT16_MAX))};
            if (attribute.form == Form::implicit_const)
                attribute.constant = in.sleb();
            if (!context_.allocated(table.attributes.push(attribute)))
                return false;
        }
        shape.count = static_cast<uint32_t>(table.attributes.size() - shape.first);
        if (!in.good())
            break;
        if (!context_.allocated(table.abbreviations.push(shape)))
            return false;
    }
    return in.good() || context_.damaged(section, offset, "the table of abbreviations does not end");
}

} // namespace warpbeam::dwarf
