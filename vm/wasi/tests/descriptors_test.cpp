#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <set>

/// Descriptors: what they may be used for, their numbers, and what the directories behind them show.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;

namespace {

class DescriptorsTest : public ::testing::Test {
protected:
    void SetUp() override {
        scratch.write("file", "0123456789");
        std::filesystem::create_directory(scratch / "directory");
        ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    }
    Errno set_rights(uint32_t fd, uint64_t own, uint64_t inheriting) {
        return guest.call("fd_fdstat_set_rights", fd, own, inheriting);
    }
    /// All names in a directory, listed with a buffer of that size.
    std::vector<std::string> list(uint32_t fd, uint32_t size) {
        std::vector<std::string> names;
        uint64_t cookie = 0;
        for (;;) {
            EXPECT_EQ(guest.call("fd_readdir", fd, Guest::data, size, cookie, Guest::result), Errno::success);
            const uint32_t used = guest.at<uint32_t>(Guest::result);
            EXPECT_LE(used, size);
            uint32_t at = 0;
            while (used - at >= 24) {
                const uint32_t length = guest.at<uint32_t>(Guest::data + at + 16);
                if (used - at - 24 < length)
                    break;
                names.push_back(guest.text(Guest::data + at + 24, length));
                cookie = guest.at<uint64_t>(Guest::data + at);
                at += 24 + length;
            }
            if (used < size)
                return names;
            if (at == 0) {
                ADD_FAILURE() << "the buffer is too small for any name";
                return names;
            }
        }
    }

    Scratch scratch;
    Guest guest;
};

using Names = std::vector<std::string>;

// ---- Rights ----

TEST_F(DescriptorsTest, rights_only_shrink) {
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(set_rights(fd, rights::fd_read | rights::fd_seek, 0), Errno::success);
    EXPECT_EQ(set_rights(fd, rights::fd_read | rights::fd_write, 0), Errno::notcapable);
    EXPECT_EQ(set_rights(fd, rights::fd_read, 1), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_fdstat_get", fd, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result + 8), rights::fd_read | rights::fd_seek);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result + 16), 0u);
    EXPECT_EQ(guest.write(fd, "x"), Errno::badf) << "as POSIX has it for files that are open for reading";
    EXPECT_EQ(guest.call("fd_filestat_set_size", fd, 0), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_allocate", fd, 0, 20), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_sync", fd), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_datasync", fd), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_tell", fd, Guest::result), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_advise", fd, 0, 0, 0), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_filestat_get", fd, Guest::result), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_filestat_set_times", fd, 0, 0, 0), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, 0), Errno::notcapable);
    EXPECT_EQ(guest.read(fd, 2), "01");
    EXPECT_EQ(set_rights(fd, 0, 0), Errno::success);
    (void)guest.read(fd);
    EXPECT_EQ(guest.last, Errno::badf);
    EXPECT_EQ(scratch.read("file"), "0123456789");
}

TEST_F(DescriptorsTest, a_directory_lends_no_more_than_it_may) {
    EXPECT_EQ(set_rights(3, rights::directory, rights::fd_read | rights::fd_readdir), Errno::success);
    EXPECT_EQ(guest.call("path_open", 3, 0, "file", 0, rights::fd_write, 0, 0, Guest::result),
              Errno::notcapable);
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.write(fd, "x"), Errno::badf);
    const uint32_t below = guest.open_directory("directory");
    EXPECT_EQ(guest.call("path_create_directory", below, "new"), Errno::notcapable);
    EXPECT_EQ(guest.try_open("new", oflags::creat, 0, rights::fd_read, below), Errno::notcapable);
}

