#include "plain_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/memory/page_set.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace warpbeam {
namespace {

constexpr size_t page_size = PageSet::page_size;
constexpr uint64_t large = 20; ///< pages of a memory that shares its pages with its copies

using Bytes = std::vector<uint8_t>;

// The sanitizer's own memory grows with what is touched.
#if defined(__SANITIZE_THREAD__)
constexpr bool has_shadow = true;
#elif defined(__has_feature)
[[maybe_unused]] constexpr bool has_shadow = __has_feature(thread_sanitizer);
#else
constexpr bool has_shadow = false;
#endif

Bytes contents(const LinearMemory& memory) { return {memory.data(), memory.data() + memory.size()}; }

/// A number in /proc/self/status, in KiB.
[[maybe_unused]] double status(std::string_view name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name))
            return std::atof(line.c_str() + name.size() + 1);
    return 0;
}
[[maybe_unused]] size_t mappings() {
    std::ifstream file("/proc/self/maps");
    size_t count = 0;
    for (std::string line; std::getline(file, line);)
        ++count;
    return count;
}

/// The images that are mapped, by the numbers of their files.
[[maybe_unused]] std::vector<std::string> mapped_images() {
    std::ifstream file("/proc/self/maps");
    std::vector<std::string> found;
    for (std::string text; std::getline(file, text);)
        if (text.find("warpbeam image") != std::string::npos) {
            const size_t inode = text.find(':', text.find(' ')) + 4;
            found.push_back(text.substr(inode, text.find(' ', inode) - inode));
        }
    std::ranges::sort(found);
    found.erase(std::ranges::unique(found).begin(), found.end());
    return found;
}
[[maybe_unused]] size_t images() { return mapped_images().size(); }

/// Whether there are images, and reservations that they can be mapped into.
[[maybe_unused]] bool has_images() {
    constexpr uint8_t one[] = {1};
    const MemoryImage::Piece piece[] = {{0, one}};
    return MemoryImage::create(piece).has_value() && Reservation::reserve(1).size() != 0;
}

/// Whether memories lie in reservations that take no memory. Machines with 32-bit addresses have no room for
/// them, and an emulator of another machine takes megabytes for each.
[[maybe_unused]] bool has_free_reservations() {
    const double before = status("RssAnon:");
    const auto memory = LinearMemory::create({.initial_pages = 1});
    return memory && memory->has_private_pages() && status("RssAnon:") - before < 1024;
}

/// Each test runs where the system may be asked for pages, and where it may not.
class ForkTest : public ::testing::TestWithParam<bool> {
protected:
    [[nodiscard]] std::optional<LinearMemory> make(uint64_t pages, uint64_t reservation = uint64_t{4} << 30) {
        return LinearMemory::create({.initial_pages = pages,
                                     .max_pages = 10'000,
                                     .reservation = reservation,
                                     .slots = &slots_,
                                     .allocator = &plain_});
    }
    void write(LinearMemory& memory, unsigned count) {
        for (; count != 0; --count)
            memory.data()[random_() % memory.size()] = static_cast<uint8_t>(random_());
    }
    std::mt19937 random_{11};
    test::PlainAllocator plain_{GetParam()};
    MemorySlots slots_{plain_};
};
INSTANTIATE_TEST_SUITE_P(Ways, ForkTest, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "system" : "portable"; });

TEST_P(ForkTest, copies_are_equal_and_independent) {
    for (const uint64_t pages : {uint64_t{0}, uint64_t{1}, uint64_t{5}, large}) {
        auto parent = make(pages);
        ASSERT_TRUE(parent);
        if (pages != 0)
            write(*parent, 200);
        const Bytes before = contents(*parent);
        const uint8_t* const base = parent->data();
        auto child = parent->fork();
        ASSERT_TRUE(child);
        EXPECT_EQ(parent->data(), base);
        EXPECT_EQ(contents(*parent), before);
        EXPECT_EQ(contents(*child), before);
        EXPECT_EQ(child->max_pages(), parent->max_pages());
        if (pages == 0)
            continue;
        write(*parent, 50);
        EXPECT_EQ(contents(*child), before);
        const Bytes after = contents(*parent);
        write(*child, 50);
        EXPECT_EQ(contents(*parent), after);
    }
}

