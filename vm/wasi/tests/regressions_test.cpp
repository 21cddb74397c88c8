#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>
#include <warpbeam/wasi/saved_files.hpp>
#include <warpbeam/wasi/streams.hpp>

#include <filesystem>
#include <string>

/// Faults that a review has found, each with the case that showed it.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;

TEST(Regressions, a_file_below_a_layer_can_only_be_read) {
    const Scratch scratch;
    scratch.write("file", "text");
    const auto before = std::filesystem::last_write_time(scratch / "file");
    const auto layered = *layered_directory(scratch.open());
    const auto file = *layered->open("file", {.read = true});
    EXPECT_EQ(file->set_times({NewTimes::Change::set, NewTimes::Change::set, 1, 1}).error(), Errno::rofs);
    EXPECT_FALSE(file->set_size(0));
    EXPECT_FALSE(file->write_at(warpbeam::wasi::testing::as_bytes("x"), 0));
    EXPECT_EQ(std::filesystem::last_write_time(scratch / "file"), before);
    EXPECT_EQ(scratch.read("file"), "text");
    // What is no file can't be opened by way of one.
    std::filesystem::create_directory(scratch / "directory");
    EXPECT_NE((*layered->open("directory", {.read = true}))->as_directory(), nullptr);
    EXPECT_FALSE((*layered->enter("directory"))->open("missing", {.read = true}));
}

TEST(Regressions, an_open_without_a_free_number_changes_nothing) {
    const Scratch scratch;
    scratch.write("file", "text");
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    guest.context.set_max_descriptors(4);
    EXPECT_EQ(guest.try_open("file", oflags::trunc), Errno::mfile);
    EXPECT_EQ(scratch.read("file"), "text");
    EXPECT_EQ(guest.try_open("new", oflags::creat), Errno::mfile);
    EXPECT_FALSE(std::filesystem::exists(scratch / "new"));
}

TEST(Regressions, a_restored_stream_has_no_more_rights_than_the_new_one) {
    Context context;
    context.descriptors().find(0)->rights = ~Rights{0};
    SnapshotBuffer saved;
    ASSERT_TRUE(save_files(context, saved));
    Context other;
    SnapshotBytes bytes{saved.bytes()};
    const Rights before = other.descriptors().find(0)->rights;
    ASSERT_TRUE(restore_files(other, bytes));
    EXPECT_EQ(other.descriptors().find(0)->rights, before);
}

TEST(Regressions, a_loop_in_the_new_name_of_a_link_is_a_loop) {
    const Scratch scratch;
    scratch.write("file", "");
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    std::filesystem::create_symlink("self", scratch / "self");
    for (const uint32_t follow : {0u, 1u})
        EXPECT_EQ(guest.call("path_link", 3, follow, "file", 3, "self/x"), Errno::loop) << follow;
}

TEST(Regressions, an_empty_buffer_does_not_keep_a_clock_from_its_time) {
    Allocator& allocator = Allocator::standard();
    const auto input = create_file<InputBuffer>(allocator, allocator);
    Guest guest;
    ASSERT_TRUE(guest.context.set_stream(Stream::in, input));
    const auto subscribe = [&](uint64_t at, uint64_t user_data, uint8_t type, uint32_t subject) {
        guest.put(at, user_data);
        guest.put(at + 8, type);
        guest.put(at + 16, subject);
        guest.put(at + 24, uint64_t{1'000'000});
    };
    subscribe(512, 1, 1, 0);
    subscribe(512 + 48, 2, 0, 1);
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 2, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 1u);
    EXPECT_EQ(guest.at<uint64_t>(1024), 2u);
    // With nothing else to wait for, the program is told, and finds it empty.
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 1, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(1024), 1u);
    EXPECT_EQ(guest.read(0), "");
    EXPECT_EQ(guest.last, Errno::again);
}

TEST(Regressions, a_stream_that_says_again_is_not_asked_for_ever) {
    const auto again = [](void* calls, std::span<const uint8_t>) noexcept -> Result<size_t> {
        ++*static_cast<int*>(calls);
        return std::unexpected{Errno::again};
    };
    int calls = 0;
    const auto output = create_file<CallbackStream>(Allocator::standard(), nullptr, again, &calls);
    Guest guest;
    ASSERT_TRUE(guest.context.set_stream(Stream::out, output));
    EXPECT_EQ(guest.write(1, "x"), Errno::again);
    EXPECT_EQ(calls, 1);
}
