#pragma once

#include "dwarf/codes.hpp"
#include "dwarf/context.hpp"

#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <span>

namespace warpbeam::dwarf {

/// An attribute that the entries of some shape have.
struct AttributeSpec {
    At name;
    Form form;
    int64_t constant = 0; ///< the value, if the form is `implicit_const`
};

/// The shape of entries: what they are, and which attributes they have.
struct Abbreviation {
    uint64_t code = 0;
    Tag tag{};
    bool has_children = false;
    uint32_t first = 0; ///< of its attributes
    uint32_t count = 0;
};

/// The shapes of a unit's entries.
struct AbbreviationTable {
    explicit AbbreviationTable(Allocator& allocator) noexcept
        : abbreviations{allocator}, attributes{allocator} {}

    /// Null if there is none.
    [[nodiscard]] const Abbreviation* find(uint64_t code) const noexcept;
    [[nodiscard]] std::span<const AttributeSpec> attributes_of(const Abbreviation& shape) const noexcept {
        return std::span<const AttributeSpec>{attributes}.subspan(shape.first, shape.count);
    }

    Vec<Abbreviation> abbreviations; ///< sorted by code
    Vec<AttributeSpec> attributes;
};

/// All tables of a module. Units may share one, so each is read once.
class AbbreviationTables {
public:
    explicit AbbreviationTables(Context& context) noexcept
        : context_{context}, index_{context.allocator}, tables_{context.allocator} {}

    /// The number of the table at an offset, which has what could be read of it; false if memory runs out.
    [[nodiscard]] bool get(uint64_t offset, uint32_t& number) noexcept;
    [[nodiscard]] const AbbreviationTable& operator[](uint32_t number) const noexcept {
        return tables_[number].table;
    }

private:
    struct Entry {
        uint64_t offset;
        AbbreviationTable table;
    };
    /// False if it can't be read further, or memory runs out.
    bool read(uint64_t offset, AbbreviationTable& table) noexcept;

    Context& context_;
    HashIndex index_;
    Vec<Entry> tables_;
};

} // namespace warpbeam::dwarf
