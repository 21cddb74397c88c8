#pragma once

#include "module_bytes.hpp"

#include <warpbeam/debuginfo/debug_info.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Sections of DWARF, put together from parts.
namespace warpbeam::test {

/// Little-endian.
inline Bytes fixed(uint64_t value, size_t size) {
    Bytes bytes;
    for (size_t i = 0; i < size; ++i)
        bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return bytes;
}
inline Bytes u16(uint64_t value) { return fixed(value, 2); }
inline Bytes u32(uint64_t value) { return fixed(value, 4); }
inline Bytes text(std::string_view words) {
    Bytes bytes(words.begin(), words.end());
    bytes.push_back(0);
    return bytes;
}
/// After its length.
inline Bytes unit(const Bytes& contents) { return u32(contents.size()) + contents; }

/// The code of modules of `with_sections` has this many bytes; addresses count from the start of its section.
inline constexpr uint32_t code_size = 0x80;

/// A module with one function and with custom sections.
inline Bytes with_sections(const std::vector<std::pair<std::string_view, Bytes>>& sections) {
    constexpr uint8_t nop = 0x01;
    Binary module;
    module.section(type, vec({func_type({}, {})})).section(function, vec({{0}}));
    // A number for the count, two for the size, and one for the locals and the end each.
    module.section(code, vec({body(Bytes(code_size - 5, nop))}));
    for (const auto& [section, contents] : sections)
        module.section(custom, name(section) + contents);
    return module.bytes;
}

/// An abbreviation: pairs of attribute and form, each in LEB128.
inline Bytes abbreviation(uint8_t number, uint8_t tag, bool has_children, const Bytes& attributes) {
    return Bytes{number, tag, has_children ? uint8_t{1} : uint8_t{0}} + attributes + Bytes{0, 0};
}

/// A unit in DWARF 4 with inlined functions: `outer` has the addresses 4 to 0x40, `_Z5innerv` is inlined into
/// it from 0x10 to 0x20. Lines are those of `line_program`.
inline Bytes usual_abbreviations() {
    return abbreviation(1, 0x11, true, {0x03, 0x08, 0x1b, 0x08, 0x10, 0x17, 0x11, 0x01, 0x12, 0x06}) +
           abbreviation(2, 0x2e, true, {0x03, 0x08, 0x11, 0x01, 0x12, 0x06}) +
           abbreviation(3, 0x1d, false,
                        {0x31, 0x13, 0x11, 0x01, 0x12, 0x06, 0x58, 0x0b, 0x59, 0x0b, 0x57, 0x0b}) +
           abbreviation(4, 0x2e, false, {0x6e, 0x08}) + abbreviation(5, 0x2e, false, {0x31, 0x13}) + Bytes{0};
}
inline constexpr uint32_t header_size = 11;
inline Bytes root(uint32_t low = 4, uint32_t size = 0x60) {
    return Bytes{1} + text("main.c") + text("/proj") + u32(0) + u32(low) + u32(size);
}
inline Bytes unit_4(const Bytes& entries) { return unit(u16(4) + u32(0) + Bytes{4} + entries); }
inline Bytes usual_info() {
    const auto inner = static_cast<uint32_t>(header_size + root().size());
    return unit_4(root() + Bytes{4} + text("_Z5innerv") + Bytes{2} + text("outer") + u32(4) + u32(0x3c) +
                  Bytes{3} + u32(inner) + u32(0x10) + u32(0x10) + Bytes{1, 7, 9} + Bytes{0, 0});
}
/// A table in version 4 with the files `main.c` and `inc/inner.h`.
inline Bytes line_table(const Bytes& program, uint8_t line_range = 14) {
    const Bytes names = text("inc") + Bytes{0} + text("main.c") + Bytes{0, 0, 0} + text("inner.h") +
                        Bytes{1, 0, 0} + Bytes{0};
    const Bytes rest = Bytes{1, 1, 1, 0xfb, line_range, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1} + names;
    return unit(u16(4) + u32(rest.size()) + rest + program);
}
/// A table in version 5 with these lists of directories and files.
inline Bytes line_table_5(const Bytes& names, const Bytes& program = {}) {
    const Bytes rest = Bytes{1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1} + names;
    return unit(u16(5) + Bytes{4, 0} + u32(rest.size()) + rest + program);
}
inline Bytes set_address(uint32_t address) { return Bytes{0, 5, 2} + u32(address); }
inline Bytes end_sequence() { return {0, 1, 1}; }
inline Bytes advance(uint8_t bytes) { return {2, bytes}; }
/// Advances the line, and makes a row.
inline Bytes line(int8_t more) { return {3, static_cast<uint8_t>(more & 0x7f), 1}; }
/// Line 5 of main.c from 4, line 2 of inner.h from 0x10, line 8 of main.c from 0x20 to 0x40.
inline Bytes usual_lines() {
    return line_table(set_address(4) + line(4) + advance(12) + Bytes{4, 2, 5, 3} + line(-3) + advance(16) +
                      Bytes{4, 1, 5, 0} + line(6) + advance(32) + end_sequence());
}
inline Bytes usual_module() {
    return with_sections({{".debug_abbrev", usual_abbreviations()},
                          {".debug_info", usual_info()},
                          {".debug_line", usual_lines()}});
}

/// What is known of an address of the code: a line for each frame, such as `inner /a.c:1:2 inlined`.
inline std::string frames_at(DebugInfo& info, const Module& module, uint32_t address) {
    size_t code_offset = 0;
    for (const SectionRange& range : module.sections())
        if (range.id == code)
            code_offset = range.offset;
    const auto frames = info.frames_at(code_offset + address);
    if (!frames)
        return "out of memory";
    std::string result;
    for (const SourceFrame& frame : *frames) {
        Vec<char> path;
        EXPECT_TRUE(frame.file.append_to(path));
        result += result.empty() ? "" : "\n";
        result += std::string{frame.function} + " " + std::string(path.begin(), path.end()) + ":" +
                  std::to_string(frame.line) + ":" + std::to_string(frame.column) +
                  (frame.is_inlined ? " inlined" : "");
    }
    return result;
}
inline std::string frames_at(const Bytes& bytes, uint32_t address) {
    const Module module = load(bytes);
    DebugInfo info{module};
    return frames_at(info, module, address);
}
/// What is found wrong; empty if nothing is.
inline std::string damage_of(const Bytes& bytes, uint32_t address = 0x14) {
    const Module module = load(bytes);
    DebugInfo info{module};
    (void)frames_at(info, module, address);
    return info.damage() != nullptr ? std::string{info.damage()->message()} : "";
}

} // namespace warpbeam::test
