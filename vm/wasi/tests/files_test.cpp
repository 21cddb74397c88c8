#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

/// What programs do with open files, for each of the ways in which they are compiled.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::GuestAbi;
using warpbeam::wasi::testing::Scratch;

namespace {

class FilesTest : public ::testing::TestWithParam<GuestAbi> {
protected:
    void SetUp() override {
        scratch.write("file", "0123456789");
        std::filesystem::create_directory(scratch / "directory");
        ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    }
    uint64_t position(uint32_t fd) {
        EXPECT_EQ(guest.call("fd_tell", fd, Guest::result), Errno::success);
        return guest.at<uint64_t>(Guest::result);
    }
    [[nodiscard]] uint32_t stat_size() const { return guest.abi.is_unstable ? 56 : 64; }
    /// Of a structure that fd_filestat_get and path_filestat_get have written.
    uint64_t links() {
        return guest.abi.is_unstable ? guest.at<uint32_t>(Guest::result + 20)
                                     : guest.at<uint64_t>(Guest::result + 24);
    }
    uint64_t stat_field(uint32_t index) {
        return guest.at<uint64_t>(Guest::result + stat_size() - 32 + 8 * index);
    }
    uint64_t size_of(uint32_t fd) {
        EXPECT_EQ(guest.call("fd_filestat_get", fd, Guest::result), Errno::success);
        return stat_field(0);
    }
    /// The numbers of `whence`.
    [[nodiscard]] uint32_t from_start() const { return guest.abi.is_unstable ? 2 : 0; }
    [[nodiscard]] uint32_t from_here() const { return guest.abi.is_unstable ? 0 : 1; }
    [[nodiscard]] uint32_t from_end() const { return guest.abi.is_unstable ? 1 : 2; }

