#pragma once

#include "dwarf/abbreviations.hpp"
#include "dwarf/context.hpp"
#include "dwarf/segments.hpp"
#include "dwarf/values.hpp"

#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace warpbeam::dwarf {

/// What a compiler made in one run: a tree of entries, of which the root describes the whole.
struct Unit {
    uint64_t begin = 0; ///< of its header in .debug_info
    uint64_t root = 0;  ///< of its first entry
    uint64_t end = 0;
    Encoding encoding;
    uint32_t abbreviations = 0; ///< the number of its table
    std::string_view directory; ///< in which the compiler ran
    uint64_t low_pc = 0;        ///< to which offsets in its range lists refer
    uint64_t str_offsets_base = 0;
    uint64_t addr_base = 0;
    uint64_t rnglists_base = 0;
    std::optional<uint64_t> lines; ///< where in .debug_line its table is
};

/// The place in the code of an entry, as its attributes give it.
struct Extent {
    Value low_pc;
    Value high_pc;
    Value ranges;
};

/// The units of a module, with access to their entries.
class Units {
public:
    explicit Units(Context& context) noexcept
        : context_{context}, tables_{context}, units_{context.allocator}, map_{context.allocator} {}

    /// Finds all units; false if memory runs out.
    [[nodiscard]] bool load() noexcept;
    [[nodiscard]] size_t size() const noexcept { return units_.size(); }
    [[nodiscard]] const Unit& operator[](uint32_t number) const noexcept { return units_[number]; }
    /// The unit to which an address belongs, or Segment::nobody.
    [[nodiscard]] uint32_t unit_of_address(uint32_t address) const noexcept { return map_.find(address); }
    /// The unit that has this offset in .debug_info; null if there is none.
    [[nodiscard]] const Unit* unit_of_entry(uint64_t offset) const noexcept;

    /// Reads the code at the start of an entry; null at the end of a list of children, or if it can't be read
    /// (then `in` has a fault).
    [[nodiscard]] const Abbreviation* read_shape(const Unit& unit, Input& in) noexcept;
    /// Calls `visit(attribute, value)` for the attributes of an entry; false if they can't be read.
    template <typename Visit>
    [[nodiscard]] bool read_attributes(const Unit& unit, const Abbreviation& shape, Input& in,
                                       Visit visit) noexcept {
        for (const AttributeSpec& spec : tables_[unit.abbreviations].attributes_of(shape)) {
            Value value;
            if (!context_.work(context_.sections.info, in.offset()))
                return false;
            if (!read_value(in, unit.encoding, spec.form, spec.constant, value))
                return context_.damaged(context_.sections.info, in.offset(), "an attribute of unknown form");
            visit(spec.name, value);
        }
        return in.good() ||
               context_.damaged(context_.sections.info, unit.begin, "the unit ends within an entry");
    }

    /// @{ What a value means; empty, or none, if it has no such meaning.
    [[nodiscard]] std::string_view string(const Unit& unit, const Value& value) const noexcept;
    [[nodiscard]] std::optional<uint64_t> address(const Unit& unit, const Value& value) const noexcept;
    /// @}
    /// Adds the ranges of an entry to `map`; false if memory runs out.
    [[nodiscard]] bool add_ranges(const Unit& unit, const Extent& extent, SegmentMap& map, uint32_t owner,
                                  bool& has_code) noexcept;

private:
    [[nodiscard]] bool read_header(Input& in, Unit& unit, bool& is_compiled) noexcept;
    [[nodiscard]] bool read_root(Unit& unit, Extent& extent) noexcept;
    [[nodiscard]] std::optional<uint64_t> indexed_address(const Unit& unit, uint64_t index) const noexcept;
    /// Each calls `add(begin, end)`; false if memory runs out.
    template <typename Add>
    [[nodiscard]] bool read_ranges(const Unit& unit, uint64_t offset, Add add) noexcept;
    template <typename Add>
    [[nodiscard]] bool read_rnglist(const Unit& unit, uint64_t offset, Add add) noexcept;

    Context& context_;
    AbbreviationTables tables_;
    Vec<Unit> units_; ///< in the order of the section
    SegmentMap map_;
};

} // namespace warpbeam::dwarf
