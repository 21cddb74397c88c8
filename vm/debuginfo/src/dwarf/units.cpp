#include "dwarf/units.hpp"

#include <algorithm>

namespace warpbeam::dwarf {

bool Units::load() noexcept {
    const Section& info = context_.sections.info;
    for (uint64_t at = 0; at < info.bytes.size();) {
        Unit unit;
        unit.begin = at;
        Input in{info.bytes, at};
        bool is_compiled = false;
        const bool understood = read_header(in, unit, is_compiled);
        if (context_.out_of_memory())
            return false;
        if (unit.end <= at)
            break; // the length itself is damaged
        at = unit.end;
        if (!understood || !is_compiled)
            continue;
        Extent extent;
        if (!read_root(unit, extent))
            continue;
        const auto number = static_cast<uint32_t>(units_.size());
        bool has_code = false;
        if (!context_.allocated(units_.push(unit)) || !add_ranges(unit, extent, map_, number, has_code))
            return false;
    }
    return context_.allocated(map_.finish());
}

bool Units::read_header(Input& in, Unit& unit, bool& is_compiled) noexcept {
    const Section& info = context_.sections.info;
    const auto refuse = [&](const char* what) { return context_.damaged(info, unit.begin, what); };
    uint64_t length = 0;
    if (!context_.work(info, unit.begin))
        return false;
    if (!read_length(in, unit.encoding, length) || !in.good() || length > in.remaining())
        return refuse("the length of a unit exceeds the section");
    unit.end = in.offset() + length;
    unit.encoding.version = in.u16();
    if (unit.encoding.version != 4 && unit.encoding.version != 5)
        return refuse("a unit of another version than DWARF 4 and 5");
    UnitType type = UnitType::compile;
    uint64_t table = 0;
    if (unit.encoding.version == 5) {
        type = static_cast<UnitType>(in.u8());
        unit.encoding.address_size = in.u8();
        table = in.fixed(unit.encoding.offset_size);
    } else {
        table = in.fixed(unit.encoding.offset_size);
        unit.encoding.address_size = in.u8();
    }
    if (type == UnitType::skeleton || type == UnitType::split_compile)
        in.skip(8);
    is_compiled = type != UnitType::type && type != UnitType::split_type;
    unit.root = in.offset();
    if (!in.good() || unit.root > unit.end)
        return refuse("a unit that is shorter than its header");
    if (unit.encoding.address_size != 4 && unit.encoding.address_size != 8)
        return refuse("addresses that have neither 4 nor 8 bytes");
    return !is_compiled || tables_.get(table, unit.abbreviations);
}

bool Units::read_root(Unit& unit, Extent& extent) noexcept {
    Input in{context_.sections.info.bytes.first(static_cast<size_t>(unit.end)), unit.root};
    const Abbreviation* const shape = read_shape(unit, in);
    if (shape == nullptr)
        return false;
    // Where nothing says where the unit's part of a section begins, it begins after the header.
    const uint64_t header = unit.encoding.offset_size == 8 ? 16 : 8;
    unit.str_offsets_base = unit.addr_base = header;
    Value directory;
    const bool complete = read_attributes(unit, *shape, in, [&](At name, const Value& value) {
        switch (name) {
        case At::comp_dir:
            directory = value;
            break;
        case At::stmt_list:
            unit.lines = value.number;
            break;
        case At::low_pc:
            extent.low_pc = value;
            break;
        case At::high_pc:
            extent.high_pc = value;
            break;
        case At::ranges:
            extent.ranges = value;
            break;
        case At::str_offsets_base:
            unit.str_offsets_base = value.number;
            break;
        case At::addr_base:
            unit.addr_base = value.number;
            break;
        case At::rnglists_base:
            unit.rnglists_base = value.number;
            break;
        default:
            break;
        }
    });
    if (!complete)
        return false;
    unit.directory = string(unit, directory);
    unit.low_pc = address(unit, extent.low_pc).value_or(0);
    // All units may refer to the same text, whose end had to be found.
    return context_.work(context_.sections.info, unit.begin, unit.directory.size() / Context::bytes_per_step);
}

const Unit* Units::unit_of_entry(uint64_t offset) const noexcept {
    const auto next = std::ranges::upper_bound(units_, offset, {}, &Unit::begin);
    return next != units_.begin() && offset >= (next - 1)->root && offset < (next - 1)->end ? next - 1
                                                                                            : nullptr;
}

const Abbreviation* Units::read_shape(const Unit& unit, Input& in) noexcept {
    const Section& info = context_.sections.info;
    const uint64_t at = in.offset();
    if (!context_.work(info, at)) {
        in.fail();
        return nullptr;
    }
    const uint64_t code = in.uleb();
    if (code == 0)
        return nullptr;
    const Abbreviation* const shape = tables_[unit.abbreviations].find(code);
    if (shape == nullptr) {
        (void)context_.damaged(info, at, "an entry without an abbreviation");
        in.fail();
    }
    return shape;
}

std::string_view Units::string(const Unit& unit, const Value& value) const noexcept {
    const Sections& sections = context_.sections;
    switch (value.form) {
    case Form::string:
        return value.text;
    case Form::strp:
        return Input{sections.str.bytes, value.number}.c_string();
    case Form::line_strp:
        return Input{sections.line_str.bytes, value.number}.c_string();
    case Form::strx:
    case Form::strx1:
    case Form::strx2:
    case Form::strx3:
    case Form::strx4: {
        if (value.number > sections.str_offsets.bytes.size())
            return {};
        Input in{sections.str_offsets.bytes,
                 unit.str_offsets_base + value.number * unit.encoding.offset_size};
        const uint64_t offset = in.fixed(unit.encoding.offset_size);
        return in.good() ? Input{sections.str.bytes, offset}.c_string() : std::string_view{};
    }
    default:
        return {};
    }
}

std::optional<uint64_t> Units::indexed_address(const Unit& unit, uint64_t index) const noexcept {
    const Section& section = context_.sections.addr;
    if (index > section.bytes.size())
        return std::nullopt;
    Input in{section.bytes, unit.addr_base + index * unit.encoding.address_size};
    const uint64_t found = in.fixed(unit.encoding.address_size);
    return in.good() ? std::optional{found} : std::nullopt;
}

std::optional<uint64_t> Units::address(const Unit& unit, const Value& value) const noexcept {
    switch (value.form) {
    case Form::addr:
        return value.number;
    case Form::addrx:
    case Form::addrx1:
    case Form::addrx2:
    case Form::addrx3:
    case Form::addrx4:
        return indexed_address(unit, value.number);
    default:
        return std::nullopt;
    }
}

bool Units::add_ranges(const Unit& unit, const Extent& extent, SegmentMap& map, uint32_t owner,
                       bool& has_code) noexcept {
    const auto add = [&](uint64_t begin, uint64_t end) {
        if (!context_.is_code(begin, end))
            return true;
        has_code = true;
        return context_.allocated(map.add({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), owner}));
    };
    if (extent.ranges) {
        uint64_t offset = extent.ranges.number;
        if (unit.encoding.version == 4)
            return read_ranges(unit, offset, add);
        if (extent.ranges.form == Form::rnglistx) {
            const Section& lists = context_.sections.rnglists;
            if (offset > lists.bytes.size())
                return true;
            Input in{lists.bytes, unit.rnglists_base + offset * unit.encoding.offset_size};
            offset = unit.rnglists_base + in.fixed(unit.encoding.offset_size);
            if (!in.good())
                return true;
        }
        return read_rnglist(unit, offset, add);
    }
    const auto begin = address(unit, extent.low_pc);
    if (!begin || !extent.high_pc)
        return true;
    // Either an address, or the size.
    const auto end = address(unit, extent.high_pc);
    return add(*begin, end ? *end : *begin + extent.high_pc.number);
}

