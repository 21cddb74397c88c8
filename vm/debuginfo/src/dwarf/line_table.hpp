#pragma once

#include "dwarf/context.hpp"
#include "dwarf/input.hpp"
#include "dwarf/segments.hpp"
#include "dwarf/units.hpp"

#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::dwarf {

/// From which line the code comes, from an address on.
struct LineRow {
    uint32_t address = 0;
    uint32_t file = 0;
    uint32_t line = 0;
    uint32_t column = 0;
};

/// Source lines, and names of source files.
class LineTable {
public:
    struct File {
        std::string_view directory;
        std::string_view name;
    };

    explicit LineTable(Allocator& allocator) noexcept
        : directories_{allocator}, files_{allocator}, rows_{allocator}, first_rows_{allocator},
          map_{allocator} {}

    /// Reads the table of a unit; of a damaged one, what could be read. False if memory runs out.
    [[nodiscard]] bool read(Context& context, const Units& units, const Unit& unit) noexcept;

    /// The row for an address; null if there is none.
    [[nodiscard]] const LineRow* row_at(uint32_t address) const noexcept;
    /// A file by the number that rows and entries use; without a name if it is unknown.
    [[nodiscard]] File file(uint64_t number) const noexcept;

private:
    /// The numbers in the header of a line program.
    struct Header {
        Encoding encoding;
        uint64_t end = 0; ///< of the program
        uint8_t min_instruction_length = 1;
        int8_t line_base = 0;
        uint8_t line_range = 0;
        uint8_t opcode_base = 0;
        uint64_t opcode_lengths = 0; ///< where they are
    };
    struct Registers;
    class Reader;

    Vec<std::string_view> directories_;
    Vec<File> files_;
    uint8_t first_file_ = 1; ///< the number of the first file
    Vec<LineRow> rows_;
    Vec<size_t> first_rows_; ///< of each sequence, and the end
    SegmentMap map_;         ///< which sequence an address belongs to
};

} // namespace warpbeam::dwarf
