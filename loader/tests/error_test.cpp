#include <gtest/gtest.h>
#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/allocator.hpp>

#include <expected>
#include <string>

namespace warpbeam {
namespace {

/// Counts its blocks, and can be told to run out of memory.
class CountingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (exhausted)
            return nullptr;
        ++taken;
        ++alive;
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        --alive;
        standard().deallocate(block, size, alignment);
    }
    bool exhausted = false;
    int taken = 0;
    int alive = 0;
};

static_assert(sizeof(Error) <= 24);
static_assert(sizeof(std::expected<Module, Error>) <= 32);

TEST(Error, keeps_long_messages_whole) {
    const std::string long_text(5000, 'x');
    const Error error{ErrorCode::usage, "<%s>", long_text.c_str()};
    EXPECT_EQ(error.message(), "<" + long_text + ">");
}

TEST(Error, keeps_messages_of_every_length_whole) {
    for (size_t size = 1; size < 600; ++size) {
        const std::string text(size, 'x');
        const Error error{ErrorCode::usage, "%s", text.c_str()};
        ASSERT_EQ(error.message(), text);
    }
}

TEST(Error, escapes_names) {
    Error error{ErrorCode::usage, "no export `%s`", "\x1b[2J\n"};
    EXPECT_EQ(error.message(), "no export `\\1b[2J\\0a`");
    error.add(", %s", "\xc2\x9b").add_line("%s", "next\n");
    EXPECT_EQ(error.message(), "no export `\\1b[2J\\0a`, \\u{9b}\nnext\\0a");
}

TEST(Error, copies_share_the_message_until_one_is_changed) {
    CountingAllocator allocator;
    {
        Error first{allocator, ErrorCode::limit, "%d pages", 3};
        first.add_line("second line").at(7).in_function(2);
        const int taken = allocator.taken;
        Error second = first;
        EXPECT_EQ(allocator.taken, taken);
        EXPECT_EQ(second.message().data(), first.message().data());
        second.add(", more");
        EXPECT_EQ(first.message(), "3 pages\nsecond line");
        EXPECT_EQ(second.message(), "3 pages\nsecond line, more");
        EXPECT_EQ(second.code(), ErrorCode::limit);
        EXPECT_EQ(second.offset(), 7u);
        EXPECT_EQ(second.function(), 2u);
        first = second;
        EXPECT_EQ(first.message(), second.message());
        const Error third = std::move(first);
        EXPECT_EQ(third.message(), second.message());
    }
    EXPECT_EQ(allocator.alive, 0);
}

TEST(Error, out_of_memory_needs_no_memory) {
    CountingAllocator allocator;
    allocator.exhausted = true;
    EXPECT_EQ(Error{ErrorCode::out_of_memory}.message(), "out of memory");
    const Error error{allocator, ErrorCode::limit, "%d pages", 3};
    EXPECT_EQ(error.code(), ErrorCode::limit);
    EXPECT_EQ(error.message(), "limit exceeded");
    EXPECT_EQ(Error{ErrorCode::out_of_memory}.add(" for %d pages", 3).message(), "out of memory for 3 pages");
}

TEST(Error, load_errors_use_the_allocator_of_the_load) {
    CountingAllocator allocator;
    const uint8_t bytes[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 0x0d, 0};
    {
        const auto module = Module::load(bytes, {.allocator = &allocator});
        ASSERT_FALSE(module);
        EXPECT_GT(allocator.alive, 0);
        EXPECT_NE(module.error().message(), text_of(module.error().code()));
    }
    EXPECT_EQ(allocator.alive, 0);
}

} // namespace
} // namespace warpbeam