TEST_P(ForkTest, a_block_is_copied) {
    auto parent = make(40, 0);
    ASSERT_TRUE(parent);
    write(*parent, 100);
    const auto child = parent->fork();
    ASSERT_TRUE(child);
    EXPECT_EQ(contents(*child), contents(*parent));
}

#ifdef __linux__
TEST(MemoryImage, may_have_the_number_of_standard_input) {
    const int input = ::dup(STDIN_FILENO);
    ASSERT_EQ(::close(STDIN_FILENO), 0);
    const Bytes ones(3 * page_size, 1);
    const MemoryImage::Piece piece[] = {{5 * page_size, ones}};
    {
        const auto image = MemoryImage::create(piece);
        MemorySlots slots{Allocator::standard()};
        auto memory = LinearMemory::create({.initial_pages = 1, .slots = &slots});
        ASSERT_TRUE(memory);
        if (image && memory->map(*image)) {
            EXPECT_EQ(std::memcmp(memory->data() + 5 * page_size, ones.data(), ones.size()), 0);
        }
    }
    EXPECT_EQ(::dup2(input, STDIN_FILENO), STDIN_FILENO);
    EXPECT_EQ(::close(input), 0);
}
#endif

TEST_P(ForkTest, the_initial_image_is_copied_too) {
    const Bytes ones(3 * page_size, 1);
    const MemoryImage::Piece pieces[] = {{5 * page_size, ones}, {20 * page_size + 7, ones}};
    const auto image = MemoryImage::create(pieces);
    if (!has_images() || !image)
        GTEST_SKIP() << "no images here";
    for (const uint64_t pages : {uint64_t{3}, large}) {
        auto parent = make(pages);
        ASSERT_TRUE(parent && parent->map(*image));
        parent->data()[6 * page_size] = 0;
        std::memset(parent->data() + 7 * page_size, 0, page_size); // at the edge of the pages in use
        std::memset(parent->data() + 5 * page_size, 0, page_size);
        parent->data()[60 * page_size / 2] = 9;
        const Bytes before = contents(*parent);
        auto child = parent->fork();
        ASSERT_TRUE(child);
        EXPECT_EQ(contents(*parent), before);
        EXPECT_EQ(contents(*child), before);
        std::memset(parent->data() + 6 * page_size, 0, page_size);
        auto other = parent->fork();
        ASSERT_TRUE(other);
        EXPECT_EQ(contents(*other), contents(*parent));
    }
}

TEST_P(ForkTest, zeros_over_shared_pages_are_copied) {
    auto parent = make(large);
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    const auto first = parent->fork();
    std::memset(parent->data() + 3 * page_size, 0, 10 * page_size);
    const auto second = parent->fork();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(contents(*second), contents(*parent));
    EXPECT_EQ(contents(*first), Bytes(first->size(), 1));
}

TEST_P(ForkTest, copies_grow_and_reset_on_their_own) {
    auto parent = make(large, 1); // grows out of its reservation at once
    ASSERT_TRUE(parent);
    write(*parent, 100);
    const Bytes before = contents(*parent);
    auto child = parent->fork();
    ASSERT_TRUE(child && child->grow(50) && parent->grow(20));
    for (LinearMemory* const either : {&*parent, &*child}) {
        Bytes grown = before;
        grown.resize(either->size());
        EXPECT_EQ(contents(*either), grown);
        write(*either, 100);
    }
    const Bytes of_child = contents(*child);
    auto grandchild = child->fork();
    ASSERT_TRUE(grandchild);
    EXPECT_EQ(contents(*grandchild), of_child);
    ASSERT_TRUE(child->reset());
    EXPECT_EQ(contents(*child), Bytes(large * 65536));
    ASSERT_TRUE(child->grow(50));
    EXPECT_EQ(contents(*child), Bytes((large + 50) * 65536));
    EXPECT_EQ(contents(*grandchild), of_child);
    write(*child, 100);
    const auto other = child->fork();
    ASSERT_TRUE(other);
    EXPECT_EQ(contents(*other), contents(*child));
    ASSERT_TRUE(grandchild->reset() && parent->reset());
    EXPECT_EQ(contents(*grandchild), contents(*parent));
}

