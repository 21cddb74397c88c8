#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <string>
#include <sys/socket.h>
#include <unistd.h>

/// What differs between 32-bit and 64-bit addresses, and in `wasi_unstable`, in functions that other tests
/// call in one way only.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::GuestAbi;
using warpbeam::wasi::testing::Scratch;

namespace {

class AbiTest : public ::testing::TestWithParam<GuestAbi> {
protected:
    Guest guest{GetParam()};

    /// Writes a subscription to a clock, relative.
    void put_clock(uint64_t at, uint64_t user_data, uint32_t clock, uint64_t timeout) {
        guest.put(at, user_data);
        guest.put(at + 8, uint8_t{0});
        // wasi_unstable gives each clock a number of its own before it.
        const uint64_t body = at + (guest.abi.is_unstable ? 24 : 16);
        guest.put(body, clock);
        guest.put(body + 8, timeout);
        guest.put(body + 16, uint64_t{0});
        guest.put(body + 24, uint16_t{0});
    }
    void put_read(uint64_t at, uint64_t user_data, uint32_t fd) {
        guest.put(at, user_data);
        guest.put(at + 8, uint8_t{1});
        guest.put(at + 16, fd);
    }
    [[nodiscard]] uint64_t subscription_size() const { return guest.abi.is_unstable ? 56 : 48; }
};

INSTANTIATE_TEST_SUITE_P(Abis, AbiTest,
                         ::testing::Values(GuestAbi{false, false}, GuestAbi{true, false},
                                           GuestAbi{false, true}, GuestAbi{true, true}));

} // namespace

TEST_P(AbiTest, subscriptions_have_their_layout) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const uint32_t fd = guest.context.add_file(native_file(pipe[0]).value()).value();
    put_clock(512, 11, 1, uint64_t{60} * 1'000'000'000);
    put_clock(512 + subscription_size(), 12, 1, 1'000'000);
    put_read(512 + 2 * subscription_size(), 13, fd);
    // The pipe is idle, so the shorter time is over first.
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 3, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 1u);
    EXPECT_EQ(guest.at<uint64_t>(1024), 12u);
    ASSERT_EQ(::write(pipe[1], "abc", 3), 3);
    put_clock(512 + subscription_size(), 12, 1, uint64_t{60} * 1'000'000'000);
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 3, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 1u);
    EXPECT_EQ(guest.at<uint64_t>(1024), 13u);
    EXPECT_EQ(guest.at<uint64_t>(1024 + 16), 3u); // bytes that can be read
    // The last byte of the subscriptions is out of bounds.
    const uint64_t edge = Guest::page - 3 * subscription_size();
    EXPECT_EQ(guest.call("poll_oneoff", edge + 1, 1024, 3, Guest::result), Errno::fault);
    EXPECT_EQ(guest.call("poll_oneoff", 512, Guest::page - 95, 3, Guest::result), Errno::fault);
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 3, Guest::page - guest.pointer_size() + 1), Errno::fault);
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 0, Guest::result), Errno::inval);
    ::close(pipe[1]);
}

TEST_P(AbiTest, strings_have_pointers_of_its_width) {
    ASSERT_TRUE(guest.context.add_arg("program"));
    ASSERT_TRUE(guest.context.add_arg("x"));
    ASSERT_TRUE(guest.context.add_env("A", "b"));
    EXPECT_EQ(guest.call("args_sizes_get", 64, 80), Errno::success);
    EXPECT_EQ(guest.pointer_at(64), 2u);
    EXPECT_EQ(guest.pointer_at(80), 10u);
    EXPECT_EQ(guest.call("args_get", 128, 256), Errno::success);
    EXPECT_EQ(guest.pointer_at(128), 256u);
    EXPECT_EQ(guest.pointer_at(128 + guest.pointer_size()), 264u);
    EXPECT_EQ(guest.text(264, 2), std::string("x\0", 2));
    EXPECT_EQ(guest.call("environ_sizes_get", 64, 80), Errno::success);
    EXPECT_EQ(guest.pointer_at(80), 4u);
    EXPECT_EQ(guest.call("environ_get", 128, 256), Errno::success);
    EXPECT_EQ(guest.text(guest.pointer_at(128), 3), "A=b");
    EXPECT_EQ(guest.call("args_get", Guest::page - 2 * guest.pointer_size() + 1, 256), Errno::fault);
    EXPECT_EQ(guest.call("args_get", 128, Guest::page - 9), Errno::fault);
    EXPECT_EQ(guest.call("args_sizes_get", Guest::page - 3, 80), Errno::fault);
}

