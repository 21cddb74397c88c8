#include "fixture.hpp"

#include <warpbeam/vm/memory_view.hpp>

#include <numeric>

namespace warpbeam {
namespace {

class MemoryViewTest : public VmTest {
protected:
    Memory memory = *Memory::create(store, {{.min = 1, .max = 4, .has_max = true}});
    MemoryView view{memory};

    template <typename T>
    static std::string error_of(const std::expected<T, Trap>& result) {
        EXPECT_FALSE(result);
        return result ? std::string{} : std::string{result.error().message()};
    }
    static std::string_view text(const std::expected<Vec<char>, Trap>& result) {
        EXPECT_TRUE(result) << result.error().message();
        return result ? std::string_view{result->data(), result->size()} : std::string_view{};
    }
};

TEST_F(MemoryViewTest, reads_and_writes_numbers_of_all_sizes) {
    EXPECT_TRUE(view.write<uint8_t>(3, 0xab));
    EXPECT_TRUE(view.write<int16_t>(5, -2));
    EXPECT_TRUE(view.write<uint32_t>(9, 0x01020304));
    EXPECT_TRUE(view.write<int64_t>(15, -5));
    EXPECT_TRUE(view.write(25, 1.5f));
    EXPECT_TRUE(view.write(31, -0.25));
    EXPECT_EQ(view.read<uint8_t>(3), 0xab);
    EXPECT_EQ(view.read<int16_t>(5), -2);
    EXPECT_EQ(view.read<uint8_t>(9), 4); // little-endian
    EXPECT_EQ(view.read<uint32_t>(9), 0x01020304u);
    EXPECT_EQ(view.read<int64_t>(15), -5);
    EXPECT_EQ(view.read<float>(25), 1.5f);
    EXPECT_EQ(view.read<double>(31), -0.25);
    EXPECT_TRUE(view.write<uint8_t>(40, 2));
    EXPECT_EQ(view.read<bool>(40), true);
}

TEST_F(MemoryViewTest, reads_up_to_the_last_byte_and_not_beyond) {
    EXPECT_TRUE(view.read<uint32_t>(65532));
    EXPECT_TRUE(view.at(65536, 0));
    EXPECT_EQ(error_of(view.read<uint32_t>(65533)),
              "out of bounds memory access: 4 bytes at offset 65533, the memory has 65536");
    EXPECT_EQ(error_of(view.write<uint8_t>(65536, 1)),
              "out of bounds memory access: 1 byte at offset 65536, the memory has 65536");
    EXPECT_EQ(view.read<uint8_t>(65536).error().code(), TrapCode::memory_out_of_bounds);
}

TEST_F(MemoryViewTest, names_offsets_and_sizes_that_were_negative_or_huge) {
    EXPECT_EQ(
        error_of(view.read<uint8_t>(static_cast<uint64_t>(-1))),
        "out of bounds memory access: 1 byte at offset 18446744073709551615 (-1), the memory has 65536");
    EXPECT_EQ(
        error_of(view.at(1, UINT64_MAX)),
        "out of bounds memory access: 18446744073709551615 (-1) bytes at offset 1, the memory has 65536");
    EXPECT_FALSE(view.at(UINT64_MAX, UINT64_MAX));
    EXPECT_FALSE(view.at(UINT64_MAX - 3, 4));
    EXPECT_FALSE(view.slice(uint64_t{1} << 63, 1));
    EXPECT_FALSE(view.fill(4, uint64_t{0} - 4, 1));
    EXPECT_FALSE(view.read_string(8, UINT64_MAX - 7, SIZE_MAX));
    EXPECT_FALSE(view.read_c_string(UINT64_MAX, 10));
    EXPECT_FALSE(view.read_c_string(65537, SIZE_MAX));
}

TEST_F(MemoryViewTest, writes_all_or_nothing) {
    const uint32_t numbers[] = {1, 2, 3};
    EXPECT_FALSE(view.write_array<uint32_t>(65528, numbers));
    EXPECT_FALSE(view.write_string(65534, "abc"));
    EXPECT_FALSE(view.write_c_string(65533, "abc"));
    EXPECT_FALSE((view.write_struct<uint32_t, uint64_t>(65524, {1, 2})));
    EXPECT_EQ(view.read<uint64_t>(65528), 0u);
    EXPECT_TRUE(view.write_string(65533, "abc"));
}

TEST_F(MemoryViewTest, lays_out_structs_as_a_c_compiler_does) {
    using Layout = StructLayout<uint8_t, uint32_t, uint16_t, double, uint8_t>;
    EXPECT_EQ(Layout::offsets, (std::array<size_t, 5>{0, 4, 8, 16, 24}));
    EXPECT_EQ(Layout::size, 32u);
    EXPECT_EQ(Layout::alignment, 8u);
    EXPECT_EQ(StructLayout<>::size, 0u);
    EXPECT_EQ((StructLayout<uint8_t, uint8_t>::size), 2u);
    using Struct = std::tuple<uint8_t, uint32_t, uint16_t, double, uint8_t>;
    const Struct value{7, 70000, 700, 7.5, 77};
    EXPECT_TRUE(view.write_struct(100, value));
    EXPECT_EQ(view.read<uint32_t>(104), 70000u);
    EXPECT_EQ(view.read<double>(116), 7.5);
    EXPECT_EQ((view.read_struct<uint8_t, uint32_t, uint16_t, double, uint8_t>(100)), value);
    EXPECT_FALSE((view.read_struct<uint8_t, double>(65521)));
}

TEST_F(MemoryViewTest, reads_and_writes_arrays) {
    std::array<int16_t, 5> numbers;
    std::iota(numbers.begin(), numbers.end(), int16_t{-2});
    EXPECT_TRUE(view.write_array<int16_t>(1, numbers));
    std::array<int16_t, 5> copy{};
    EXPECT_TRUE(view.read_array<int16_t>(1, copy));
    EXPECT_EQ(copy, numbers);
    EXPECT_TRUE(view.read_array<int16_t>(65536, {}));
}

TEST_F(MemoryViewTest, reads_strings_of_a_given_length) {
    EXPECT_TRUE(view.write_c_string(10, "hello, guest"));
    EXPECT_EQ(text(view.read_string(10, 5, 5)), "hello");
    EXPECT_EQ(text(view.read_string(10, 0, 0)), "");
    EXPECT_EQ(error_of(view.read_string(10, 12, 11)),
              "string too long: 12 bytes at offset 10 (the limit is 11); the memory has 65536");
    EXPECT_EQ(view.read_string(10, 12, 11).error().code(), TrapCode::limit);
}

TEST_F(MemoryViewTest, reads_strings_up_to_their_nul) {
    EXPECT_TRUE(view.write_c_string(10, "hello"));
    EXPECT_EQ(text(view.read_c_string(10, 100)), "hello");
    EXPECT_EQ(text(view.read_c_string(10, 5)), "hello");
    EXPECT_EQ(view.read_c_string(10, 4).error().code(), TrapCode::limit);
    EXPECT_EQ(error_of(view.read_c_string(10, 4)),
              "string too long: more than 4 bytes at offset 10 (the limit is 4); the memory has 65536");
    EXPECT_EQ(error_of(MemoryView::of(memory, 10, 3)->read_c_string(1, 4)),
              "out of bounds memory access: the string at offset 1 is not terminated within 2 bytes, the "
              "view has 3");
    EXPECT_EQ(text(view.read_c_string(15, 0)), "");
    // A string that ends with the memory, with and without its NUL.
    EXPECT_TRUE(view.write_c_string(65532, "end"));
    for (const size_t limit : {size_t{3}, size_t{4}, size_t{5}, SIZE_MAX})
        EXPECT_EQ(text(view.read_c_string(65532, limit)), "end");
    EXPECT_TRUE(view.fill(65535, 1, 'X'));
    EXPECT_EQ(error_of(view.read_c_string(65532, SIZE_MAX)),
              "out of bounds memory access: the string at offset 65532 is not terminated within 4 bytes, the "
              "memory has "
              "65536");
    EXPECT_EQ(view.read_c_string(65532, 3).error().code(), TrapCode::limit);
    EXPECT_FALSE(view.read_c_string(65536, 10));
}

TEST_F(MemoryViewTest, keeps_slices_inside_of_slices) {
    const auto slice = MemoryView::of(memory, 100, 50);
    ASSERT_TRUE(slice);
    EXPECT_EQ(slice->address(), 100u);
    EXPECT_EQ(slice->size(), 50u);
    EXPECT_TRUE(slice->write<uint32_t>(46, 7));
    EXPECT_EQ(view.read<uint32_t>(146), 7u);
    EXPECT_EQ(error_of(slice->write<uint32_t>(47, 7)),
              "out of bounds memory access: 4 bytes at offset 47, the view has 50");
    EXPECT_FALSE(slice->slice(10, 41));
    EXPECT_FALSE(slice->read<uint8_t>(UINT64_MAX - 99)); // would be the memory's first byte
    EXPECT_TRUE(slice->slice(50, 0));
    EXPECT_FALSE(MemoryView::of(memory, 65530, 7));
}

TEST_F(MemoryViewTest, follows_a_memory_that_grows) {
    const auto slice = *MemoryView::of(memory, 65000, 536);
    EXPECT_TRUE(slice.write<uint8_t>(0, 9));
    ASSERT_TRUE(memory.grow(3));
    EXPECT_EQ(view.size(), 4u * 65536);
    EXPECT_TRUE(view.read<uint8_t>(100'000));
    EXPECT_EQ(slice.size(), 536u);
    EXPECT_EQ(slice.read<uint8_t>(0), 9);
    EXPECT_FALSE(slice.read<uint8_t>(536));
}

TEST_F(MemoryViewTest, hands_out_large_ranges_piece_by_piece) {
    for (uint64_t i = 0; i < 1000; ++i)
        ASSERT_TRUE(view.write(50 + i, static_cast<uint8_t>(i)));
    std::array<uint8_t, 64> buffer;
    Vec<uint8_t> all;
    size_t calls = 0;
    const auto read = view.read_chunks(50, 1000, buffer, [&](auto piece) -> std::expected<void, Trap> {
        ++calls;
        EXPECT_LE(piece.size(), buffer.size());
        EXPECT_TRUE(all.append(piece));
        EXPECT_TRUE(calls != 1 || memory.grow(1)); // whatever happens in between
        return {};
    });
    ASSERT_TRUE(read);
    EXPECT_EQ(calls, 16u);
    ASSERT_EQ(all.size(), 1000u);
    for (size_t i = 0; i < all.size(); ++i)
        ASSERT_EQ(all[i], static_cast<uint8_t>(i));

    calls = 0;
    const auto count = [&](auto) -> std::expected<void, Trap> {
        ++calls;
        return std::unexpected{Trap::host("enough")};
    };
    EXPECT_EQ(error_of(view.read_chunks(50, 1000, buffer, count)), "enough");
    EXPECT_EQ(calls, 1u);
    EXPECT_FALSE(view.read_chunks(50, UINT64_MAX, buffer, count));
    EXPECT_EQ(calls, 1u);
}

TEST_F(MemoryViewTest, reports_that_there_is_no_memory_for_a_copy) {
    CountingAllocator counting;
    Engine tight{{.allocator = &counting}};
    Store other{tight};
    const MemoryView small{*Memory::create(other, {{.min = 1}})};
    counting.allow(0);
    EXPECT_EQ(small.read_string(0, 10, 10).error().code(), TrapCode::out_of_memory);
    EXPECT_EQ(text(small.read_c_string(0, 10)), "");
}

} // namespace
} // namespace warpbeam