TEST_P(ForkTest, an_image_can_be_mapped_after_a_reset) {
    const Bytes ones(3 * page_size, 1);
    const MemoryImage::Piece pieces[] = {{5 * page_size, ones}};
    const auto image = MemoryImage::create(pieces);
    if (!has_images() || !image)
        GTEST_SKIP() << "no images here";
    auto parent = make(large);
    ASSERT_TRUE(parent && parent->map(*image));
    write(*parent, 300);
    auto child = parent->fork();
    ASSERT_TRUE(child);
    if (child->is_frozen()) {
        EXPECT_FALSE(child->map(*image)) << "it is not all zeros";
    }
    for (LinearMemory* const either : {&*parent, &*child}) {
        ASSERT_TRUE(either->reset() && either->map(*image));
        Bytes expected(either->size());
        std::copy(ones.begin(), ones.end(), expected.begin() + 5 * page_size);
        EXPECT_EQ(contents(*either), expected);
    }
}

TEST_P(ForkTest, the_last_page_may_be_short) {
    auto parent = LinearMemory::create({.page_size_log2 = 0,
                                        .initial_pages = (2 << 20) + 5,
                                        .max_pages = 3 << 20,
                                        .slots = &slots_,
                                        .allocator = &plain_});
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    for (int i = 0; i < 5; ++i) {
        Bytes before = contents(*parent);
        auto copy = parent->fork();
        ASSERT_TRUE(copy);
        EXPECT_EQ(contents(*copy), before);
        ASSERT_TRUE(parent->grow(1000) && copy->grow(1000));
        before.resize(parent->size());
        EXPECT_EQ(contents(*copy), before);
        EXPECT_EQ(contents(*parent), before);
        std::memset(parent->data() + parent->size() - 1500, i, 1500);
    }
}

