#include "dwarf/line_table.hpp"

#include <algorithm>
#include <utility>

namespace warpbeam::dwarf {

/// The state of a line program.
struct LineTable::Registers {
    uint64_t address = 0;
    uint64_t file = 1;
    uint64_t line = 1;
    uint64_t column = 0;
};

/// Reads a table. Functions return false if they can't go on.
class LineTable::Reader {
public:
    Reader(LineTable& table, Context& context, const Units& units, const Unit& unit, uint64_t offset) noexcept
        : table_{table}, context_{context}, units_{units}, unit_{unit}, start_{offset},
          in_{context.sections.line.bytes, offset} {}

    bool read_header() noexcept;
    bool run() noexcept;
    /// Rows without the end of their sequence belong to none.
    void drop_unfinished() noexcept { table_.rows_.truncate(first_row_); }

private:
    bool damaged(const char* what) noexcept { return context_.damaged(context_.sections.line, start_, what); }
    bool read_names_4() noexcept;
    bool read_names_5() noexcept;
    template <typename Add>
    bool read_entries(Add add) noexcept;
    bool execute(uint8_t opcode) noexcept;
    bool execute_extended() noexcept;
    void advance(uint64_t instructions) noexcept {
        registers_.address += instructions * header_.min_instruction_length;
    }
    bool add_row() noexcept;
    bool end_sequence() noexcept;

