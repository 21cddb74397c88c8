#pragma once

#include <cstdint>

/// The numbers of DWARF that we need. https://dwarfstd.org/dwarf5std.html, chapter 7

namespace warpbeam::dwarf {

enum class Tag : uint16_t {
    inlined_subroutine = 0x1d,
    subprogram = 0x2e,
};

enum class UnitType : uint8_t {
    compile = 1,
    type = 2,
    partial = 3,
    skeleton = 4,
    split_compile = 5,
    split_type = 6,
};

enum class At : uint16_t {
    name = 0x03,
    stmt_list = 0x10,
    low_pc = 0x11,
    high_pc = 0x12,
    comp_dir = 0x1b,
    abstract_origin = 0x31,
    specification = 0x47,
    ranges = 0x55,
    call_column = 0x57,
    call_file = 0x58,
    call_line = 0x59,
    linkage_name = 0x6e,
    str_offsets_base = 0x72,
    addr_base = 0x73,
    rnglists_base = 0x74,
    mips_linkage_name = 0x2007,
};

enum class Form : uint16_t {
    none = 0,
    addr = 0x01,
    block2 = 0x03,
    block4 = 0x04,
    data2 = 0x05,
    data4 = 0x06,
    data8 = 0x07,
    string = 0x08,
    block = 0x09,
    block1 = 0x0a,
    data1 = 0x0b,
    flag = 0x0c,
    sdata = 0x0d,
    strp = 0x0e,
    udata = 0x0f,
    ref_addr = 0x10,
    ref1 = 0x11,
    ref2 = 0x12,
    ref4 = 0x13,
    ref8 = 0x14,
    ref_udata = 0x15,
    indirect = 0x16,
    sec_offset = 0x17,
    exprloc = 0x18,
    flag_present = 0x19,
    strx = 0x1a,
    addrx = 0x1b,
    ref_sup4 = 0x1c,
    strp_sup = 0x1d,
    data16 = 0x1e,
    line_strp = 0x1f,
    ref_sig8 = 0x20,
    implicit_const = 0x21,
    loclistx = 0x22,
    rnglistx = 0x23,
    ref_sup8 = 0x24,
    strx1 = 0x25,
    strx2 = 0x26,
    strx3 = 0x27,
    strx4 = 0x28,
    addrx1 = 0x29,
    addrx2 = 0x2a,
    addrx3 = 0x2b,
    addrx4 = 0x2c,
};

/// Entries of range lists.
enum class Rle : uint8_t {
    end_of_list,
    base_addressx,
    startx_endx,
    startx_length,
    offset_pair,
    base_address,
    start_end,
    start_length,
};

/// What a directory or file entry of a line table's header has.
enum class Lnct : uint16_t { path = 1, directory_index = 2 };

/// @{ Opcodes of line programs.
enum class Lns : uint8_t {
    extended,
    copy,
    advance_pc,
    advance_line,
    set_file,
    set_column,
    negate_stmt,
    set_basic_block,
    const_add_pc,
    fixed_advance_pc,
    set_prologue_end,
    set_epilogue_begin,
    set_isa,
};
enum class Lne : uint8_t { end_sequence = 1, set_address = 2 };
/// @}

} // namespace warpbeam::dwarf