TEST_P(ForkTest, any_member_of_a_family_may_end_first) {
    struct Member {
        LinearMemory memory;
        Bytes expected;
    };
    const auto check = [](const Member& member) {
        return std::memcmp(member.memory.data(), member.expected.data(), member.expected.size()) == 0;
    };
    for (unsigned seed = 0; seed < 3; ++seed) {
        random_.seed(seed);
        std::vector<std::unique_ptr<Member>> family;
        auto first = make(large);
        ASSERT_TRUE(first);
        family.push_back(std::make_unique<Member>(std::move(*first), Bytes(large * 65536)));
        for (int round = 0; round < 80; ++round) {
            Member& member = *family[random_() % family.size()];
            switch (random_() % 4) {
            case 0:
            case 1:
                for (auto writes = random_() % 40; writes != 0; --writes) {
                    const size_t at = random_() % (member.expected.size() - 20'000);
                    const auto value = static_cast<int>(random_() % 3);
                    const size_t length = random_() % 20'000;
                    std::memset(member.memory.data() + at, value, length);
                    std::memset(member.expected.data() + at, value, length);
                }
                break;
            case 2:
                if (auto copy = member.memory.fork(); copy && family.size() < 6)
                    family.push_back(std::make_unique<Member>(std::move(*copy), member.expected));
                break;
            default:
                if (family.size() > 1) {
                    std::swap(family[random_() % family.size()], family.back());
                    family.pop_back();
                }
            }
            for (const auto& each : family)
                ASSERT_TRUE(check(*each)) << "round " << round;
        }
    }
}

TEST_P(ForkTest, every_failure_leaves_both_intact) {
    const Bytes ones(30 * page_size, 1);
    const MemoryImage::Piece pieces[] = {{5 * page_size, ones}};
    const auto image = MemoryImage::create(pieces);
    for (const bool only_one : {false, true})
        for (size_t n = 0;; ++n) {
            plain_.allow(SIZE_MAX);
            const size_t live = plain_.live();
            {
                auto parent = make(large);
                ASSERT_TRUE(parent);
                if (image && has_images()) {
                    ASSERT_TRUE(parent->map(*image));
                }
                write(*parent, 300);
                std::optional<LinearMemory> copies[3];
                only_one ? plain_.refuse_one(n) : plain_.allow(n);
                for (std::optional<LinearMemory>& copy : copies) {
                    const Bytes before = contents(*parent);
                    if (auto made = parent->fork()) {
                        EXPECT_EQ(contents(*made), before);
                        copy.emplace(std::move(*made));
                    }
                    EXPECT_EQ(contents(*parent), before);
                    write(*parent, 3);
                }
                const Bytes before = contents(*parent);
                if (parent->reset()) {
                    EXPECT_EQ(parent->size(), large * 65536);
                } else {
                    EXPECT_EQ(contents(*parent), before);
                }
            }
            EXPECT_LE(plain_.live(), live + (size_t{1} << 20)) << "slabs may be kept";
            if (plain_.calls() <= n)
                break;
        }
    plain_.allow(SIZE_MAX);
}

TEST_P(ForkTest, copies_may_live_on_other_threads) {
    auto parent = make(large);
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        auto copy = std::make_shared<LinearMemory>(*parent->fork());
        ++parent->data()[page_size];
        threads.emplace_back([copy, i] {
            EXPECT_EQ(copy->data()[page_size], 1 + i);
            for (int round = 0; round < 5; ++round) {
                std::memset(copy->data() + 3 * page_size, round, 9 * page_size);
                const auto inner = copy->fork();
                ASSERT_TRUE(inner);
                EXPECT_EQ(inner->data()[4 * page_size], round);
                EXPECT_EQ(inner->data()[20 * page_size], 1);
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
}

TEST(Fork, counts_both_memories) {
    if (Reservation::reserve(1).size() == 0)
        GTEST_SKIP() << "no address space to reserve here";
    AccountingAllocator counted{Allocator::standard(), 4 << 20};
    auto parent = LinearMemory::create({.initial_pages = large, .allocator = &counted});
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    const auto child = parent->fork();
    ASSERT_TRUE(child);
    EXPECT_EQ(counted.committed().live, 2 * large * 65536);
    EXPECT_TRUE(parent->fork());
    const auto third = parent->fork();
    EXPECT_TRUE(third);
    EXPECT_FALSE(parent->fork()) << "more than the limit";
    EXPECT_EQ(contents(*third), Bytes(large * 65536, 1));
}

TEST(Fork, guarded_copies_are_guarded) {
    auto parent = LinearMemory::create({.initial_pages = large, .guarded = true});
    if (!parent)
        GTEST_SKIP() << "no guard pages here";
    AccountingAllocator counted;
    auto small = LinearMemory::create({.initial_pages = 1, .guarded = true, .allocator = &counted});
    parent->data()[7] = 1;
    const auto child = parent->fork();
    const auto other = small->fork();
    ASSERT_TRUE(child && other);
    EXPECT_EQ(child->data()[7], 1);
    EXPECT_GE(counted.reserved().live, 2 * LinearMemory::guarded_size);
}

#ifdef __linux__
TEST(Fork, closes_all_files) {
    const auto lowest_free = [] {
        const int file = open("/dev/null", O_RDONLY);
        close(file);
        return file;
    };
    const int before = lowest_free();
    {
        auto parent = LinearMemory::create({.initial_pages = large});
        ASSERT_TRUE(parent);
        for (int i = 0; i < 3; ++i) {
            parent->data()[0] = 1;
            EXPECT_TRUE(parent->fork());
        }
    }
    EXPECT_EQ(lowest_free(), before);
}

TEST(Fork, a_thousand_copies_share_their_pages) {
    if (!has_images() || (!has_shadow && !has_free_reservations()))
        GTEST_SKIP() << "no images here, or reservations take memory";
    auto parent = LinearMemory::create({.initial_pages = 1024});
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    const double resident = status("VmRSS:");
    const size_t mapped = mappings();
    std::vector<LinearMemory> copies;
    copies.reserve(1000);
    for (size_t i = 0; i < 1000; ++i) {
        auto copy = parent->fork();
        ASSERT_TRUE(copy);
        copy->data()[i * page_size] = 2;
        copies.push_back(std::move(*copy));
    }
    if (!has_shadow) {
        EXPECT_LE(status("VmRSS:") - resident, 64 * 1024) << "64 GB are shared";
    }
    EXPECT_LE(mappings() - mapped, 4000u);
    for (size_t i = 0; i < 1000; ++i)
        EXPECT_TRUE(copies[i].data()[i * page_size] == 2 && copies[i].data()[(i + 1) * page_size] == 1);
}

/// A line of copies, each of which writes a few pages; all of them live.
TEST(Fork, a_long_line_of_copies_has_few_images) {
    if (!has_images() || (!has_shadow && !has_free_reservations()))
        GTEST_SKIP() << "no images here, or reservations take memory";
    constexpr size_t count = 1600;
    constexpr size_t generations = 200;
    std::deque<LinearMemory> line;
    auto first = LinearMemory::create({.initial_pages = 100});
    ASSERT_TRUE(first);
    std::memset(first->data(), 1, first->size());
    line.push_back(std::move(*first));
    const double resident = status("RssAnon:");
    const size_t mapped = mappings();
    std::mt19937 random{1};
    for (size_t i = 0; i < generations; ++i) {
        for (size_t k = 0; k < count / 100; ++k)
            line.back().data()[random() % count * page_size] = static_cast<uint8_t>(i);
        auto next = line.back().fork();
        ASSERT_TRUE(next);
        ASSERT_EQ(std::memcmp(next->data(), line.back().data(), next->size()), 0);
        line.push_back(std::move(*next));
    }
    EXPECT_LE(mappings() - mapped, 4 * generations);
    EXPECT_LE(images(), 25u);
    if (!has_shadow) {
        EXPECT_LE(status("RssAnon:") - resident, 25 * count * page_size / 1024);
    }
    // Those that end take their images along.
    while (line.size() > 2)
        line.pop_front();
    EXPECT_LE(images(), 2u);
}

/// One that outlives each of its copies always puts what it wrote into the same image.
TEST(Fork, a_memory_without_relatives_keeps_its_image) {
    if (!has_images())
        GTEST_SKIP() << "no images here";
    auto parent = LinearMemory::create({.initial_pages = large});
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    ASSERT_TRUE(parent->fork());
    std::string image = mapped_images().front();
    for (int i = 0; i < 100; ++i) {
        std::memset(parent->data() + i * 3 * 4096, i, 20'000);
        const Bytes before = contents(*parent);
        const auto copy = parent->fork();
        ASSERT_TRUE(copy);
        ASSERT_TRUE(contents(*copy) == before && contents(*parent) == before);
        ASSERT_EQ(mapped_images(), std::vector{image});
    }
}

TEST(Fork, other_processes_keep_their_contents) {
    auto parent = LinearMemory::create({.initial_pages = large});
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    ASSERT_TRUE(parent->fork());
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t other = fork();
    if (other == 0) {
        char byte = 0;
        const bool told = read(ends[0], &byte, 1) == 1;
        _exit(told && contents(*parent) == Bytes(large * 65536, 1) ? 0 : 1);
    }
    std::memset(parent->data(), 2, 20 * page_size);
    EXPECT_TRUE(parent->fork());
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    int status = 1;
    ASSERT_EQ(waitpid(other, &status, 0), other);
    EXPECT_EQ(status, 0);
    close(ends[0]);
    close(ends[1]);
}

TEST(Fork, works_without_files) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    auto parent = LinearMemory::create({.initial_pages = large});
    ASSERT_TRUE(parent);
    std::memset(parent->data(), 1, parent->size());
    rlimit none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    auto child = parent->fork();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_TRUE(child);
    EXPECT_FALSE(child->is_frozen());
    EXPECT_EQ(contents(*child), Bytes(large * 65536, 1));
}
#endif

} // namespace
} // namespace warpbeam
