#include "bounded_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/coredump/core_dump.hpp>

#include <bit>
#include <string>

/// Core dumps, good and bad, byte by byte.

namespace warpbeam {
namespace {

using Bytes = std::string;

Bytes bytes(std::initializer_list<int> all) {
    Bytes text;
    for (const int byte : all)
        text += static_cast<char>(byte);
    return text;
}
Bytes name(const Bytes& text) { return bytes({static_cast<int>(text.size())}) + text; }
Bytes section(int id, const Bytes& contents) { return bytes({id}) + name(contents); }
Bytes custom(const Bytes& called, const Bytes& contents) { return section(0, name(called) + contents); }
const Bytes header = Bytes{"\0asm", 4} + bytes({1, 0, 0, 0});

std::span<const uint8_t> span_of(const Bytes& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
std::expected<CoreDump, Error> read(const Bytes& text) { return CoreDump::read(span_of(text)); }
std::string message_of(const Bytes& text) {
    const auto dump = read(text);
    return dump ? std::string{} : std::string{dump.error().message()};
}

const Bytes core = custom("core", bytes({0}) + name("app.wasm"));
const Bytes modules = custom("coremodules", bytes({2, 0}) + name("a") + bytes({0}) + name("b"));
const Bytes instances =
    custom("coreinstances", bytes({2, 0, 1, 2, 0, 1, 1, 3, 0, 0, 1, 0, 2, 0}) + bytes({1}));
const Bytes stack =
    custom("corestack", bytes({0}) + name("main") + bytes({2}) +
                            // i32 -2, i64 64, missing; f32 1.5, f64 -2.5
                            bytes({0, 1, 7, 0x80, 1, 3, 0x7f, 0x7e, 0x7e, 0xc0, 0, 0x01}) +
                            bytes({2, 0x7d, 0, 0, 0xc0, 0x3f, 0x7c, 0, 0, 0, 0, 0, 0, 4, 0xc0}) +
                            bytes({0, 0, 3, 0, 0, 0}));
const Bytes memories = section(5, bytes({2, 0, 1, 5, 2, 4}));
/// i32 -1, i64 5, f64 -2.5, v128, funcref null, and a sum.
const Bytes globals =
    section(6, bytes({6, 0x7f, 0, 0x41, 0x7f, 0x0b, 0x7e, 0, 0x42, 5,    0x0b, 0x7c,
                      0, 0x44, 0, 0,    0,    0,    0,    0, 4,    0xc0, 0x0b}) +
                   bytes({0x7b, 0, 0xfd, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x0b}) +
                   bytes({0x70, 0, 0xd0, 0x70, 0x0b, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}));
/// At 10 and 65534 of memory 0, and at 4 of memory 1.
const Bytes data =
    section(11, bytes({3, 0, 0x41, 10, 0x0b}) + name("hello") + bytes({0, 0x41, 0xfe, 0xff, 3, 0x0b}) +
                    name("abcd") + bytes({2, 1, 0x42, 4, 0x0b}) + name("xyz"));
const Bytes good = header + core + modules + instances + memories + globals + data + stack;

TEST(CoreDumpTest, reads_all_parts) {
    const auto dump = read(good);
    ASSERT_TRUE(dump) << dump.error().message();
    EXPECT_EQ(dump->executable(), "app.wasm");
    ASSERT_EQ(dump->modules().size(), 2U);
    EXPECT_EQ(dump->modules()[1], "b");
    ASSERT_EQ(dump->instances().size(), 2U);
    const CoreInstance& instance = dump->instances()[0];
    EXPECT_EQ(instance.module, 1U);
    EXPECT_EQ(std::vector(instance.memories.begin(), instance.memories.end()), (std::vector<uint32_t>{0, 1}));
    EXPECT_EQ(std::vector(instance.globals.begin(), instance.globals.end()), (std::vector<uint32_t>{3}));
    EXPECT_EQ(dump->instances()[1].globals.size(), 2U);

    ASSERT_EQ(dump->threads().size(), 1U);
    const CoreThread& thread = dump->threads()[0];
    EXPECT_EQ(thread.name, "main");
    ASSERT_EQ(thread.frames.size(), 2U);
    const CoreFrame& frame = thread.frames[0];
    EXPECT_EQ(frame.instance, 1U);
    EXPECT_EQ(frame.func, 7U);
    EXPECT_EQ(frame.code_offset, 128U);
    const auto locals = thread.locals(frame);
    ASSERT_EQ(locals.size(), 3U);
    EXPECT_EQ(locals[0].kind, ValType::i32);
    EXPECT_EQ(locals[0].bits, 0xfffffffeU);
    EXPECT_EQ(locals[1].kind, ValType::i64);
    EXPECT_EQ(locals[1].bits, 64U);
    EXPECT_EQ(locals[2].kind, ValType::bot);
    const auto operands = thread.operands(frame);
    ASSERT_EQ(operands.size(), 2U);
    EXPECT_EQ(std::bit_cast<float>(static_cast<uint32_t>(operands[0].bits)), 1.5F);
    EXPECT_EQ(std::bit_cast<double>(operands[1].bits), -2.5);
    EXPECT_TRUE(thread.locals(thread.frames[1]).empty());
    EXPECT_EQ(thread.frames[1].func, 3U);
}

TEST(CoreDumpTest, globals) {
    const auto dump = read(good);
    ASSERT_TRUE(dump);
    EXPECT_EQ(dump->global(0).slots[0], 0xffffffffU);
    EXPECT_EQ(dump->global(1).slots[0], 5U);
    EXPECT_EQ(std::bit_cast<double>(dump->global(2).slots[0]), -2.5);
    EXPECT_EQ(dump->global(3).slots[0], 1U);
    EXPECT_EQ(dump->global(3).slots[1], 2U);
    EXPECT_TRUE(dump->global(3).is_known);
    EXPECT_FALSE(dump->global(4).is_known);
    EXPECT_TRUE(dump->global(4).type.is_ref());
    EXPECT_FALSE(dump->global(5).is_known);
    EXPECT_EQ(dump->global(5).slots[0], 0U);
}

TEST(CoreDumpTest, memories) {
    const auto dump = read(good);
    ASSERT_TRUE(dump);
    const auto at = [&](uint32_t memory, uint64_t address, size_t size) {
        std::vector<uint8_t> block(size, 0xee);
        block.resize(dump->read_memory(memory, address, block));
        return std::string{block.begin(), block.end()};
    };
    EXPECT_EQ(dump->memory_size(0), 65536U);
    EXPECT_EQ(dump->memory_size(1), 131072U);
    EXPECT_EQ(dump->stored_bytes(0), 9U);
    EXPECT_EQ(dump->stored_bytes(1), 3U);
    EXPECT_EQ(at(0, 8, 9), (std::string{"\0\0hello\0\0", 9}));
    EXPECT_EQ(at(0, 12, 2), "ll");
    // The segment reaches beyond the end.
    EXPECT_EQ(at(0, 65533, 100), (std::string{"\0ab", 3}));
    EXPECT_EQ(at(0, 65535, 100), "b");
    EXPECT_EQ(at(0, 65536, 4), "");
    EXPECT_EQ(at(0, UINT64_MAX, 4), "");
    EXPECT_EQ(at(1, 0, 8), (std::string{"\0\0\0\0xyz\0", 8}));
}

TEST(CoreDumpTest, has_as_many_memories_as_all_instances) {
    Bytes many = bytes({0xdc, 0x0b}) + bytes({0, 1, 5, 2, 4}); // 1,500
    for (int i = 2; i < 1500; ++i)
        many += bytes({0, 1});
    const Bytes whole =
        header + core + modules + instances + bytes({5, 0xbb, 0x17}) + many + globals + data + stack;
    EXPECT_EQ(message_of(whole), "");
}

TEST(CoreDumpTest, knows_a_core_dump) {
    EXPECT_TRUE(CoreDump::is_core_dump(span_of(good)));
    EXPECT_TRUE(CoreDump::is_core_dump(span_of(header + memories + core)));
    EXPECT_FALSE(CoreDump::is_core_dump(span_of(header)));
    EXPECT_FALSE(CoreDump::is_core_dump(span_of(header + memories + modules)));
    EXPECT_FALSE(CoreDump::is_core_dump(span_of(core)));
    EXPECT_FALSE(CoreDump::is_core_dump({}));
    EXPECT_EQ(message_of(header), "it is not a core dump: it has no section core");
}

TEST(CoreDumpTest, the_order_of_sections_does_not_matter) {
    EXPECT_EQ(message_of(header + stack + memories + instances + globals + modules + data + core), "");
    // Other custom sections are ignored, and there may be many threads, or none.
    const auto dump =
        read(header + core + modules + instances + memories + globals + custom("x", "y") + stack + stack);
    ASSERT_TRUE(dump);
    EXPECT_EQ(dump->threads().size(), 2U);
    const auto none = read(header + core);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->threads().empty());
}

TEST(CoreDumpTest, dumps_without_instances) {
    const Bytes frame = bytes({0}) + name("t") + bytes({1, 0, 0, 5, 9, 0, 0});
    EXPECT_EQ(message_of(header + core + custom("corestack", frame)), "");
    Bytes other = frame;
    other[5] = 1;
    EXPECT_EQ(message_of(header + core + custom("corestack", other)),
              "a frame refers to instance 1, but there are 0");
}

TEST(CoreDumpTest, refuses_what_is_wrong) {
    const Bytes dump = header + core;
    EXPECT_EQ(message_of(dump + core), "there are two sections core");
    EXPECT_EQ(message_of(header + custom("core", bytes({1}) + name("x"))),
              "the program begins with 0x01 instead of 0 (custom section core)");
    EXPECT_EQ(message_of(header + custom("core", bytes({0}) + name("x") + "!")),
              "there are 1 bytes after its end (custom section core)");
    EXPECT_EQ(message_of(header + custom("core", bytes({0}) + name("\xff"))),
              "a name is not UTF-8 (custom section core)");
    EXPECT_EQ(message_of(header + custom("core", bytes({0, 9}) + "x")),
              "unexpected end (custom section core)");
    EXPECT_EQ(message_of(header + custom("core", "")), "unexpected end (custom section core)");
    EXPECT_EQ(message_of(dump + custom("coremodules", bytes({0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0}))),
              "4294967295 entries do not fit into the 2 bytes that are left (custom section coremodules)");
    EXPECT_EQ(message_of(dump + custom("coremodules", bytes({0xff, 0xff, 0xff, 0xff, 0x1f}))),
              "integer too large (custom section coremodules)");
    EXPECT_EQ(
        message_of(dump + custom("corestack", bytes({0}) + name("t") + bytes({1, 0, 0, 5, 9, 1, 0x7b, 0}))),
        "0x7b is not the type of a value (custom section corestack)");
    EXPECT_EQ(message_of(dump + custom("corestack", bytes({0}) + name("t") + bytes({1, 9, 0, 5, 9, 0, 0}))),
              "a frame begins with 0x09 instead of 0 (custom section corestack)");
    EXPECT_EQ(message_of(dump + modules + custom("coreinstances", bytes({1, 0, 2, 0, 0}))),
              "an instance refers to module 2, but there are 2");
    EXPECT_EQ(message_of(dump + modules + custom("coreinstances", bytes({1, 0, 1, 1, 0, 0}))),
              "an instance refers to memory 0, but there are 0");
    EXPECT_EQ(message_of(dump + modules + memories + custom("coreinstances", bytes({1, 0, 1, 1, 0, 1, 3}))),
              "an instance refers to global 3, but there are 0");
    // The index that says that there is none.
    EXPECT_EQ(message_of(dump + modules +
                         custom("coreinstances", bytes({1, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0}))),
              "");
    const auto refused = read(dump + custom("coremodules", bytes({1, 7, 0})));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().offset(), dump.size() + 2 + 12 + 2);
}

/// Reads everything that a dump may have.
size_t touch(const CoreDump& dump) {
    size_t sum = dump.executable().size();
    for (const CoreThread& thread : dump.threads())
        for (const CoreFrame& frame : thread.frames)
            sum += thread.locals(frame).size() + thread.operands(frame).size();
    for (uint32_t i = 0; i < dump.module().globals().size(); ++i)
        sum += dump.global(i).slots[0];
    for (uint32_t i = 0; i < dump.module().memories().size(); ++i) {
        uint8_t block[64];
        for (const uint64_t address : {uint64_t{0}, uint64_t{12}, uint64_t{0xfffff}, UINT64_MAX - 3})
            sum += dump.read_memory(i, address, block);
        sum += dump.stored_bytes(i) + dump.memory_size(i);
    }
    return sum;
}

TEST(CoreDumpTest, every_prefix) {
    for (size_t size = 0; size < good.size(); ++size) {
        const Bytes part = good.substr(0, size);
        (void)CoreDump::is_core_dump(span_of(part));
        if (const auto dump = read(part))
            (void)touch(*dump);
        else
            EXPECT_FALSE(dump.error().message().empty()) << size;
    }
}

TEST(CoreDumpTest, every_byte_changed) {
    size_t accepted = 0;
    for (size_t at = 0; at < good.size(); ++at)
        for (int byte = 0; byte < 256; ++byte) {
            Bytes changed = good;
            changed[at] = static_cast<char>(byte);
            (void)CoreDump::is_core_dump(span_of(changed));
            if (const auto dump = read(changed)) {
                ++accepted;
                (void)touch(*dump);
            } else {
                EXPECT_FALSE(dump.error().message().empty()) << at << " = " << byte;
            }
        }
    EXPECT_GT(accepted, good.size()); // at least those that are not changed
}

TEST(CoreDumpTest, reports_that_memory_ran_out) {
    fuzz::BoundedAllocator unlimited{SIZE_MAX};
    ASSERT_TRUE(CoreDump::read(span_of(good), unlimited));
    EXPECT_EQ(unlimited.live(), 0U);
    for (size_t limit = 0; limit < unlimited.peak(); limit += 16) {
        fuzz::BoundedAllocator allocator{limit};
        {
            const auto dump = CoreDump::read(span_of(good), allocator);
            ASSERT_FALSE(dump) << limit;
            EXPECT_EQ(dump.error().code(), ErrorCode::out_of_memory);
        }
        EXPECT_EQ(allocator.live(), 0U);
    }
}

} // namespace
} // namespace warpbeam
