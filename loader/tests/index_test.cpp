// Every kind of index is refused from one beyond the last on, wherever it occurs.

#include "module_bytes.hpp"

#include <cstdlib>

namespace warpbeam::test {
namespace {

/// A module with two of everything, and one function that has this code after `unreachable`, so that any
/// operands are there.
Bytes with_code(const Bytes& code) {
    const Bytes func_index_list = Bytes{1, 0} + vec({{0}});
    return Binary{}
        .section(type, vec({func_type({}, {}), Bytes{0x5f, 2, i32, 1, i32, 1}, Bytes{0x5e, i32, 1},
                            Bytes{0x5e, func_ref, 1}, Bytes{0x5f, 2, 0x78, 1, 0x78, 1}}))
        .section(function, vec({{0}, {0}}))
        .section(table, vec({{func_ref, 0, 1}, {func_ref, 0, 1}}))
        .section(memory, vec({{0, 1}, {0, 1}}))
        .section(tag, vec({{0, 0}, {0, 0}}))
        .section(global, vec({Bytes{i32, 1, 0x41, 0, end}, Bytes{i32, 1, 0x41, 0, end}}))
        .section(export_, vec({name("a") + Bytes{0, 0}, name("b") + Bytes{0, 1}}))
        .section(element, vec({func_index_list, func_index_list}))
        .section(data_count, {2})
        .section(SectionId::code, vec({body({}), body(Bytes{0x00} + code + Bytes{0x00}, {1, 2, i32})}))
        .section(data, vec({Bytes{1} + name("x"), Bytes{1} + name("y")}))
        .bytes;
}

struct Place {
    const char* what;
    Bytes before; ///< the index
    uint32_t count;
    Bytes after = {};
    /// The first index that has the right type.
    uint32_t good = 0;
};

constexpr uint32_t types = 5; // of several kinds
const Place places[] = {
    {"call", {0x10}, 2},
    {"return_call", {0x12}, 2},
    {"ref.func", {0xd2}, 2},
    {"call_indirect, type", {0x11}, types, {0}},
    {"call_indirect, table", {0x11, 0}, 2},
    {"return_call_indirect, type", {0x13}, types, {0}},
    {"return_call_indirect, table", {0x13, 0}, 2},
    {"call_ref", {0x14}, types},
    {"return_call_ref", {0x15}, types},
    {"local.get", {0x20}, 2},
    {"local.set", {0x21}, 2},
    {"local.tee", {0x22}, 2},
    {"global.get", {0x23}, 2},
    {"global.set", {0x24}, 2},
    {"table.get", {0x25}, 2},
    {"table.set", {0x26}, 2},
    {"i32.load", {0x28, 0x42}, 2, {0}},
    {"i32.store", {0x36, 0x42}, 2, {0}},
    {"v128.load", {0xfd, 0, 0x40}, 2, {0}},
    {"v128.load8_lane", {0xfd, 84, 0x40}, 2, {0, 0}},
    {"v128.load8_lane, lane", {0xfd, 84, 0, 0}, 16},
    {"v128.load64_lane, lane", {0xfd, 87, 0, 0}, 2},
    {"v128.store16_lane, lane", {0xfd, 89, 0, 0}, 8},
    {"i8x16.extract_lane_s", {0xfd, 21}, 16},
    {"i32x4.replace_lane", {0xfd, 28}, 4},
    {"f64x2.extract_lane", {0xfd, 33}, 2},
    {"i8x16.shuffle", Bytes{0xfd, 13} + Bytes(15, 0), 32},
    {"i32.atomic.load", {0xfe, 0x10, 0x42}, 2, {0}},
    {"memory.size", {0x3f}, 2},
    {"memory.grow", {0x40}, 2},
    {"memory.init, data", {0xfc, 8}, 2, {0}},
    {"memory.init, memory", {0xfc, 8, 0}, 2},
    {"data.drop", {0xfc, 9}, 2},
    {"memory.copy, to", {0xfc, 10}, 2, {0}},
    {"memory.copy, from", {0xfc, 10, 0}, 2},
    {"memory.fill", {0xfc, 11}, 2},
    {"table.init, elem", {0xfc, 12}, 2, {0}},
    {"table.init, table", {0xfc, 12, 0}, 2},
    {"elem.drop", {0xfc, 13}, 2},
    {"table.copy, to", {0xfc, 14}, 2, {0}},
    {"table.copy, from", {0xfc, 14, 0}, 2},
    {"table.grow", {0xfc, 15}, 2},
    {"table.size", {0xfc, 16}, 2},
    {"table.fill", {0xfc, 17}, 2},
    {"br", {0x02, 0x40, 0x0c}, 2, {end}},
    {"br_if", {0x02, 0x40, 0x00, 0x0d}, 2, {end}},
    {"br_table", {0x02, 0x40, 0x00, 0x0e, 1}, 2, {0, end}},
    {"br_table, default", {0x02, 0x40, 0x00, 0x0e, 0}, 2, {end}},
    {"br_table, default after another", {0x02, 0x40, 0x00, 0x0e, 1, 0}, 2, {end}},
    {"br_on_null", {0x02, 0x40, 0x00, 0xd5}, 2, {0x1a, end}},
    {"throw", {0x08}, 2},
    {"catch, tag", {0x1f, 0x40, 1, 0}, 2, {0, end}},
    {"catch, label", {0x1f, 0x40, 1, 0, 0}, 1, {end}},
    {"catch_all, label", {0x1f, 0x40, 1, 2}, 1, {end}},
    {"legacy catch", {0x06, 0x40, 0x07}, 2, {end}},
    {"legacy delegate", {0x06, 0x40, 0x18}, 1},
    {"block", {0x02}, types, {end}},
    {"ref.null", {0xd0}, types},
    {"struct.new", {0xfb, 0}, types, {}, 1},
    {"struct.new_default", {0xfb, 1}, types, {}, 1},
    {"struct.get, type", {0xfb, 2}, types, {0}, 1},
    {"struct.get, field", {0xfb, 2, 1}, 2},
    {"struct.get_s, field", {0xfb, 3, 4}, 2},
    {"struct.get_u, field", {0xfb, 4, 4}, 2},
    {"struct.set, field", {0xfb, 5, 1}, 2},
    {"array.new", {0xfb, 6}, types, {}, 2},
    {"array.new_default", {0xfb, 7}, types, {}, 2},
    {"array.new_fixed", {0xfb, 8}, types, {0}, 2},
    {"array.new_data, data", {0xfb, 9, 2}, 2},
    {"array.new_elem, elem", {0xfb, 10, 3}, 2},
    {"array.get", {0xfb, 11}, types, {}, 2},
    {"array.set", {0xfb, 14}, types, {}, 2},
    {"array.fill", {0xfb, 16}, types, {}, 2},
    {"array.copy, to", {0xfb, 17}, types, {2}, 2},
    {"array.copy, from", {0xfb, 17, 2}, types, {}, 2},
    {"array.init_data, data", {0xfb, 18, 2}, 2},
    {"array.init_elem, elem", {0xfb, 19, 3}, 2},
    {"ref.test", {0xfb, 20}, types},
    {"ref.cast", {0xfb, 22}, types},
};

TEST(Index, of_instructions) {
    for (const Place& place : places) {
        for (uint32_t index = place.good; index < place.count + 3; ++index) {
            const std::string found = fault(with_code(place.before + leb(index) + place.after));
            const bool other_type = place.count == types && index != place.good;
            if (index < place.count && !other_type) {
                EXPECT_EQ(found, "valid") << place.what << ' ' << index;
            }
            if (index >= place.count) {
                EXPECT_TRUE(found.starts_with("invalid: unknown ") ||
                            found.starts_with("invalid: invalid lane index "))
                    << place.what << ' ' << index << ": " << found;
                EXPECT_EQ(std::strtoul(found.c_str() + found.find_first_of("0123456789"), nullptr, 10), index)
                    << place.what << ": " << found;
            }
        }
        for (const uint32_t index : {0x80u, 0xffffu, 0xffff'ffffu})
            EXPECT_NE(fault(with_code(place.before + leb(index) + place.after)), "valid")
                << place.what << ' ' << index;
    }
}

TEST(Index, of_declarations) {
    const auto declared = [](const Bytes& start_section, uint8_t kind, uint32_t exported,
                             uint8_t func_type_index, const Bytes& elements, const Bytes& segment) {
        Binary binary;
        binary.section(type, vec({func_type({}, {}), Bytes{0x5f, 0}}))
            .section(function, vec({{0}, {func_type_index}}))
            .section(table, vec({{func_ref, 0, 1}, {func_ref, 0, 1}}))
            .section(memory, vec({{0, 1}, {0, 1}}))
            .section(tag, vec({{0, 0}, {0, 0}}))
            .section(global, vec({Bytes{i32, 1, 0x41, 0, end}, Bytes{i32, 1, 0x41, 0, end}}))
            .section(export_, vec({name("x") + Bytes{kind} + leb(exported)}));
        if (!start_section.empty())
            binary.section(start, start_section);
        return fault(binary.section(element, elements)
                         .section(SectionId::code, vec({body({}), body({})}))
                         .section(data, segment)
                         .bytes);
    };
    const Bytes no = vec({});
    for (uint32_t index = 0; index < 5; ++index) {
        const auto expect = [&](const std::string& found, const char* what) {
            EXPECT_EQ(found == "valid", index < 2) << what << ' ' << index << ": " << found;
        };
        expect(declared(leb(index), 0, 0, 0, no, no), "start");
        for (uint8_t kind = 0; kind <= 4; ++kind)
            expect(declared({}, kind, index, 0, no, no), "export");
        expect(declared({}, 0, 0, 0, vec({Bytes{1, 0} + vec({leb(index)})}), no), "function of a segment");
        expect(declared({}, 0, 0, 0, vec({Bytes{2} + leb(index) + Bytes{0x41, 0, end, 0} + vec({{0}})}), no),
               "table of a segment");
        expect(declared({}, 0, 0, 0, no, vec({Bytes{2} + leb(index) + Bytes{0x41, 0, end} + name("x")})),
               "memory of a segment");
    }
    EXPECT_EQ(declared({}, 0, 0, 2, no, no), "invalid: unknown type 2, in the function section @20");
    EXPECT_EQ(declared({}, 5, 0, 0, no, no).substr(0, 32), "malformed: malformed export kind");
}

TEST(Index, of_types) {
    const auto types_fault = [](const std::vector<Bytes>& list) {
        return fault(Binary{}.section(type, vec(list)).bytes);
    };
    const auto field = [](uint8_t index) { return Bytes{0x5f, 1, ref_null, index, 0}; };
    EXPECT_EQ(types_fault({field(0)}), "valid");
    EXPECT_EQ(types_fault({field(1)}), "invalid: unknown type 1, in the type section @14");
    const auto group = [&](uint8_t first, uint8_t second) {
        return Bytes{0x4e, 2} + field(first) + field(second);
    };
    EXPECT_EQ(types_fault({Bytes{0x5f, 0}, group(0, 2)}), "valid");
    EXPECT_EQ(types_fault({Bytes{0x5f, 0}, group(2, 1)}), "valid");
    EXPECT_EQ(types_fault({Bytes{0x5f, 0}, group(3, 1)}), "invalid: unknown type 3, in the type section @18");
    EXPECT_EQ(types_fault({Bytes{0x5f, 0}, group(1, 3)}), "invalid: unknown type 3, in the type section @23");
    EXPECT_EQ(types_fault({group(0, 1), field(3)}), "invalid: unknown type 3, in the type section @26");
    // A supertype comes before, in the same group or not.
    const auto sub = [](uint8_t super) { return Bytes{0x50, 1, super, 0x5f, 0}; };
    const Bytes open{0x50, 0, 0x5f, 0};
    EXPECT_EQ(types_fault({open, Bytes{0x4e, 2} + open + sub(1)}), "valid");
    EXPECT_EQ(types_fault({open, Bytes{0x4e, 2} + open + sub(0)}), "valid");
    EXPECT_NE(types_fault({open, Bytes{0x4e, 2} + open + sub(2)}), "valid");
    EXPECT_NE(types_fault({open, Bytes{0x4e, 2} + sub(2) + open}), "valid");
    EXPECT_EQ(types_fault({open, Bytes{0x50, 2, 0, 0, 0x5f, 0}}).substr(0, 8), "invalid:");
}

} // namespace
} // namespace warpbeam::test