template <typename Add>
bool Units::read_ranges(const Unit& unit, uint64_t offset, Add add) noexcept {
    const Section& section = context_.sections.ranges;
    const unsigned size = unit.encoding.address_size;
    Input in{section.bytes, offset};
    uint64_t base = unit.low_pc;
    for (;;) {
        const uint64_t begin = in.fixed(size);
        const uint64_t end = in.fixed(size);
        if (!in.good()) {
            (void)context_.damaged(section, offset, "a list of ranges does not end");
            return true;
        }
        if ((begin == 0 && end == 0) || !context_.work(section, offset))
            return true;
        if (begin == unit.encoding.max_address())
            base = end;
        else if (!unit.encoding.is_dropped(base) && !add(base + begin, base + end))
            return false;
    }
}

template <typename Add>
bool Units::read_rnglist(const Unit& unit, uint64_t offset, Add add) noexcept {
    const Section& section = context_.sections.rnglists;
    const unsigned size = unit.encoding.address_size;
    Input in{section.bytes, offset};
    std::optional<uint64_t> base = unit.low_pc;
    while (context_.work(section, offset)) {
        const auto kind = static_cast<Rle>(in.u8());
        std::optional<uint64_t> begin;
        std::optional<uint64_t> end;
        switch (kind) {
        case Rle::end_of_list:
            if (!in.good())
                (void)context_.damaged(section, offset, "a list of ranges does not end");
            return true;
        case Rle::base_addressx:
            base = indexed_address(unit, in.uleb());
            continue;
        case Rle::base_address:
            base = in.fixed(size);
            continue;
        case Rle::startx_endx:
            begin = indexed_address(unit, in.uleb());
            end = indexed_address(unit, in.uleb());
            break;
        case Rle::startx_length:
            begin = indexed_address(unit, in.uleb());
            end = begin.value_or(0) + in.uleb();
            break;
        case Rle::start_end:
            begin = in.fixed(size);
            end = in.fixed(size);
            break;
        case Rle::start_length:
            begin = in.fixed(size);
            end = *begin + in.uleb();
            break;
        case Rle::offset_pair: {
            const uint64_t first = in.uleb();
            const uint64_t second = in.uleb();
            if (base && !unit.encoding.is_dropped(*base)) {
                begin = *base + first;
                end = *base + second;
            }
            break;
        }
        default:
            (void)context_.damaged(section, offset, "a list of ranges has an unknown entry");
            return true;
        }
        if (!in.good())
            continue; // which reports it
        if (begin && end && !add(*begin, *end))
            return false;
    }
    return true;
}

} // namespace warpbeam::dwarf
