// What files and directories refuse unless an embedder's class says otherwise, and what programs are told
// then.

#include "guest.hpp"

#include <warpbeam/vm/snapshot.hpp>

#include <unistd.h>

namespace warpbeam::wasi::testing {
namespace {

/// Only what has to be overridden.
class PlainFile final : public File {
public:
    explicit PlainFile(FileType type) noexcept : type_{type} {}
    [[nodiscard]] FileType type() const noexcept override { return type_; }

private:
    FileType type_;
};
class PlainDirectory final : public Directory {
public:
    [[nodiscard]] Result<Ref<File>> open(std::string_view, const OpenMode&) noexcept override {
        return std::unexpected{Errno::noent};
    }
    [[nodiscard]] Result<Ref<Directory>> enter(std::string_view) noexcept override {
        return std::unexpected{Errno::noent};
    }
    [[nodiscard]] Result<Filestat> stat_entry(std::string_view) noexcept override {
        return std::unexpected{Errno::noent};
    }
    [[nodiscard]] Result<Vec<char>> read_link(std::string_view) noexcept override {
        return std::unexpected{Errno::inval};
    }
    [[nodiscard]] Result<> list(Vec<DirectoryEntry>&) noexcept override { return {}; }
    [[nodiscard]] const void* kind() const noexcept override { return this; }
};

template <typename T>
Errno error_of(const Result<T>& result) {
    return result ? Errno::success : result.error();
}

} // namespace

TEST(Refusals, a_plain_file_can_do_nothing) {
    const auto made = create_file<PlainFile>(Allocator::standard(), FileType::unknown);
    File& file = *made;
    std::array<uint8_t, 4> bytes{};
    ASSERT_TRUE(file.stat());
    EXPECT_EQ(file.stat()->type, FileType::unknown);
    EXPECT_EQ(file.as_directory(), nullptr);
    EXPECT_FALSE(file.is_seekable());
    EXPECT_EQ(error_of(file.read_at(bytes, 0)), Errno::spipe);
    EXPECT_EQ(error_of(file.write_at(bytes, 0)), Errno::spipe);
    EXPECT_EQ(error_of(file.append(bytes)), Errno::spipe);
    EXPECT_EQ(error_of(file.set_size(1)), Errno::inval);
    EXPECT_EQ(error_of(file.allocate(0, 1)), Errno::notsup);
    EXPECT_EQ(error_of(file.set_times({})), Errno::notsup);
    EXPECT_EQ(error_of(file.read(bytes)), Errno::badf);
    EXPECT_EQ(error_of(file.write(bytes)), Errno::badf);
    EXPECT_EQ(error_of(file.accept()), Errno::notsock);
    EXPECT_EQ(error_of(file.receive(bytes, false)), Errno::notsock);
    EXPECT_EQ(error_of(file.shut_down(true, true)), Errno::notsock);
    EXPECT_EQ(file.native_descriptor(), -1);
}

TEST(Refusals, a_plain_directory_can_only_be_read) {
    const auto made = create_file<PlainDirectory>(Allocator::standard());
    Directory& directory = *made;
    EXPECT_EQ(directory.as_directory(), &directory);
    EXPECT_EQ(error_of(directory.make_directory("a")), Errno::rofs);
    EXPECT_EQ(error_of(directory.remove_directory("a")), Errno::rofs);
    EXPECT_EQ(error_of(directory.unlink("a")), Errno::rofs);
    EXPECT_EQ(error_of(directory.symlink("a", "b")), Errno::rofs);
    EXPECT_EQ(error_of(directory.link("a", directory, "b")), Errno::rofs);
    EXPECT_EQ(error_of(directory.rename("a", directory, "b")), Errno::rofs);
    EXPECT_EQ(error_of(directory.set_entry_times("a", {})), Errno::rofs);
    EXPECT_FALSE(directory.is_saved());
    SnapshotBuffer sink;
    EXPECT_TRUE(directory.save(sink));
    EXPECT_TRUE(sink.bytes().empty());
    SnapshotBytes source{{}};
    EXPECT_TRUE(directory.restore(source));
}

TEST(Refusals, programs_learn_why) {
    Guest guest;
    const auto add = [&](Ref<File> file) { return guest.context.add_file(std::move(file)).value(); };
    ASSERT_TRUE(guest.context.add_directory("/", create_file<PlainDirectory>(Allocator::standard())));
    const uint32_t unknown = add(create_file<PlainFile>(Allocator::standard(), FileType::unknown));
    const uint32_t regular = add(create_file<PlainFile>(Allocator::standard(), FileType::regular_file));
    const uint32_t stream = add(create_file<PlainFile>(Allocator::standard(), FileType::socket_stream));
    guest.put_buffers({{Guest::data, 4}});
    for (const uint32_t fd : {unknown, stream}) {
        EXPECT_EQ(guest.call("fd_write", fd, Guest::list, 1, Guest::result), Errno::badf);
        EXPECT_EQ(guest.call("fd_read", fd, Guest::list, 1, Guest::result), Errno::badf);
        EXPECT_EQ(guest.call("fd_seek", fd, 1, 0, Guest::result), Errno::spipe);
    }
    EXPECT_EQ(guest.call("fd_read", regular, Guest::list, 1, Guest::result), Errno::spipe);
    EXPECT_EQ(guest.call("fd_write", regular, Guest::list, 1, Guest::result), Errno::spipe);
    EXPECT_EQ(guest.call("sock_accept", stream, 0, Guest::result), Errno::notsock);
    EXPECT_EQ(guest.call("sock_accept", unknown, 0, Guest::result), Errno::notcapable);
    EXPECT_EQ(guest.call("sock_accept", stream, 1, Guest::result), Errno::inval) << "flags";
    EXPECT_EQ(guest.call("sock_accept", stream, 0, Guest::page), Errno::fault);
    EXPECT_EQ(guest.call("sock_recv", stream, Guest::list, 1, 0, Guest::result, Guest::page - 1),
              Errno::fault);
    EXPECT_EQ(guest.call("path_create_directory", 3, "made"), Errno::rofs);
    EXPECT_EQ(guest.call("path_remove_directory", 3, "made"), Errno::rofs);
    EXPECT_EQ(guest.call("path_unlink_file", 3, "file"), Errno::rofs);
    EXPECT_EQ(guest.call("path_symlink", "target", 3, "link"), Errno::rofs);
    EXPECT_EQ(guest.call("path_rename", 3, "file", 3, "other"), Errno::rofs);
    EXPECT_EQ(guest.try_open("file"), Errno::noent);
}

TEST(Refusals, polling_says_what_is_ready_or_wrong_of_each) {
    Guest guest;
    const auto system = memory_directory();
    ASSERT_TRUE(system);
    ASSERT_TRUE(guest.context.add_directory("/", *system));
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const uint32_t out = guest.context.add_file(native_file(pipe[1]).value()).value();
    const uint32_t file = guest.open("file", oflags::creat);
    EXPECT_EQ(guest.write(file, "12345"), Errno::success);
    EXPECT_EQ(guest.call("fd_seek", file, 2, 0, Guest::result), Errno::success);
    struct {
        uint8_t type; ///< 0 a clock, 1 read, 2 write
        uint32_t subject;
        Errno error;
        uint64_t bytes;
    } const all[] = {
        {2, out, Errno::success, 0}, {1, file, Errno::success, 3}, {2, file, Errno::success, 3},
        {1, 77, Errno::badf, 0},     {0, 2, Errno::notsup, 0},     {0, 99, Errno::inval, 0},
        {77, file, Errno::inval, 0},
    };
    uint32_t address = Guest::data;
    for (size_t i = 0; i < std::size(all); ++i, address += 48) {
        guest.put<uint64_t>(address, i);
        guest.put(address + 8, all[i].type);
        guest.put(address + 16, all[i].subject);
        guest.put<uint64_t>(address + 24, 0);
        guest.put<uint16_t>(address + 40, 0);
    }
    constexpr uint32_t events = Guest::data + 4096;
    ASSERT_EQ(guest.call("poll_oneoff", Guest::data, events, std::size(all), Guest::result), Errno::success);
    ASSERT_EQ(guest.at<uint32_t>(Guest::result), std::size(all));
    for (size_t i = 0; i < std::size(all); ++i) {
        const uint64_t event = events + 32 * i;
        EXPECT_EQ(guest.at<uint64_t>(event), i);
        EXPECT_EQ(guest.at<uint16_t>(event + 8), static_cast<uint16_t>(all[i].error)) << i;
        EXPECT_EQ(guest.at<uint8_t>(event + 10), all[i].type);
        EXPECT_EQ(guest.at<uint64_t>(event + 16), all[i].bytes) << i;
    }
    EXPECT_EQ(guest.call("clock_time_get", 9, 0, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("clock_res_get", 9, Guest::result), Errno::inval);
    ::close(pipe[0]);
}

} // namespace warpbeam::wasi::testing
