#include "module_bytes.hpp"

#include <warpbeam/loader/instr_reader.hpp>

namespace warpbeam::test {
namespace {

using Code = CodeReader<ValidBytes>;

TEST(InstrReader, heap_and_value_types) {
    const auto heap = [](const Bytes& bytes) {
        Code in{ValidBytes{bytes}};
        const HeapCode code = in.heap_code();
        EXPECT_TRUE(in.done());
        return code;
    };
    for (const AbstractHeap& row : abstract_heaps) {
        EXPECT_EQ(heap({row.code}).abstract(), &row);
        EXPECT_EQ(heap({row.code}), HeapCode::of(row));
    }
    EXPECT_EQ(heap({0x80, 0x01}), (HeapCode{128, false}));
    EXPECT_EQ(heap({type_code::exact, 0x05}), (HeapCode{5, true}));
    EXPECT_TRUE(heap({0x7f}).is_malformed()) << "i32";
    EXPECT_TRUE(heap({0xf0, 0x7f}).is_malformed()) << "func in two bytes";
    EXPECT_TRUE(heap({0xf0, 0x7d}).is_malformed()) << "with the lowest byte of func";
    EXPECT_EQ(heap({0xf0, 0x7d}).abstract(), nullptr);
    for (int64_t index = 0; index < 1000; ++index)
        EXPECT_EQ((HeapCode{index, false}.abstract()), nullptr) << index;
    EXPECT_EQ(find_heap(0x80), nullptr);
    EXPECT_EQ(find_plain(0x80), nullptr);

    const auto defined = [](uint32_t index, bool exact) { return HeapType::defined(index, exact); };
    const auto type = [&](const Bytes& bytes) {
        Code in{ValidBytes{bytes}};
        const ValType found = type_of(in.type_code(), defined);
        EXPECT_TRUE(in.done());
        return found;
    };
    EXPECT_EQ(type({i32}), ValType::i32);
    EXPECT_EQ(type({func_ref}), funcref);
    EXPECT_EQ(type({ref_to, func_ref}), ValType::reference(HeapType::func, false));
    EXPECT_EQ(type({ref_null, 3}), ValType::reference(HeapType::defined(3), true));
    EXPECT_EQ(type({ref_to, 0x62, 3}), ValType::reference(HeapType::defined(3, true), false));
}

TEST(InstrReader, skips_immediates_of_every_form) {
    // One instruction for each form whose immediates have more than a byte each, or a number of them.
    const Bytes memory_and_offset = {0x42, 0x81, 0x01, 0x80, 0x02};
    const std::pair<Imm, Bytes> all[] = {
        {Imm::none, {}},
        {Imm::block, {type_code::empty_block}},
        {Imm::block, {0x63, 0x81, 0x01}},
        {Imm::block, {0x81, 0x01}},
        {Imm::label, {0x81, 0x01}},
        {Imm::label_table, {0x02, 0x00, 0x81, 0x01, 0x03}},
        {Imm::type_field, {0x81, 0x01, 0x82, 0x01}},
        {Imm::mem_arg, {0x02, 0x80, 0x02}},
        {Imm::mem_arg, memory_and_offset},
        {Imm::mem_arg_lane, memory_and_offset + Bytes{0xff}},
        {Imm::lane, {0xff}},
        {Imm::lanes, Bytes(16, 0xff)},
        {Imm::v128, Bytes(16, 0xff)},
        {Imm::i32, {0x80, 0x7f}},
        {Imm::i64, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}},
        {Imm::f32, Bytes(4, 0xff)},
        {Imm::f64, Bytes(8, 0xff)},
        {Imm::heap_type, {type_code::exact, 0x81, 0x01}},
        {Imm::select_types, {0x02, i32, ref_null, func_ref}},
        {Imm::cast, {0x03, 0x81, 0x01, func_ref, 0x62, 0x81, 0x01}},
        {Imm::try_table, {i32, 0x02, 0x00, 0x81, 0x01, 0x02, 0x03, 0x81, 0x01}},
        {Imm::fence, {0x00}},
        {Imm::type_tag, {0x81, 0x01, 0x82, 0x01}},
        {Imm::type_handlers, {0x81, 0x01, 0x02, 0x00, 0x81, 0x01, 0x82, 0x01, 0x01, 0x81, 0x01}},
        {Imm::type_tag_handlers, {0x81, 0x01, 0x82, 0x01, 0x01, 0x00, 0x03, 0x81, 0x01}},
    };
    for (const auto& [imm, bytes] : all) {
        Code in{ValidBytes{bytes}};
        EXPECT_TRUE(in.skip(imm));
        EXPECT_EQ(in.offset(), bytes.size()) << static_cast<int>(imm);
    }
}

TEST(InstrReader, finds_an_instruction_by_its_own_code_only) {
    size_t found = 0;
    const auto look = [&](uint32_t code) {
        const InstrRow* const row = find_instr(code);
        EXPECT_TRUE(row == nullptr || static_cast<uint32_t>(row->op) == code) << std::hex << code;
        found += row != nullptr ? 1 : 0;
    };
    for (uint32_t code = 0; code < 0x1000; ++code)
        look(code);
    for (uint32_t prefix = 0xf0; prefix <= 0x100; ++prefix)
        for (uint32_t sub = 0; sub < 0x1000; ++sub)
            look(prefix << 12 | sub);
    EXPECT_EQ(found, std::size(instr_table));
}

TEST(InstrReader, an_alignment_beyond_all_flags_is_the_last_that_is_read) {
    const Bytes bytes = {0x80, 0x01, 0x07};
    Code in{ValidBytes{bytes}};
    EXPECT_EQ(in.mem_arg().align, 128u);
    EXPECT_EQ(in.offset(), 2u);
}

TEST(InstrReader, memory_arguments_and_opcodes) {
    const Bytes bytes = {0x28, 0x42, 0x81, 0x01, 0x80, 0x02, 0xfd, 0x80, 0x02, 0x0b};
    Code in{ValidBytes{bytes}};
    EXPECT_EQ(in.op(), Op::i32_load);
    const MemArg arg = in.mem_arg();
    EXPECT_EQ(arg.align, 2u);
    EXPECT_TRUE(arg.has_memory);
    EXPECT_EQ(arg.memory, 129u);
    EXPECT_EQ(arg.offset, 256u);
    EXPECT_EQ(static_cast<uint32_t>(in.op()), 0xfd'100u);
    EXPECT_EQ(in.op(), Op::end);
    EXPECT_TRUE(in.done());
}

} // namespace
} // namespace warpbeam::test
