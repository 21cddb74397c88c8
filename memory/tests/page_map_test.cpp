#include "plain_allocator.hpp"
#include "platform.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/changed_pages.hpp>
#include <warpbeam/memory/reservation.hpp>

#ifdef __linux__
#include <cstdlib>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>
#include <vector>
#endif

namespace warpbeam {
namespace {

#ifdef __linux__

/// How many pages are written, and as many are not.
constexpr size_t written = 8;

/// Whether the system notes writes without telling anyone.
bool can_watch() {
    const auto file = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1));
    if (file < 0)
        return false;
    uffdio_api api{};
    api.api = UFFD_API;
    api.features = 1u << 13 | 1u << 15;
    const bool can = syscall(SYS_ioctl, file, UFFDIO_API, &api) == 0;
    close(file);
    return can;
}

/// The entries of the page map; empty if it can't be read.
std::vector<uint64_t> entries_from(const uint8_t* base, size_t count, size_t host_page) {
    const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    std::vector<uint64_t> entries(count);
    const auto offset = static_cast<off_t>(reinterpret_cast<uintptr_t>(base) / host_page * sizeof(uint64_t));
    const size_t bytes = count * sizeof(uint64_t);
    if (pread(file, entries.data(), bytes, offset) != static_cast<ssize_t>(bytes))
        entries.clear();
    close(file);
    return entries;
}

TEST(PageMap, is_believed_only_if_all_pages_fit) {
    constexpr uint64_t own = uint64_t{1} << 63, swapped = uint64_t{1} << 62, of_file = uint64_t{1} << 61,
                       other_flag = uint64_t{1} << 57;
    std::vector<uint64_t> entries(2 * written);
    for (size_t page = 0; page < written; ++page)
        entries[page] = own | (page + 1);
    EXPECT_TRUE(is_plausible(entries));
    for (size_t page = 0; page < written; ++page)
        for (const uint64_t wrong : {uint64_t{0}, own | of_file, own | other_flag}) {
            const uint64_t right = std::exchange(entries[page], wrong);
            EXPECT_FALSE(is_plausible(entries)) << page;
            entries[page] = right;
        }
    for (size_t page = written; page < 2 * written; ++page)
        for (const uint64_t wrong : {own, swapped}) {
            entries[page] = wrong;
            EXPECT_FALSE(is_plausible(entries)) << page;
            entries[page] = 0;
        }
    EXPECT_TRUE(is_plausible(entries));
}

/// Room for pages, of which the first are committed and were written; of no size if there is no room.
Reservation written_pages() {
    const size_t host_page = Reservation::round_up(1);
    Reservation room = Reservation::reserve(2 * written * host_page);
    if (room.size() == 0 || !room.commit(written * host_page))
        return {};
    for (size_t page = 0; page < written; ++page)
        static_cast<volatile uint8_t*>(room.base())[page * host_page] = 1;
    return room;
}

/// Whether the page map is about such pages.
bool is_right_about(const Reservation& room) {
    const auto entries = entries_from(room.base(), 2 * written, Reservation::round_up(1));
    return !entries.empty() && is_plausible(entries);
}

TEST(PageMap, is_used_where_it_is_right) {
    const Reservation room = written_pages();
    if (room.size() == 0)
        GTEST_SKIP() << "no address space to reserve here";
    PageSet pages;
    ASSERT_TRUE(pages.start(room.committed()));
    const bool is_used = add_own_pages(room.base(), pages);
    EXPECT_EQ(is_used, is_right_about(room));
    if (is_used) {
        EXPECT_EQ(pages.count(), pages.pages());
    }
}

TEST(PageMap, the_system_watches_where_it_can) {
    test::PlainAllocator plain{true};
    const auto large = LinearMemory::create({.initial_pages = 100, .allocator = &plain});
    const auto small = LinearMemory::create({.initial_pages = 16, .allocator = &plain});
    ASSERT_TRUE(large && small);
    const auto of_large = PageMark::set(*large, plain);
    const auto of_small = PageMark::set(*small, plain);
    ASSERT_TRUE(of_large && of_small);
    EXPECT_EQ(of_large->is_watching(),
              large->has_private_pages() && Reservation::reserve(1).size() != 0 && can_watch());
    EXPECT_FALSE(of_small->is_watching()) << "a MiB has hashes";
}

/// The pages of address space that the process has.
unsigned long mapped_pages() {
    char text[64] = {};
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const bool has_text = read(file, text, sizeof text - 1) > 0;
    close(file);
    return has_text ? std::strtoul(text, nullptr, 10) : 0;
}

TEST(PageMapDeathTest, is_tried_again_when_there_is_room_for_it) {
    // In a process of its own, which has not tried it yet.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto run = [] {
        Reservation room = written_pages();
        PageSet pages;
        rlimit before{};
        if (!pages.start(room.committed()) || getrlimit(RLIMIT_DATA, &before) != 0)
            std::_Exit(41);
        const rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max}; // for 0, Linux takes the other
        if (setrlimit(RLIMIT_DATA, &none) != 0 || room.commit(room.size()))
            std::_Exit(41); // the limit does not count here
        const unsigned long mapped = mapped_pages();
        bool right = true;
        for (int i = 0; i < 3; ++i)
            right &= !add_own_pages(room.base(), pages);
        right &= mapped_pages() == mapped;
        right &= setrlimit(RLIMIT_DATA, &before) == 0;
        right &= add_own_pages(room.base(), pages) == is_right_about(room);
        std::_Exit(right ? 42 : 43);
    };
    const auto is_right = [](int status) {
        return ::testing::ExitedWithCode(42)(status) || ::testing::ExitedWithCode(41)(status);
    };
    EXPECT_EXIT(run(), is_right, "");
}

TEST(PageMapDeathTest, descriptor_zero_is_one_like_the_others) {
    const auto run = [] {
        const auto is_closed = [] { return fcntl(STDIN_FILENO, F_GETFD) == -1; };
        test::PlainAllocator plain{true};
        auto memory = LinearMemory::create({.initial_pages = 100, .allocator = &plain});
        PageSet pages;
        const auto size = static_cast<size_t>(memory->size());
        bool right = pages.start(size);
        const bool has_map = add_own_pages(memory->data(), pages);
        bool watches = false;
        {
            // The page map is opened as number 0.
            auto marked = PageMark::set(*memory, plain);
            watches = marked->is_watching();
            memory->data()[5 * PageSet::page_size] = 1;
            right &= marked->find(*memory, pages, false);
            const size_t changed = pages.count();
            close(STDIN_FILENO);
            right &= pages.start(size) && add_own_pages(memory->data(), pages) == has_map && is_closed();
            right &= marked->find(*memory, pages, false) && pages.count() == changed && is_closed();
        }
        {
            // The watch has it, and a new one after the memory has grown.
            auto marked = PageMark::set(*memory, plain);
            right &= marked->is_watching() == watches && is_closed() != watches;
            right &= memory->grow(1) && marked->find(*memory, pages, true);
            right &= marked->is_watching() == watches && is_closed() != watches;
        }
        std::_Exit(right && is_closed() ? 42 : 43);
    };
    EXPECT_EXIT(run(), ::testing::ExitedWithCode(42), "");
}

#endif

} // namespace
} // namespace warpbeam