TEST_P(AbiTest, entries_of_directories_are_the_same_everywhere) {
    const Scratch scratch;
    scratch.write("file", "");
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    EXPECT_EQ(guest.call("fd_readdir", 3, 1024, 1000, 0, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 3 * 24 + 1 + 2 + 4u);
    EXPECT_EQ(guest.at<uint64_t>(1024), 1u);
    EXPECT_EQ(guest.at<uint32_t>(1024 + 16), 1u);
    EXPECT_EQ(guest.text(1024 + 24, 1), ".");
    EXPECT_EQ(guest.call("fd_readdir", 3, 1024, 1000, 4, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("fd_readdir", 3, 1024, Guest::page, 0, Guest::result), Errno::fault);
}

TEST_P(AbiTest, links_are_read_into_buffers_of_its_width) {
    const Scratch scratch;
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    EXPECT_EQ(guest.call("path_symlink", "target", 3, "link"), Errno::success);
    EXPECT_EQ(guest.call("path_readlink", 3, "link", 1024, 4, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 4u);
    EXPECT_EQ(guest.text(1024, 4), "targ");
    EXPECT_EQ(guest.call("path_readlink", 3, "link", Guest::page - 3, 4, Guest::result), Errno::fault);
}

TEST_P(AbiTest, sockets_move_lists_of_its_width) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const uint32_t fd = guest.context.add_file(native_file(ends[0]).value()).value();
    guest.put_text(Guest::data, "hello");
    guest.put_buffers({{Guest::data, 2}, {Guest::data + 2, 3}});
    EXPECT_EQ(guest.call("sock_send", fd, Guest::list, 2, 0, Guest::result), Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 5u);
    char bytes[8] = {};
    EXPECT_EQ(::read(ends[1], bytes, sizeof bytes), 5);
    EXPECT_EQ(std::string(bytes), "hello");
    ASSERT_EQ(::write(ends[1], "answer", 6), 6);
    EXPECT_EQ(guest.call("sock_recv", fd, Guest::list, 2, 0, Guest::result, Guest::result + 16),
              Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 5u);
    EXPECT_EQ(guest.text(Guest::data, 5), "answe");
    EXPECT_EQ(guest.call("sock_shutdown", fd, 3), Errno::success);
    EXPECT_EQ(guest.call("sock_shutdown", fd, 4), Errno::inval);
    ::close(ends[1]);
}

TEST_P(AbiTest, clocks_and_random_numbers_check_their_pointers) {
    EXPECT_EQ(guest.call("clock_time_get", 1, 0, Guest::result), Errno::success);
    EXPECT_NE(guest.at<uint64_t>(Guest::result), 0u);
    EXPECT_EQ(guest.call("clock_time_get", 1, 0, Guest::page - 7), Errno::fault);
    EXPECT_EQ(guest.call("clock_time_get", 4, 0, Guest::result), Errno::inval);
    EXPECT_EQ(guest.call("clock_res_get", 0, Guest::page - 7), Errno::fault);
    EXPECT_EQ(guest.call("random_get", Guest::page - 8, 8), Errno::success);
    EXPECT_EQ(guest.call("random_get", Guest::page - 8, 9), Errno::fault);
    EXPECT_EQ(guest.call("sched_yield"), Errno::success);
}

TEST_P(AbiTest, signals_do_what_they_do_without_a_handler) {
    for (const uint32_t ignored : {0u, 16u, 17u, 22u, 27u})
        EXPECT_EQ(guest.call("proc_raise", ignored), Errno::success) << ignored;
    for (const uint32_t stopping : {18u, 19u, 20u, 21u})
        EXPECT_EQ(guest.call("proc_raise", stopping), Errno::notsup) << stopping;
    EXPECT_EQ(guest.call("proc_raise", 31), Errno::inval);
    for (const uint32_t ending : {6u, 9u, 15u, 30u})
        EXPECT_EQ(guest.try_call("proc_raise", ending).error(), TrapCode::exit) << ending;
}