    static constexpr uint32_t page = Guest::page;
    Scratch scratch;
    Guest guest{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Abis, FilesTest,
                         ::testing::Values(GuestAbi{false, false}, GuestAbi{true, false},
                                           GuestAbi{false, true}, GuestAbi{true, true}),
                         [](const auto& abi) {
                             return std::string{abi.param.is_wide ? "bits64" : "bits32"} +
                                    (abi.param.is_unstable ? "_unstable" : "");
                         });

TEST_P(FilesTest, reading_moves_the_position) {
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.read(fd, 4), "0123");
    EXPECT_EQ(position(fd), 4u);
    EXPECT_EQ(guest.read(fd), "456789");
    EXPECT_EQ(guest.read(fd), "");
    EXPECT_EQ(guest.last, Errno::success) << "the end is no error";
}

TEST_P(FilesTest, several_buffers_are_filled_in_turn) {
    const uint32_t fd = guest.open("file");
    guest.put_buffers({{1000, 3}, {0, 0}, {2000, 5}, {3000, 100}});
    EXPECT_EQ(guest.call("fd_read", fd, Guest::list, 4, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 10u);
    EXPECT_EQ(guest.text(1000, 4), std::string("012\0", 4));
    EXPECT_EQ(guest.text(2000, 5), "34567");
    EXPECT_EQ(guest.text(3000, 3), std::string("89\0", 3));
}

TEST_P(FilesTest, several_buffers_are_written_in_turn) {
    const uint32_t fd = guest.open("new", oflags::creat);
    guest.put_text(1000, "abc");
    guest.put_text(2000, "de");
    guest.put_buffers({{1000, 3}, {0, 0}, {2000, 2}});
    EXPECT_EQ(guest.call("fd_write", fd, Guest::list, 3, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 5u);
    EXPECT_EQ(scratch.read("new"), "abcde");
}

TEST_P(FilesTest, large_buffers_are_moved_whole) {
    std::string text(40'000, 'x');
    for (size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + i % 23);
    const uint32_t fd = guest.open("new", oflags::creat);
    guest.put_text(1000, text);
    guest.put_buffers({{1000, 20'000}, {21'000, 20'000}});
    EXPECT_EQ(guest.call("fd_write", fd, Guest::list, 2, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), text.size());
    EXPECT_EQ(scratch.read("new"), text);
    guest.put_text(1000, std::string(40'000, '\0'));
    EXPECT_EQ(guest.call("fd_pread", fd, Guest::list, 2, 0, Guest::result), Errno::success);
    EXPECT_EQ(guest.text(1000, text.size()), text);
}

TEST_P(FilesTest, positional_calls_leave_the_position) {
    const uint32_t fd = guest.open("file");
    guest.put_buffers({{1000, 2}, {1002, 2}});
    EXPECT_EQ(guest.call("fd_pread", fd, Guest::list, 2, 5, Guest::result), Errno::success);
    EXPECT_EQ(guest.text(1000, 4), "5678");
    guest.put_text(1000, "WXYZ");
    EXPECT_EQ(guest.call("fd_pwrite", fd, Guest::list, 2, 8, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 4u);
    EXPECT_EQ(position(fd), 0u);
    EXPECT_EQ(scratch.read("file"), "01234567WXYZ");
    EXPECT_EQ(guest.call("fd_pread", fd, Guest::list, 2, 12, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 0u) << "at the end";
    EXPECT_EQ(guest.call("fd_pread", fd, Guest::list, 2, UINT64_MAX, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_pwrite", fd, Guest::list, 2, UINT64_MAX, Guest::result), Errno::inval);
}

TEST_P(FilesTest, writing_behind_the_end_leaves_zeros) {
    const uint32_t fd = guest.open("new", oflags::creat);
    EXPECT_EQ(guest.call("fd_seek", fd, 3, from_start(), Guest::result), Errno::success);
    EXPECT_EQ(guest.write(fd, "x"), Errno::success);
    EXPECT_EQ(scratch.read("new"), std::string("\0\0\0x", 4));
}

TEST_P(FilesTest, seeking_counts_from_three_places) {
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.call("fd_seek", fd, 6, from_start(), Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result), 6u);
    EXPECT_EQ(guest.call("fd_seek", fd, -2, from_here(), Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result), 4u);
    EXPECT_EQ(guest.call("fd_seek", fd, -3, from_end(), Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result), 7u);
    EXPECT_EQ(guest.read(fd), "789");
    EXPECT_EQ(guest.call("fd_seek", fd, 100, from_end(), Guest::result), Errno::success);
    EXPECT_EQ(guest.read(fd), "") << "behind the end";
}

TEST_P(FilesTest, seeking_refuses_what_is_no_position) {
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.call("fd_seek", fd, 2, from_start(), Guest::result), Errno::success);
    EXPECT_EQ(guest.call("fd_seek", fd, -1, from_start(), Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_seek", fd, -3, from_here(), Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_seek", fd, INT64_MIN, from_end(), Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_seek", fd, INT64_MAX, from_end(), Guest::result), Errno::overflow);
    EXPECT_EQ(guest.call("fd_seek", fd, 0, 3, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_seek", fd, 0, from_start(), page - 7), Errno::fault);
    EXPECT_EQ(guest.call("fd_tell", fd, page - 7), Errno::fault);
    EXPECT_EQ(position(fd), 2u) << "errors change nothing";
}

TEST_P(FilesTest, directories_have_no_contents) {
    for (const char* function : {"fd_pread", "fd_pwrite"})
        EXPECT_EQ(guest.call(function, 3, Guest::list, 0, 0, Guest::result), Errno::isdir) << function;
    for (const char* function : {"fd_read", "fd_write"})
        EXPECT_EQ(guest.call(function, 3, Guest::list, 0, Guest::result), Errno::isdir) << function;
    EXPECT_EQ(guest.call("fd_seek", 3, 0, from_start(), Guest::result), Errno::isdir);
    EXPECT_EQ(guest.call("fd_tell", 3, Guest::result), Errno::isdir);
    EXPECT_EQ(guest.call("fd_allocate", 3, 0, 1), Errno::isdir);
    EXPECT_EQ(guest.call("fd_filestat_set_size", 3, 0), Errno::isdir);
    EXPECT_EQ(guest.call("fd_advise", 3, 0, 0, 0), Errno::success);
    EXPECT_EQ(guest.call("fd_sync", 3), Errno::success);
    EXPECT_EQ(guest.call("fd_datasync", 3), Errno::success);
}

TEST_P(FilesTest, nothing_is_moved_before_every_pointer_is_checked) {
    const uint32_t fd = guest.open("file");
    const auto try_all = [&](uint64_t list, uint64_t count, uint64_t result, Errno expected,
                             const char* why) {
        for (const char* function : {"fd_read", "fd_write"})
            EXPECT_EQ(guest.call(function, fd, list, count, result), expected) << function << ": " << why;
        for (const char* function : {"fd_pread", "fd_pwrite"})
            EXPECT_EQ(guest.call(function, fd, list, count, 0, result), expected) << function << ": " << why;
    };
    const uint64_t most = guest.abi.is_wide ? UINT64_MAX : UINT32_MAX;
    guest.put_buffers({{1000, 4}, {page - 3, 4}});
    try_all(Guest::list, 2, Guest::result, Errno::fault, "the second buffer");
    guest.put_buffers({{1000, 4}, {most, 2}});
    try_all(Guest::list, 2, Guest::result, Errno::fault, "an address that overflows");
    guest.put_buffers({{1000, most}});
    try_all(Guest::list, 1, Guest::result, Errno::fault, "a size that overflows");
    guest.put_buffers({{1000, 4}});
    try_all(page - guest.pointer_size(), 1, Guest::result, Errno::fault, "the list");
    try_all(most, 1, Guest::result, Errno::fault, "the list overflows");
    try_all(Guest::list, most, Guest::result, Errno::fault, "the count overflows");
    try_all(Guest::list, (most >> 4) + 2, Guest::result, Errno::fault, "count times size overflows");
    try_all(Guest::list, 1, page - guest.pointer_size() + 1, Errno::fault, "the result");
    try_all(Guest::list, 1025, Guest::result, Errno::inval, "more than any system allows");
    EXPECT_EQ(position(fd), 0u);
    EXPECT_EQ(scratch.read("file"), "0123456789");
}

TEST_P(FilesTest, no_buffers_move_nothing) {
    const uint32_t fd = guest.open("file");
    for (const char* function : {"fd_read", "fd_write"}) {
        guest.put_pointer(Guest::result, 77);
        EXPECT_EQ(guest.call(function, fd, page, 0, Guest::result), Errno::success) << function;
        EXPECT_EQ(guest.pointer_at(Guest::result), 0u);
    }
}

TEST_P(FilesTest, appending_writes_at_the_end_wherever_that_is) {
    const uint32_t fd = guest.open("file", 0, fdflags::append);
    EXPECT_EQ(guest.call("fd_seek", fd, 2, from_start(), Guest::result), Errno::success);
    EXPECT_EQ(guest.write(fd, "ab"), Errno::success);
    EXPECT_EQ(position(fd), 12u);
    std::ofstream{scratch / "file", std::ios::app} << "cd";
    EXPECT_EQ(guest.write(fd, "ef"), Errno::success);
    EXPECT_EQ(scratch.read("file"), "0123456789abcdef");
    EXPECT_EQ(position(fd), 16u);
}

TEST_P(FilesTest, appending_can_be_switched_off_and_on) {
    const uint32_t fd = guest.open("file", 0, fdflags::append);
    EXPECT_EQ(guest.write(fd, "a"), Errno::success);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, 0), Errno::success);
    EXPECT_EQ(guest.call("fd_seek", fd, 0, from_start(), Guest::result), Errno::success);
    EXPECT_EQ(guest.write(fd, "X"), Errno::success);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, fdflags::append), Errno::success);
    EXPECT_EQ(guest.write(fd, "b"), Errno::success);
    EXPECT_EQ(scratch.read("file"), "X123456789ab");
}

TEST_P(FilesTest, the_size_can_be_set) {
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.call("fd_filestat_set_size", fd, 4), Errno::success);
    EXPECT_EQ(scratch.read("file"), "0123");
    EXPECT_EQ(guest.call("fd_filestat_set_size", fd, 6), Errno::success);
    EXPECT_EQ(scratch.read("file"), std::string("0123\0\0", 6));
    EXPECT_EQ(guest.call("fd_filestat_set_size", fd, UINT64_MAX), Errno::fbig);
    EXPECT_EQ(size_of(fd), 6u);
}

TEST_P(FilesTest, allocating_makes_a_file_longer_but_never_shorter) {
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.call("fd_allocate", fd, 0, 5), Errno::success);
    EXPECT_EQ(size_of(fd), 10u);
    EXPECT_EQ(guest.call("fd_allocate", fd, 8, 12), Errno::success);
    EXPECT_EQ(scratch.read("file"), "0123456789" + std::string(10, '\0'));
    EXPECT_EQ(guest.call("fd_allocate", fd, 0, 0), Errno::inval);
    EXPECT_EQ(guest.call("fd_allocate", fd, UINT64_MAX, 1), Errno::fbig);
    EXPECT_EQ(guest.call("fd_allocate", fd, 1, UINT64_MAX - 1), Errno::fbig);
    EXPECT_EQ(guest.call("fd_allocate", fd, INT64_MAX, 1), Errno::fbig);
    EXPECT_EQ(size_of(fd), 20u);
}

TEST_P(FilesTest, advice_is_checked_and_ignored) {
    const uint32_t fd = guest.open("file");
    for (uint32_t advice = 0; advice < 6; ++advice)
        EXPECT_EQ(guest.call("fd_advise", fd, 0, 0, advice), Errno::success);
    EXPECT_EQ(guest.call("fd_advise", fd, 0, 0, 6), Errno::inval);
    EXPECT_EQ(guest.call("fd_advise", fd, 0, 0, UINT32_MAX), Errno::inval);
    EXPECT_EQ(guest.call("fd_advise", 1, 0, 0, 0), Errno::spipe);
}

TEST_P(FilesTest, attributes_are_those_of_the_file) {
    std::filesystem::create_hard_link(scratch / "file", scratch / "other");
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.call("fd_filestat_get", fd, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint8_t>(Guest::result + 16), static_cast<uint8_t>(FileType::regular_file));
    EXPECT_EQ(links(), 2u);
    EXPECT_EQ(stat_field(0), 10u);
    const uint64_t inode = guest.at<uint64_t>(Guest::result + 8);
    guest.put<uint64_t>(Guest::result + stat_size(), 0x7777);
    EXPECT_EQ(guest.call("path_filestat_get", 3, 0, "other", Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result + 8), inode);
    EXPECT_EQ(guest.at<uint64_t>(Guest::result + stat_size()), 0x7777u) << "nothing behind it is written";
    EXPECT_EQ(guest.call("fd_filestat_get", fd, page - stat_size()), Errno::success);
    EXPECT_EQ(guest.call("fd_filestat_get", fd, page - stat_size() + 1), Errno::fault);
    EXPECT_EQ(guest.call("path_filestat_get", 3, 0, "file", page - stat_size() + 1), Errno::fault);
}

TEST_P(FilesTest, times_can_be_set_by_descriptor_and_by_path) {
#ifdef _WIN32
    GTEST_SKIP() << "times are multiples of 100 ns here, see win32_test.cpp";
#endif
    constexpr uint32_t both = 1 | 4;
    const uint32_t fd = guest.open("file");
    EXPECT_EQ(guest.call("fd_filestat_set_times", fd, 1'000'000'007, 2'000'000'009, both), Errno::success);
    EXPECT_EQ(guest.call("fd_filestat_get", fd, Guest::result), Errno::success);
    EXPECT_EQ(stat_field(1), 1'000'000'007u);
    EXPECT_EQ(stat_field(2), 2'000'000'009u);
    EXPECT_EQ(guest.call("path_filestat_set_times", 3, 0, "file", 5'000'000'000, 1, 1), Errno::success);
    EXPECT_EQ(guest.call("fd_filestat_get", fd, Guest::result), Errno::success);
    EXPECT_EQ(stat_field(1), 5'000'000'000u);
    EXPECT_EQ(stat_field(2), 2'000'000'009u) << "the other one is kept";
    EXPECT_EQ(guest.call("fd_filestat_set_times", fd, 0, 0, 2 | 8), Errno::success);
    EXPECT_EQ(guest.call("fd_filestat_get", fd, Guest::result), Errno::success);
    EXPECT_GT(stat_field(1), 1'000'000'000'000'000'000u) << "now";
    EXPECT_GT(stat_field(2), 1'000'000'000'000'000'000u);
    for (const uint32_t wrong : {1u | 2u, 4u | 8u, 16u, 1u | 16u}) {
        EXPECT_EQ(guest.call("fd_filestat_set_times", fd, 0, 0, wrong), Errno::inval) << wrong;
        EXPECT_EQ(guest.call("path_filestat_set_times", 3, 0, "file", 0, 0, wrong), Errno::inval) << wrong;
    }
    EXPECT_EQ(guest.call("path_filestat_set_times", 3, 2, "file", 0, 0, both), Errno::inval);
}

TEST_P(FilesTest, prestat_has_the_name_of_a_directory) {
    EXPECT_EQ(guest.call("fd_prestat_get", 3, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 0u);
    EXPECT_EQ(guest.pointer_at(Guest::result + guest.pointer_size()), 1u);
    EXPECT_EQ(guest.call("fd_prestat_dir_name", 3, 1000, 1), Errno::success);
    EXPECT_EQ(guest.text(1000, 2), std::string("/\0", 2));
    EXPECT_EQ(guest.call("fd_prestat_dir_name", 3, 1000, 0), Errno::nametoolong);
    EXPECT_EQ(guest.call("fd_prestat_dir_name", 3, page, 1), Errno::fault);
    EXPECT_EQ(guest.call("fd_prestat_get", 3, page - 2 * guest.pointer_size() + 1), Errno::fault);
    const uint32_t fd = guest.open_directory("directory");
    for (const uint32_t other : {0u, fd, fd + 1, UINT32_MAX}) {
        EXPECT_EQ(guest.call("fd_prestat_get", other, Guest::result), Errno::badf) << other;
        EXPECT_EQ(guest.call("fd_prestat_dir_name", other, 1000, 100), Errno::badf) << other;
    }
}

TEST_P(FilesTest, no_function_takes_a_descriptor_that_is_closed) {
    for (const auto& signature : wasi::testing::signatures) {
        const std::string name{signature.name};
        const bool has_fd = name.starts_with("fd_") || name.starts_with("path_") || name.starts_with("sock_");
        if (!has_fd || (guest.abi.is_unstable && !signature.is_in_unstable))
            continue;
        // Every number is one that is not open; as an address, it is out of bounds, but that comes later.
        for (const uint32_t number : {77u, UINT32_MAX}) {
            std::vector<Value> values;
            for (size_t i = 0; i < signature.params.size(); ++i) {
                const char kind = signature.params[i];
                if (kind == 'l' || (kind == 'p' && guest.abi.is_wide))
                    values.emplace_back(uint64_t{number});
                else
                    values.emplace_back(number);
            }
            Value returned;
            ASSERT_TRUE(guest.instance->func(signature.name)->call(values, {&returned, 1})) << name;
            EXPECT_EQ(static_cast<Errno>(returned.as<uint32_t>()), Errno::badf) << name;
        }
    }
}

TEST(Files, without_bytes_nothing_is_moved_however_many_buffers_there_are) {
    const Scratch scratch;
    scratch.write("file", "text");
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    const uint32_t fd = guest.open("file");
    constexpr uint64_t impossible = uint64_t{1} << 63;
    for (const size_t count : {1u, 2u}) {
        guest.put_buffers({{Guest::data, 0}, {Guest::data, 0}});
        for (const char* const name : {"fd_pwrite", "fd_pread"}) {
            EXPECT_EQ(guest.call(name, fd, Guest::list, count, impossible, Guest::result), Errno::success)
                << name << " " << count;
            EXPECT_EQ(guest.pointer_at(Guest::result), 0u);
        }
        EXPECT_EQ(guest.call("fd_write", fd, Guest::list, count, Guest::result), Errno::success);
    }
}

} // namespace