TEST_F(DescriptorsTest, nothing_in_a_read_only_directory_changes) {
    const Scratch other;
    other.write("file", "unchanged");
    std::filesystem::create_directory(other / "empty");
    ASSERT_TRUE(guest.context.add_directory("/ro", other.open(), Access::read_only));
    const auto refused = [&](std::string_view name, const auto&... args) {
        EXPECT_EQ(guest.call(name, args...), Errno::notcapable) << name;
    };
    refused("path_create_directory", 4, "new");
    refused("path_remove_directory", 4, "empty");
    refused("path_unlink_file", 4, "file");
    refused("path_symlink", "x", 4, "new");
    refused("path_filestat_set_times", 4, 0, "file", 0, 0, 10);
    refused("fd_filestat_set_times", 4, 0, 0, 10);
    refused("path_rename", 4, "file", 3, "stolen");
    refused("path_rename", 3, "file", 4, "new");
    refused("path_link", 4, 0, "file", 3, "stolen"); // through it, the file could be written
    refused("path_link", 3, 0, "file", 4, "new");
    refused("path_open", 4, 0, "file", 0, rights::fd_write, 0, 0, Guest::result);
    refused("path_open", 4, 0, "file", oflags::trunc, rights::fd_read, 0, 0, Guest::result);
    refused("path_open", 4, 0, "new", oflags::creat, rights::fd_read, 0, 0, Guest::result);
    const uint32_t fd = guest.open("file", 0, 0, rights::all, 4);
    EXPECT_EQ(guest.read(fd), "unchanged");
    EXPECT_EQ(guest.write(fd, "x"), Errno::badf);
    EXPECT_EQ(guest.call("fd_filestat_set_size", fd, 0), Errno::notcapable);
    EXPECT_EQ(guest.call("fd_allocate", fd, 0, 100), Errno::notcapable);
    const uint32_t below = guest.open_directory("empty", 4);
    EXPECT_EQ(guest.call("path_create_directory", below, "new"), Errno::notcapable);
    EXPECT_EQ(other.read("file"), "unchanged");
    EXPECT_TRUE(std::filesystem::is_empty(other / "empty"));
}

// ---- Numbers ----

TEST_F(DescriptorsTest, a_directory_needs_a_name) {
    for (const std::string_view name :
         {std::string_view{}, std::string_view{"a\0b", 3}, std::string_view{"\0", 1}}) {
        const auto added = guest.context.add_directory(name, scratch.open());
        ASSERT_FALSE(added);
        EXPECT_EQ(added.error().code(), ErrorCode::usage);
    }
    EXPECT_EQ(guest.context.add_directory("/other", nullptr).error().code(), ErrorCode::usage);
    EXPECT_EQ(guest.context.roots().size(), 1u);
}

TEST_F(DescriptorsTest, the_least_free_number_is_next) {
    const uint32_t first = guest.open("file");
    const uint32_t second = guest.open("file");
    EXPECT_EQ(first, 4u);
    EXPECT_EQ(second, 5u);
    EXPECT_EQ(guest.call("fd_close", first), Errno::success);
    EXPECT_EQ(guest.call("fd_close", 0), Errno::success);
    EXPECT_EQ(guest.open("file"), 0u);
    EXPECT_EQ(guest.open("file"), first);
    EXPECT_EQ(guest.open("file"), 6u);
}

TEST_F(DescriptorsTest, renumbering_moves_a_descriptor) {
    const uint32_t from = guest.open("file");
    const uint32_t to = guest.open_directory("directory");
    EXPECT_EQ(guest.read(from, 3), "012");
    EXPECT_EQ(guest.call("fd_renumber", from, 77), Errno::badf);
    EXPECT_EQ(guest.call("fd_renumber", 77, from), Errno::badf);
    EXPECT_EQ(guest.call("fd_renumber", from, from), Errno::success);
    EXPECT_EQ(guest.call("fd_renumber", from, to), Errno::success);
    EXPECT_EQ(guest.read(to, 3), "345") << "with its position";
    EXPECT_EQ(guest.call("fd_close", from), Errno::badf);
    EXPECT_EQ(guest.open("file"), from);
    EXPECT_EQ(guest.call("fd_renumber", 3, 1), Errno::success);
    EXPECT_EQ(guest.call("fd_prestat_get", 1, Guest::result), Errno::success);
    EXPECT_EQ(guest.call("fd_prestat_get", 3, Guest::result), Errno::badf);
}

TEST_F(DescriptorsTest, there_are_no_more_than_the_limit) {
    guest.context.set_max_descriptors(6);
    (void)guest.open("file");
    const uint32_t last = guest.open("file");
    EXPECT_EQ(guest.try_open("file"), Errno::mfile);
    EXPECT_EQ(guest.try_open("new", oflags::creat), Errno::mfile);
    EXPECT_FALSE(guest.context.add_directory("/more", scratch.open()));
    EXPECT_EQ(guest.context.roots().size(), 1u);
    EXPECT_EQ(guest.call("fd_close", last), Errno::success);
    EXPECT_EQ(guest.open("file"), last);
}

// ---- Listing ----

