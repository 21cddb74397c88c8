#include "guest.hpp"

#include <gtest/gtest.h>
#include <warpbeam/wasi/file_systems.hpp>

#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;

namespace {

/// Buffers that are too large to be moved together on the way.
class LargeBuffers : public ::testing::Test {
protected:
    uint32_t give(int descriptor) { return guest_.context.add_file(native_file(descriptor).value()).value(); }
    /// A socket that keeps messages apart: its number in the guest, and the other end.
    uint32_t socket(int& other) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
        other = ends[1];
        return give(ends[0]);
    }

    Guest guest_;
};

} // namespace

TEST_F(LargeBuffers, a_message_is_received_whole) {
    int other = -1;
    const uint32_t fd = socket(other);
    const std::string message(6000, 'm');
    for (const char* const function : {"sock_recv", "fd_read"}) {
        ASSERT_EQ(::write(other, message.data(), message.size()), 6000);
        guest_.put_buffers({{8192, 4096}, {8192 + 4096, 8192}});
        const Errno error =
            std::string_view{function} == "sock_recv"
                ? guest_.call("sock_recv", fd, Guest::list, 2, 0, Guest::result, Guest::result + 8)
                : guest_.call("fd_read", fd, Guest::list, 2, Guest::result);
        EXPECT_EQ(error, Errno::success);
        EXPECT_EQ(guest_.at<uint32_t>(Guest::result), 6000u);
        EXPECT_EQ(guest_.at<uint16_t>(Guest::result + 8), 0);
    }
    ::close(other);
}

TEST_F(LargeBuffers, a_message_is_sent_whole) {
    int other = -1;
    const uint32_t fd = socket(other);
    guest_.put_buffers({{8192, 5000}, {16384, 5000}});
    EXPECT_EQ(guest_.call("sock_send", fd, Guest::list, 2, 0, Guest::result), Errno::success);
    EXPECT_EQ(guest_.at<uint32_t>(Guest::result), 10000u);
    std::vector<char> bytes(20000);
    EXPECT_EQ(::recv(other, bytes.data(), bytes.size(), MSG_DONTWAIT), 10000);
    EXPECT_EQ(::recv(other, bytes.data(), bytes.size(), MSG_DONTWAIT), -1);
    ::close(other);
}

TEST_F(LargeBuffers, writing_without_waiting_does_not_wait_for_the_second_buffer) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const int size = ::fcntl(ends[1], F_GETPIPE_SZ);
    const std::string fill(static_cast<size_t>(size - 4096), 'f');
    ASSERT_EQ(::write(ends[1], fill.data(), fill.size()), static_cast<ssize_t>(fill.size()));
    const uint32_t fd = give(ends[1]);
    EXPECT_EQ(guest_.call("fd_fdstat_set_flags", fd, fdflags::nonblock), Errno::success);
    guest_.put_buffers({{8192, 4096}, {16384, 8192}});
    std::atomic<bool> done{false};
    std::atomic<bool> stuck{false};
    std::thread rescue{[&] {
        for (int i = 0; i < 200 && !done; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        if (done)
            return;
        stuck = true;
        std::vector<char> bytes(static_cast<size_t>(size));
        (void)!::read(ends[0], bytes.data(), bytes.size());
    }};
    const Errno error = guest_.call("fd_write", fd, Guest::list, 2, Guest::result);
    done = true;
    rescue.join();
    EXPECT_FALSE(stuck) << "waited 2 s until somebody read";
    EXPECT_EQ(error, Errno::success);
    ::close(ends[0]);
}