    LineTable& table_;
    Context& context_;
    const Units& units_;
    const Unit& unit_;
    uint64_t start_;
    Input in_;
    Header header_;
    Registers registers_;
    size_t first_row_ = 0;    ///< of the current sequence
    bool has_begun_ = false;  ///< whether it has a row, perhaps of no code
    bool is_ordered_ = true;  ///< whether its addresses only grow
    bool is_dropped_ = false; ///< whether the linker has left it out
};

bool LineTable::Reader::read_header() noexcept {
    uint64_t length = 0;
    if (!read_length(in_, header_.encoding, length) || !in_.good() || length > in_.remaining())
        return damaged("the length of a line table exceeds the section");
    header_.end = in_.offset() + length;
    in_ = Input{context_.sections.line.bytes.first(static_cast<size_t>(header_.end)), in_.offset()};
    header_.encoding.version = in_.u16();
    if (header_.encoding.version < 2 || header_.encoding.version > 5)
        return damaged("a line table of an unknown version");
    header_.encoding.address_size = unit_.encoding.address_size;
    if (header_.encoding.version == 5)
        (void)in_.u16(); // the sizes of addresses, which are those of the unit, and of segment selectors
    const uint64_t header_length = in_.fixed(header_.encoding.offset_size);
    const uint64_t program = in_.offset() + std::min(header_length, in_.remaining());
    header_.min_instruction_length = in_.u8();
    if (header_.encoding.version >= 4)
        (void)in_.u8(); // the number of operations in an instruction, which is 1
    (void)in_.u8();     // whether rows begin a statement
    header_.line_base = static_cast<int8_t>(in_.u8());
    header_.line_range = in_.u8();
    header_.opcode_base = in_.u8();
    header_.opcode_lengths = in_.offset();
    in_.skip(header_.opcode_base - 1u); // too much, if the base is 0
    if (!in_.good() || header_.opcode_base == 0)
        return damaged("the header of a line table is too short");
    const bool has_names = header_.encoding.version == 5 ? read_names_5() : read_names_4();
    if (!has_names)
        return false;
    in_ = Input{context_.sections.line.bytes.first(static_cast<size_t>(header_.end)), program};
    return true;
}

bool LineTable::Reader::read_names_4() noexcept {
    table_.first_file_ = 1;
    if (!context_.allocated(table_.directories_.push({})))
        return false;
    for (std::string_view name; !(name = in_.c_string()).empty();)
        if (!context_.allocated(table_.directories_.push(name)))
            return false;
    for (std::string_view name; !(name = in_.c_string()).empty();) {
        const uint64_t directory = in_.uleb();
        (void)in_.uleb(); // when it was changed
        (void)in_.uleb(); // its size
        const auto& directories = table_.directories_;
        if (!context_.allocated(table_.files_.push({directory < directories.size()
                                                        ? directories[static_cast<size_t>(directory)]
                                                        : std::string_view{},
                                                    name})))
            return false;
    }
    return in_.good() || damaged("the file names of a line table do not end");
}

/// Calls `add(path, directory)` for each entry of a list.
template <typename Add>
bool LineTable::Reader::read_entries(Add add) noexcept {
    struct Content {
        Lnct kind;
        Form form;
    };
    Content contents[256];
    const unsigned columns = in_.u8();
    for (unsigned i = 0; i < columns; ++i) {
        contents[i].kind = static_cast<Lnct>(std::min<uint64_t>(in_.uleb(), UINT16_MAX));
        contents[i].form = static_cast<Form>(std::min<uint64_t>(in_.uleb(), UINT16_MAX));
    }
    const uint64_t count = in_.uleb();
    // Each entry has some bytes, so this ends.
    for (uint64_t i = 0; i < count; ++i) {
        const uint64_t begin = in_.offset();
        Value path;
        Value directory;
        for (unsigned column = 0; column < columns; ++column) {
            Value value;
            if (!context_.work(context_.sections.line, start_))
                return false;
            if (!read_value(in_, header_.encoding, contents[column].form, 0, value))
                return damaged("a file name of unknown form");
            if (contents[column].kind == Lnct::path)
                path = value;
            else if (contents[column].kind == Lnct::directory_index)
                directory = value;
        }
        if (!in_.good() || in_.offset() == begin)
            return damaged("the file names of a line table do not end");
        const std::string_view text = units_.string(unit_, path);
        // Its end had to be found, and all entries may refer to the same one.
        if (!context_.work(context_.sections.line, start_, text.size() / Context::bytes_per_step) ||
            !context_.allocated(add(text, directory.number)))
            return false;
    }
    return true;
}

bool LineTable::Reader::read_names_5() noexcept {
    table_.first_file_ = 0;
    auto& directories = table_.directories_;
    return read_entries([&](std::string_view path, uint64_t) { return directories.push(path); }) &&
           read_entries([&](std::string_view path, uint64_t directory) {
               return table_.files_.push({directory < directories.size()
                                              ? directories[static_cast<size_t>(directory)]
                                              : std::string_view{},
                                          path});
           });
}

bool LineTable::Reader::run() noexcept {
    while (!in_.at_end())
        if (!context_.work(context_.sections.line, start_) || !execute(in_.u8()))
            return false;
    return in_.good() || damaged("a line program ends within an instruction");
}

bool LineTable::Reader::execute(uint8_t opcode) noexcept {
    if (opcode >= header_.opcode_base) {
        if (header_.line_range == 0)
            return damaged("a line program divides by zero");
        const unsigned adjusted = opcode - header_.opcode_base;
        advance(adjusted / header_.line_range);
        registers_.line += static_cast<uint64_t>(int64_t{header_.line_base} + adjusted % header_.line_range);
        return add_row();
    }
    switch (static_cast<Lns>(opcode)) {
    case Lns::extended:
        return execute_extended();
    case Lns::copy:
        return add_row();
    case Lns::advance_pc:
        advance(in_.uleb());
        return true;
    case Lns::advance_line:
        registers_.line += static_cast<uint64_t>(in_.sleb());
        return true;
    case Lns::set_file:
        registers_.file = in_.uleb();
        return true;
    case Lns::set_column:
        registers_.column = in_.uleb();
        return true;
    case Lns::negate_stmt:
    case Lns::set_basic_block:
    case Lns::set_prologue_end:
    case Lns::set_epilogue_begin:
        return true;
    case Lns::const_add_pc:
        if (header_.line_range == 0)
            return damaged("a line program divides by zero");
        advance((255u - header_.opcode_base) / header_.line_range);
        return true;
    case Lns::fixed_advance_pc:
        registers_.address += in_.u16();
        return true;
    case Lns::set_isa:
        (void)in_.uleb();
        return true;
    }
    // An opcode of a later version: the header says how many numbers follow.
    const uint8_t operands = context_.sections.line.bytes[header_.opcode_lengths + opcode - 1];
    for (unsigned i = 0; i < operands; ++i)
        (void)in_.uleb();
    return true;
}

bool LineTable::Reader::execute_extended() noexcept {
    const uint64_t size = in_.uleb();
    if (!in_.good() || size == 0)
        return true;
    const uint64_t end = in_.offset() + std::min(size, in_.remaining());
    switch (static_cast<Lne>(in_.u8())) {
    case Lne::end_sequence:
        if (!end_sequence())
            return false;
        break;
    case Lne::set_address:
        if (size - 1 <= 8)
            registers_.address = in_.fixed(static_cast<unsigned>(size - 1));
        break;
    default:
        break;
    }
    in_.skip(end - std::min(end, in_.offset()));
    return true;
}

bool LineTable::Reader::add_row() noexcept {
    const size_t count = table_.rows_.size();
    const uint64_t address = registers_.address;
    if (!std::exchange(has_begun_, true))
        is_dropped_ = !context_.is_code(address, address + 1);
    if (is_dropped_ || address > context_.sections.code_size) {
        is_dropped_ = true;
        return true;
    }
    if (count > first_row_ && address < table_.rows_.back().address)
        is_ordered_ = false;
    const auto number = [](uint64_t value) { return static_cast<uint32_t>(value <= UINT32_MAX ? value : 0); };
    return context_.allocated(table_.rows_.push({static_cast<uint32_t>(address), number(registers_.file),
                                                 number(registers_.line), number(registers_.column)}));
}

bool LineTable::Reader::end_sequence() noexcept {
    auto& rows = table_.rows_;
    const bool has_rows = rows.size() > first_row_;
    if (has_rows && !is_ordered_)
        (void)damaged("addresses of a line program decrease");
    const uint64_t end = registers_.address;
    if (has_rows && is_ordered_ && !is_dropped_ && context_.is_code(rows[first_row_].address, end) &&
        end >= rows.back().address) {
        const auto number = static_cast<uint32_t>(table_.first_rows_.size());
        if (!context_.allocated(
                table_.map_.add({rows[first_row_].address, static_cast<uint32_t>(end), number}) &&
                table_.first_rows_.push(first_row_)))
            return false;
    } else {
        rows.truncate(first_row_);
    }
    first_row_ = rows.size();
    has_begun_ = false;
    is_ordered_ = true;
    is_dropped_ = false;
    registers_ = {};
    return true;
}

bool LineTable::read(Context& context, const Units& units, const Unit& unit) noexcept {
    if (unit.lines) {
        Reader reader{*this, context, units, unit, *unit.lines};
        (void)(reader.read_header() && reader.run());
        reader.drop_unfinished();
    }
    if (context.out_of_memory())
        return false;
    return context.allocated(first_rows_.push(rows_.size()) && map_.finish());
}

const LineRow* LineTable::row_at(uint32_t address) const noexcept {
    const uint32_t sequence = map_.find(address);
    if (sequence == Segment::nobody)
        return nullptr;
    const std::span rows =
        std::span{rows_}.subspan(first_rows_[sequence], first_rows_[sequence + 1] - first_rows_[sequence]);
    const auto next = std::ranges::upper_bound(rows, address, {}, &LineRow::address);
    return next != rows.begin() ? &*(next - 1) : nullptr;
}

LineTable::File LineTable::file(uint64_t number) const noexcept {
    return number >= first_file_ && number - first_file_ < files_.size()
               ? files_[static_cast<size_t>(number - first_file_)]
               : File{};
}

} // namespace warpbeam::dwarf