TEST_F(DescriptorsTest, a_directory_is_listed_in_order) {
#ifdef _WIN32
    GTEST_SKIP() << "no symbolic links here";
#endif
    scratch.write("another", "");
    std::filesystem::create_symlink("nowhere", scratch / "link");
    EXPECT_EQ(list(3, 4096), (Names{".", "..", "another", "directory", "file", "link"}));
    EXPECT_EQ(list(3, 33), (Names{".", "..", "another", "directory", "file", "link"}))
        << "the longest name just fits";
    EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, 4096, 3, Guest::result), Errno::success);
    EXPECT_EQ(guest.text(Guest::data + 24, 9), "directory") << "from the middle";
    EXPECT_EQ(guest.at<uint8_t>(Guest::data + 20), static_cast<uint8_t>(FileType::directory));
}

TEST_F(DescriptorsTest, listing_checks_what_it_is_given) {
    EXPECT_EQ(guest.call("fd_readdir", 3, Guest::page - 9, 10, 0, Guest::result), Errno::fault);
    EXPECT_EQ(guest.call("fd_readdir", 3, UINT32_MAX, UINT32_MAX, 0, Guest::result), Errno::fault);
    EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, 10, 0, Guest::page - 3), Errno::fault);
    EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, 10, 5, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, 10, UINT64_MAX, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_readdir", guest.open("file"), Guest::data, 10, 0, Guest::result),
              Errno::notcapable);
    EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, 100, 4, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 0u) << "behind the last one";
    for (uint32_t size = 0; size < 60; ++size) {
        guest.put<uint64_t>(Guest::data + size, 0x1122'3344'5566'7788);
        EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, size, 0, Guest::result), Errno::success);
        EXPECT_EQ(guest.at<uint32_t>(Guest::result), size) << "a part that is cut off fills it";
        EXPECT_EQ(guest.at<uint64_t>(Guest::data + size), 0x1122'3344'5566'7788u);
    }
}

TEST_F(DescriptorsTest, entries_can_be_removed_while_they_are_listed) {
    constexpr int count = 300;
    const uint32_t fd = guest.open_directory("directory");
    for (int i = 0; i < count; ++i)
        scratch.write("directory/" + std::to_string(i), "");
    std::set<std::string> seen;
    uint64_t cookie = 0;
    for (;;) {
        ASSERT_EQ(guest.call("fd_readdir", fd, Guest::data, 60, cookie, Guest::result), Errno::success);
        if (guest.at<uint32_t>(Guest::result) < 24)
            break;
        cookie = guest.at<uint64_t>(Guest::data);
        const std::string name = guest.text(Guest::data + 24, guest.at<uint32_t>(Guest::data + 16));
        EXPECT_TRUE(seen.insert(name).second) << name << " was shown before";
        if (name != "." && name != "..") {
            EXPECT_EQ(guest.call("path_unlink_file", fd, name), Errno::success) << name;
        }
    }
    EXPECT_EQ(seen.size(), count + 2u);
    EXPECT_EQ(list(fd, 1000), (Names{".", ".."})) << "from the beginning, it is listed again";
}

// ---- Fuel ----

TEST(FuelTest, bytes_take_fuel_and_two_runs_take_the_same) {
    uint64_t taken[2] = {};
    for (uint64_t& run : taken) {
        Config config;
        config.fuel = true;
        const Scratch scratch;
        Guest guest{{}, native_host(), config};
        ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
        const uint64_t before = guest.store.fuel();
        const uint32_t fd = guest.open("file", oflags::creat);
        EXPECT_EQ(guest.write(fd, std::string(5000, 'x')), Errno::success);
        EXPECT_EQ(guest.call("fd_seek", fd, 0, 0, Guest::result), Errno::success);
        EXPECT_EQ(guest.read(fd, 5000).size(), 5000u);
        EXPECT_EQ(guest.call("random_get", Guest::data, 1000), Errno::success);
        for (const char letter : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'})
            scratch.write(std::string(200, letter), "");
        EXPECT_EQ(guest.call("fd_readdir", 3, Guest::data, 3000, 0, Guest::result), Errno::success);
        EXPECT_GT(guest.at<uint32_t>(Guest::result), 2000u);
        run = before - guest.store.fuel();
    }
    constexpr uint64_t moved =
        5000 + 5000 + 1000 + 2000; // and some for the rest of the list and for the calls
    EXPECT_GT(taken[0], moved / 64);
    EXPECT_LT(taken[0], moved / 64 + 30);
    EXPECT_EQ(taken[0], taken[1]);
}

} // namespace
