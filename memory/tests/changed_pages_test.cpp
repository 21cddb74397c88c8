#include "plain_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/changed_pages.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#ifdef __linux__
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace warpbeam {
namespace {

constexpr size_t page_size = PageSet::page_size;

std::vector<size_t> list(const PageSet& pages) {
    std::vector<size_t> found;
    for (size_t page = pages.next(0); page < pages.pages(); page = pages.next(page + 1))
        found.push_back(page);
    return found;
}

using Pages = std::vector<size_t>;

/// Each test runs where the system may be asked, and where it may not.
class ChangedPagesTest : public ::testing::TestWithParam<bool> {
protected:
    [[nodiscard]] LinearMemory memory(uint64_t wasm_pages) {
        auto made =
            LinearMemory::create({.initial_pages = wasm_pages, .slots = &slots_, .allocator = &plain_});
        EXPECT_TRUE(made);
        return std::move(*made);
    }
    [[nodiscard]] Pages changed(const LinearMemory& memory,
                                std::span<const MemoryImage::Piece> initial = {}) {
        PageSet pages;
        EXPECT_TRUE(find_changed(memory, initial, pages));
        return list(pages);
    }
    [[nodiscard]] PageMark mark(const LinearMemory& memory) {
        auto made = PageMark::set(memory, plain_);
        EXPECT_TRUE(made);
        return std::move(*made);
    }
    [[nodiscard]] static Pages since(PageMark& mark, const LinearMemory& memory, bool move = false) {
        PageSet pages;
        EXPECT_TRUE(mark.find(memory, pages, move));
        return list(pages);
    }
    [[nodiscard]] static Pages all(const LinearMemory& memory) {
        Pages pages(static_cast<size_t>(memory.size()) / page_size);
        for (size_t i = 0; i < pages.size(); ++i)
            pages[i] = i;
        return pages;
    }

    test::PlainAllocator plain_{GetParam()};
    MemorySlots slots_{plain_};
};
INSTANTIATE_TEST_SUITE_P(Ways, ChangedPagesTest, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "system" : "portable"; });

TEST_P(ChangedPagesTest, finds_pages_that_are_not_zeros) {
    for (const uint64_t wasm_pages : {1u, 3u, 100u}) {
        auto written = memory(wasm_pages);
        EXPECT_EQ(changed(written), Pages{});
        written.data()[5 * page_size] = 1;
        written.data()[6 * page_size - 1] = 1;
        written.data()[written.size() - 1] = 1;
        written.data()[7 * page_size] = 0;
        EXPECT_EQ(changed(written), (Pages{5, static_cast<size_t>(written.size()) / page_size - 1}));
    }
    EXPECT_EQ(changed(memory(0)), Pages{});
}

TEST_P(ChangedPagesTest, knows_the_initial_contents) {
    const std::vector<uint8_t> ones(3 * page_size, 1);
    const std::vector<uint8_t> twos(10, 2);
    const MemoryImage::Piece initial[] = {
        {page_size / 2, ones}, {2 * page_size, twos}, {10 * page_size, twos}, {15 * page_size, {}}};
    for (const uint64_t wasm_pages : {1u, 100u})
        for (const bool maps : {false, true}) {
            const auto image = MemoryImage::create(initial);
            auto written = memory(wasm_pages);
            EXPECT_EQ(changed(written, initial), (Pages{0, 1, 2, 3, 10}));
            if (maps && (!image || !written.map(*image)))
                continue;
            if (!maps)
                for (const auto& piece : initial)
                    std::copy(piece.bytes.begin(), piece.bytes.end(), written.data() + piece.offset);
            EXPECT_EQ(changed(written, initial), Pages{});
            EXPECT_EQ(changed(written), (Pages{0, 1, 2, 3, 10})) << "even without the right pieces";
            written.data()[10 * page_size] = 0;
            written.data()[page_size] = 1; // the same
            written.data()[2 * page_size + 20] = 0;
            written.data()[4 * page_size] = 3;
            EXPECT_EQ(changed(written, initial), (Pages{2, 4, 10}));
        }
}

TEST_P(ChangedPagesTest, pieces_may_be_anywhere) {
    const std::vector<uint8_t> ones(2 * page_size, 1);
    auto small = memory(1);
    const MemoryImage::Piece initial[] = {
        {65536 - page_size, ones}, {65536, ones}, {65536 + 3 * page_size, ones}, {UINT64_MAX - 5, ones}};
    EXPECT_EQ(changed(small, initial), (Pages{15}));
    std::memset(small.data() + 65536 - page_size, 1, page_size);
    EXPECT_EQ(changed(small, initial), Pages{});
}

TEST_P(ChangedPagesTest, pages_may_have_one_byte) {
    auto bytes = LinearMemory::create(
        {.page_size_log2 = 0, .initial_pages = 5000, .max_pages = 9000, .allocator = &plain_});
    ASSERT_TRUE(bytes);
    PageMark hashed = mark(*bytes);
    EXPECT_EQ(since(hashed, *bytes), Pages{});
    bytes->data()[4999] = 1;
    EXPECT_EQ(changed(*bytes), (Pages{1}));
    EXPECT_EQ(since(hashed, *bytes, true), (Pages{1}));
    ASSERT_TRUE(bytes->grow(3999));
    EXPECT_EQ(since(hashed, *bytes, true), Pages{});
    bytes->data()[8998] = 1;
    EXPECT_EQ(since(hashed, *bytes), (Pages{2}));
}

TEST_P(ChangedPagesTest, a_mark_finds_what_was_written_since) {
    for (const uint64_t wasm_pages : {1u, 100u}) {
        auto written = memory(wasm_pages);
        std::memset(written.data() + page_size, 7, 5 * page_size);
        PageMark marked = mark(written);
        EXPECT_EQ(since(marked, written), Pages{});
        written.data()[2 * page_size] = 8;
        written.data()[10 * page_size] = 8;
        EXPECT_EQ(written.data()[12 * page_size], 0);
        EXPECT_EQ(since(marked, written), (Pages{2, 10}));
        EXPECT_EQ(since(marked, written, true), (Pages{2, 10}));
        EXPECT_EQ(since(marked, written), Pages{});
        std::memset(written.data(), 0, 4 * page_size);
        EXPECT_EQ(since(marked, written, true).back(), 3u);
        EXPECT_EQ(since(marked, written, true), Pages{});
        EXPECT_EQ(changed(written), (Pages{4, 5, 10}));
    }
}

TEST_P(ChangedPagesTest, a_mark_finds_new_pages_that_are_written) {
    for (const uint64_t wasm_pages : {2u, 100u}) {
        auto grown = memory(wasm_pages);
        const size_t before = static_cast<size_t>(grown.size()) / page_size;
        grown.data()[page_size] = 1;
        PageMark marked = mark(grown);
        ASSERT_TRUE(grown.grow(1));
        EXPECT_EQ(since(marked, grown), Pages{});
        grown.data()[grown.size() - page_size] = 1;
        grown.data()[0] = 1;
        EXPECT_EQ(since(marked, grown), (Pages{0, before + 15}));
        EXPECT_EQ(since(marked, grown, true), (Pages{0, before + 15}));
        EXPECT_EQ(since(marked, grown), Pages{});
        grown.data()[grown.size() - 1] = 2;
        EXPECT_EQ(since(marked, grown), (Pages{before + 15}));
    }
}

TEST_P(ChangedPagesTest, a_mark_survives_a_reset_and_a_move) {
    auto moved = LinearMemory::create({.initial_pages = 40, .reservation = 1, .allocator = &plain_});
    ASSERT_TRUE(moved);
    moved->data()[page_size] = 1;
    PageMark marked = mark(*moved);
    ASSERT_TRUE(moved->grow(60)); // beyond the reservation
    moved->data()[2 * page_size] = 1;
    const Pages found = since(marked, *moved, true);
    EXPECT_TRUE(std::ranges::binary_search(found, 2));
    EXPECT_EQ(since(marked, *moved), Pages{});
    ASSERT_TRUE(moved->reset());
    const Pages again = since(marked, *moved, true);
    EXPECT_TRUE(std::ranges::binary_search(again, 1) && std::ranges::binary_search(again, 2));
    EXPECT_EQ(since(marked, *moved), Pages{});
    moved->data()[5 * page_size] = 1;
    EXPECT_EQ(since(marked, *moved), (Pages{5}));
}

TEST_P(ChangedPagesTest, two_marks_find_what_was_written_since_each) {
    // The system watches for one of them only.
    auto written = memory(100);
    PageMark first = mark(written);
    written.data()[2 * page_size] = 1;
    PageMark second = mark(written);
    EXPECT_FALSE(second.is_watching());
    written.data()[3 * page_size] = 1;
    EXPECT_EQ(since(second, written, true), (Pages{3}));
    EXPECT_EQ(since(first, written), (Pages{2, 3}));
    written.data()[4 * page_size] = 1;
    EXPECT_EQ(since(second, written), (Pages{4}));
    EXPECT_EQ(since(first, written), (Pages{2, 3, 4}));
}

TEST_P(ChangedPagesTest, a_mark_survives_a_fork) {
    auto parent = memory(100);
    std::memset(parent.data(), 1, parent.size());
    PageMark marked = mark(parent);
    parent.data()[3 * page_size] = 2;
    auto child = parent.fork();
    ASSERT_TRUE(child);
    parent.data()[4 * page_size] = 2;
    child->data()[5 * page_size] = 2;
    const Pages found = since(marked, parent, true);
    EXPECT_TRUE(std::ranges::binary_search(found, 3) && std::ranges::binary_search(found, 4));
    EXPECT_EQ(changed(parent), all(parent));
    EXPECT_EQ(changed(*child), all(*child));
    PageMark of_child = mark(*child);
    child->data()[6 * page_size] = 2;
    parent.data()[7 * page_size] = 2;
    EXPECT_EQ(since(of_child, *child), (Pages{6}));
    EXPECT_EQ(since(marked, parent), (Pages{7}));
}

TEST_P(ChangedPagesTest, agrees_with_copies_over_random_writes) {
    std::mt19937 random{5};
    auto written = memory(32);
    const size_t size = static_cast<size_t>(written.size());
    PageMark marked = mark(written);
    std::vector<uint8_t> at_mark(size);
    for (int round = 0; round < 100; ++round) {
        for (auto writes = random() % 50; writes != 0; --writes) {
            const size_t at = random() % size;
            std::memset(written.data() + at, static_cast<int>(random() % 3),
                        std::min(size - at, size_t{random() % 9000}));
        }
        Pages differing;
        Pages nonzero;
        const std::vector<uint8_t> zeros(page_size);
        for (size_t page = 0; page * page_size < size; ++page) {
            const uint8_t* const at = written.data() + page * page_size;
            if (std::memcmp(at, at_mark.data() + page * page_size, page_size) != 0)
                differing.push_back(page);
            if (std::memcmp(at, zeros.data(), page_size) != 0)
                nonzero.push_back(page);
        }
        const bool move = random() % 2 == 0;
        const Pages found = since(marked, written, move);
        EXPECT_TRUE(std::ranges::includes(found, differing));
        if (!marked.is_watching()) {
            EXPECT_EQ(found, differing);
        }
        EXPECT_EQ(changed(written), nonzero);
        if (move)
            at_mark.assign(written.data(), written.data() + size);
    }
}

TEST_P(ChangedPagesTest, survives_every_failure) {
    auto written = memory(32);
    for (size_t page = 0; page < 100; page += 2)
        written.data()[page * page_size] = 1;
    for (size_t refused = 0;; ++refused) {
        plain_.refuse_one(refused);
        PageSet pages{plain_};
        auto marked = PageMark::set(written, plain_);
        if (marked) {
            written.data()[2 * page_size] ^= 2;
            for (int tries = 0; tries < 2; ++tries)
                if (marked->find(written, pages, true)) {
                    EXPECT_TRUE(pages.has(2) || tries != 0);
                }
            (void)written.grow(1);
            for (int tries = 0; tries < 2; ++tries)
                (void)marked->find(written, pages, true);
            written.data()[4 * page_size] ^= 2;
            if (marked->find(written, pages, true)) {
                EXPECT_TRUE(pages.has(4));
            }
        }
        if (find_changed(written, {}, pages)) {
            EXPECT_EQ(pages.count(), 50u);
        }
        if (plain_.calls() <= refused)
            break;
    }
    plain_.allow(SIZE_MAX);
}

#ifdef __linux__
TEST_P(ChangedPagesTest, a_mark_notes_what_the_system_writes) {
    auto written = memory(100);
    PageMark marked = mark(written);
    const int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(file, 0);
    written.data()[8 * page_size] = 1;
    (void)since(marked, written, true);
    EXPECT_EQ(read(file, written.data() + 8 * page_size, 10), 10);
    close(file);
    EXPECT_EQ(since(marked, written), (Pages{8}));
}

TEST_P(ChangedPagesTest, a_mark_works_in_a_forked_process) {
    auto written = memory(100);
    written.data()[page_size] = 1;
    PageMark marked = mark(written);
    const pid_t child = fork();
    if (child == 0) {
        PageSet pages;
        written.data()[7 * page_size] = 1;
        bool right = marked.find(written, pages, true) && pages.has(7);
        written.data()[9 * page_size] = 1;
        right = right && marked.find(written, pages, false) && pages.has(9);
        _exit(right ? 0 : 1);
    }
    int status = 1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    written.data()[11 * page_size] = 1;
    EXPECT_EQ(since(marked, written), (Pages{11}));
}
#endif

} // namespace
} // namespace warpbeam
