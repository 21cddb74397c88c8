#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/wasi/streams.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

/// Pipes and sockets: what waits, what does not, and how a wait ends.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;

namespace {

using std::chrono::milliseconds;

constexpr uint64_t millisecond = 1'000'000;

/// The side of a pipe or socket that the test has.
class End {
public:
    explicit End(int number) : number_{number} {}
    ~End() { close(); }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    void close() {
        if (number_ >= 0)
            (void)::close(number_);
        number_ = -1;
    }
    [[nodiscard]] int number() const { return number_; }
    void write(std::string_view text) const {
        EXPECT_EQ(::write(number_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    std::string read() const {
        std::array<char, 100> bytes{};
        const ssize_t size = ::read(number_, bytes.data(), bytes.size());
        return {bytes.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
    }

private:
    int number_;
};

class StreamsTest : public ::testing::Test {
protected:
    /// The numbers of both sides; neither waits by itself, or both do, as programs get them from others.
    static std::pair<int, int> pipe() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        return {ends[0], ends[1]};
    }
    static std::pair<int, int> sockets(int type = SOCK_STREAM) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
        return {ends[0], ends[1]};
    }
    uint32_t give(int number) { return guest.context.add_file(native_file(number).value()).value(); }

    void put_stream_subscription(uint32_t index, uint32_t fd, bool writes = false) {
        const uint32_t address = subscriptions + 48 * index;
        guest.put<uint64_t>(address, 100 + index);
        guest.put<uint8_t>(address + 8, writes ? 2 : 1);
        guest.put<uint32_t>(address + 16, fd);
    }
    void put_clock_subscription(uint32_t index, uint64_t timeout, Clock clock = Clock::monotonic,
                                bool absolute = false) {
        const uint32_t address = subscriptions + 48 * index;
        guest.put<uint64_t>(address, 100 + index);
        guest.put<uint8_t>(address + 8, 0);
        guest.put<uint32_t>(address + 16, static_cast<uint32_t>(clock));
        guest.put<uint64_t>(address + 24, timeout);
        guest.put<uint64_t>(address + 32, 0);
        guest.put<uint16_t>(address + 40, absolute ? 1 : 0);
    }
    /// The numbers of the subscriptions whose events come.
    std::vector<uint64_t> poll(uint32_t count) {
        EXPECT_EQ(guest.call("poll_oneoff", subscriptions, events, count, Guest::result), Errno::success);
        std::vector<uint64_t> numbers;
        for (uint32_t i = 0; i < guest.at<uint32_t>(Guest::result); ++i)
            numbers.push_back(guest.at<uint64_t>(events + 32 * i) - 100);
        return numbers;
    }
    uint16_t event_errno(uint32_t index) { return guest.at<uint16_t>(events + 32 * index + 8); }
    uint64_t event_bytes(uint32_t index) { return guest.at<uint64_t>(events + 32 * index + 16); }
    bool event_hangup(uint32_t index) { return guest.at<uint16_t>(events + 32 * index + 24) != 0; }

    static constexpr uint32_t subscriptions = 1000;
    static constexpr uint32_t events = 2000;
    Config config = [] {
        Config with;
        with.interruption = true;
        return with;
    }();
    Guest guest{{}, native_host(), config};
};

using Numbers = std::vector<uint64_t>;

TEST_F(StreamsTest, a_pipe_gives_what_is_in_it) {
    const auto [in, out] = pipe();
    End other{out};
    const uint32_t fd = give(in);
    other.write("abc");
    EXPECT_EQ(guest.read(fd), "abc") << "less than there is room for";
    other.close();
    EXPECT_EQ(guest.read(fd), "");
    EXPECT_EQ(guest.last, Errno::success);
    EXPECT_EQ(guest.call("fd_seek", fd, 0, 0, Guest::result), Errno::spipe);
    EXPECT_EQ(guest.call("fd_tell", fd, Guest::result), Errno::spipe);
    EXPECT_EQ(guest.call("fd_filestat_set_size", fd, 0), Errno::inval);
    guest.put_buffers({{Guest::data, 1}});
    EXPECT_EQ(guest.call("fd_pread", fd, Guest::list, 1, 0, Guest::result), Errno::spipe);
    EXPECT_EQ(guest.call("sock_recv", fd, Guest::list, 1, 0, Guest::result, Guest::result + 8),
              Errno::notsock);
    EXPECT_EQ(guest.call("sock_send", fd, Guest::list, 1, 0, Guest::result), Errno::notsock);
    EXPECT_EQ(guest.call("sock_shutdown", fd, 1), Errno::notsock);
}

TEST_F(StreamsTest, without_waiting_an_empty_pipe_is_an_error) {
    const auto [in, out] = pipe();
    const End other{out};
    const uint32_t fd = give(in);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, fdflags::nonblock), Errno::success);
    (void)guest.read(fd);
    EXPECT_EQ(guest.last, Errno::again);
    other.write("x");
    EXPECT_EQ(guest.read(fd), "x");
}

TEST_F(StreamsTest, without_waiting_a_full_pipe_is_an_error) {
    const auto [in, out] = pipe();
    const End other{in};
    const uint32_t fd = give(out);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, fdflags::nonblock), Errno::success);
    guest.put_buffers({{0, 30'000}});
    Errno outcome = Errno::success;
    uint64_t written = 0;
    for (int i = 0; i < 1000 && outcome == Errno::success; ++i) {
        outcome = guest.call("fd_write", fd, Guest::list, 1, Guest::result);
        written += outcome == Errno::success ? guest.at<uint32_t>(Guest::result) : 0;
    }
    EXPECT_EQ(outcome, Errno::again);
    EXPECT_GE(written, 4096u);
}

TEST_F(StreamsTest, writing_to_a_closed_pipe_is_an_error_and_no_signal) {
    for (const bool is_socket : {false, true}) {
        const auto [in, out] = is_socket ? sockets() : pipe();
        const uint32_t fd = give(out);
        (void)::close(in);
        EXPECT_EQ(guest.write(fd, "x"), Errno::pipe) << is_socket;
        sigset_t pending;
        ASSERT_EQ(sigpending(&pending), 0);
        EXPECT_EQ(sigismember(&pending, SIGPIPE), 0) << "nothing is left for later";
    }
}

TEST_F(StreamsTest, a_directory_as_standard_input) {
    const Scratch scratch;
    ASSERT_TRUE(guest.context.set_stream(Stream::in, Ref<File>::share(scratch.open().get())));
    (void)guest.read(0);
    EXPECT_EQ(guest.last, Errno::isdir);
    EXPECT_EQ(guest.call("fd_fdstat_get", 0, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint8_t>(Guest::result), static_cast<uint8_t>(FileType::directory));
}

// ---- Polling ----

TEST_F(StreamsTest, idle_input_is_not_ready) {
    const auto [in, out] = pipe();
    const End other{out};
    put_stream_subscription(0, give(in));
    put_clock_subscription(1, 5 * millisecond);
    EXPECT_EQ(poll(2), (Numbers{1}));
    other.write("abc");
    EXPECT_EQ(poll(2), (Numbers{0}));
    EXPECT_EQ(event_bytes(0), 3u);
    EXPECT_FALSE(event_hangup(0));
}

TEST_F(StreamsTest, polling_waits_for_input) {
    const auto [in, out] = pipe();
    const End other{out};
    put_stream_subscription(0, give(in));
    put_clock_subscription(1, 10'000 * millisecond);
    std::thread later{[&] {
        std::this_thread::sleep_for(milliseconds{20});
        other.write("x");
    }};
    EXPECT_EQ(poll(2), (Numbers{0}));
    later.join();
}

TEST_F(StreamsTest, the_last_of_many_streams_does_not_wait_long_for_its_turn) {
    const auto [idle, idle_other] = pipe();
    const auto [in, out] = pipe();
    const End ends[] = {End{idle}, End{idle_other}, End{in}, End{out}};
    ends[3].write("x");
    std::vector<WaitFor> streams(2000, WaitFor{idle, Readiness::read});
    streams.back().descriptor = in;
    const auto begin = std::chrono::steady_clock::now();
    native_host().wait(streams, UINT64_MAX, {[](const void*) noexcept { return false; }, nullptr});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds{100});
}

TEST_F(StreamsTest, a_hangup_is_an_event) {
    const auto [in, out] = pipe();
    End other{out};
    put_stream_subscription(0, give(in));
    other.close();
    EXPECT_EQ(poll(1), (Numbers{0}));
    EXPECT_TRUE(event_hangup(0));
    EXPECT_EQ(event_bytes(0), 0u);
}

TEST_F(StreamsTest, both_clocks_and_both_kinds_of_timeouts) {
    for (const Clock clock : {Clock::realtime, Clock::monotonic})
        for (const bool absolute : {false, true}) {
            const uint64_t before = native_host().now(clock).value();
            put_clock_subscription(0, absolute ? before + 10 * millisecond : 10 * millisecond, clock,
                                   absolute);
            put_clock_subscription(1, UINT64_MAX, clock, absolute);
            EXPECT_EQ(poll(2), (Numbers{0}));
            EXPECT_GE(native_host().now(clock).value() - before, 10 * millisecond);
        }
}

TEST_F(StreamsTest, errors_of_one_subscription_are_its_event) {
    const auto [in, out] = pipe();
    const End other{out};
    const uint32_t fd = give(in);
    put_stream_subscription(0, fd);
    put_stream_subscription(1, 77);
    put_clock_subscription(2, 0, static_cast<Clock>(9));
    guest.put<uint64_t>(subscriptions + 48 * 3, 103);
    guest.put<uint8_t>(subscriptions + 48 * 3 + 8, 3);
    EXPECT_EQ(poll(4), (Numbers{1, 2, 3}));
    EXPECT_EQ(event_errno(0), static_cast<uint16_t>(Errno::badf));
    EXPECT_EQ(event_errno(1), static_cast<uint16_t>(Errno::inval));
    EXPECT_EQ(event_errno(2), static_cast<uint16_t>(Errno::inval));
    EXPECT_EQ(guest.call("fd_fdstat_set_rights", fd, 0, 0), Errno::success);
    EXPECT_EQ(poll(1), (Numbers{0}));
    EXPECT_EQ(event_errno(0), static_cast<uint16_t>(Errno::notcapable));
}

// ---- Interrupts ----

/// Interrupts the store after a while.
class Interruption {
public:
    explicit Interruption(const Store& store)
        : thread_{[handle = store.interrupt_handle(), this] {
              std::this_thread::sleep_for(milliseconds{20});
              begin_ = std::chrono::steady_clock::now();
              handle.interrupt();
          }} {}
    /// How long the wait has gone on after it.
    milliseconds end() {
        const auto now = std::chrono::steady_clock::now();
        thread_.join();
        return std::chrono::duration_cast<milliseconds>(now - begin_);
    }

private:
    std::chrono::steady_clock::time_point begin_;
    std::thread thread_;
};

TEST_F(StreamsTest, an_interrupt_ends_what_waits) {
    const auto [in, out] = pipe();
    const End other{out};
    const auto [socket, peer] = sockets();
    const End other_socket{peer};
    const uint32_t fd = give(in);
    const uint32_t socket_fd = give(socket);
    guest.put_buffers({{Guest::data, 10}});
    put_stream_subscription(0, fd);
    const std::function<std::expected<Errno, TrapCode>()> waits[] = {
        [&] { return guest.try_call("fd_read", fd, Guest::list, 1, Guest::result); },
        [&] { return guest.try_call("poll_oneoff", subscriptions, events, 1, Guest::result); },
        [&] {
            put_clock_subscription(0, UINT64_MAX);
            return guest.try_call("poll_oneoff", subscriptions, events, 1, Guest::result);
        },
        [&] {
            return guest.try_call("sock_recv", socket_fd, Guest::list, 1, 0, Guest::result,
                                  Guest::result + 8);
        },
    };
    for (const auto& wait : waits) {
        Interruption interruption{guest.store};
        const auto outcome = wait();
        EXPECT_LT(interruption.end(), milliseconds{100});
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error(), TrapCode::interrupted);
    }
    other.write("x");
    EXPECT_EQ(guest.read(fd), "x") << "nothing is lost";
}

TEST_F(StreamsTest, an_execution_goes_on_with_the_read_in_which_it_was_interrupted) {
    const auto [in, out] = pipe();
    const End other{out};
    const uint32_t fd = give(in);
    guest.put_buffers({{Guest::data, 10}});
    auto execution = Execution::create(*guest.instance->func("fd_read"),
                                       guest.arguments("fd_read", fd, Guest::list, 1, Guest::result));
    ASSERT_TRUE(execution);
    for (int i = 0; i < 2; ++i) {
        Interruption interruption{guest.store};
        EXPECT_EQ(execution->resume(), ExecutionState::interrupted);
        (void)interruption.end();
        guest.store.clear_interrupt();
    }
    other.write("late");
    EXPECT_EQ(execution->resume(), ExecutionState::done);
    EXPECT_EQ(guest.text(Guest::data, 4), "late");
}

TEST_F(StreamsTest, an_execution_that_suspends_says_what_it_waits_for) {
    const auto [in, out] = pipe();
    const End other{out};
    put_stream_subscription(0, give(in));
    put_clock_subscription(1, 10'000 * millisecond);
    guest.context.set_suspends(true);
    auto execution =
        Execution::create(*guest.instance->func("poll_oneoff"),
                          guest.arguments("poll_oneoff", subscriptions, events, 2, Guest::result));
    ASSERT_TRUE(execution);
    EXPECT_FALSE(guest.context.take_waits()) << "it has not begun";
    EXPECT_EQ(execution->resume(), ExecutionState::interrupted);
    const auto waits = guest.context.take_waits();
    ASSERT_TRUE(waits);
    ASSERT_EQ(waits->streams.size(), 1u);
    EXPECT_EQ(waits->streams[0].descriptor, in);
    EXPECT_EQ(waits->streams[0].which, Readiness::read);
    EXPECT_LE(waits->nanoseconds, 10'000 * millisecond);
    EXPECT_GT(waits->nanoseconds, 0u);
    EXPECT_FALSE(guest.context.take_waits()) << "it is told once";
    other.write("x");
    EXPECT_EQ(execution->resume(), ExecutionState::done);
    EXPECT_EQ(guest.at<uint64_t>(events), 100u);
}

TEST_F(StreamsTest, only_an_execution_in_a_context_that_suspends_ends_instead_of_waiting) {
    put_clock_subscription(0, millisecond);
    guest.context.set_suspends(true);
    EXPECT_EQ(poll(1), Numbers{0}) << "no execution made this call";
    EXPECT_FALSE(guest.context.take_waits());
    guest.context.set_suspends(false);
    auto execution =
        Execution::create(*guest.instance->func("poll_oneoff"),
                          guest.arguments("poll_oneoff", subscriptions, events, 1, Guest::result));
    ASSERT_TRUE(execution);
    EXPECT_EQ(execution->resume(), ExecutionState::done);
    EXPECT_FALSE(guest.context.take_waits());
}

/// What standard input was, which is another file until the end.
class OtherInput {
public:
    explicit OtherInput(int file) : before_{::dup(STDIN_FILENO)} { EXPECT_GE(::dup2(file, STDIN_FILENO), 0); }
    ~OtherInput() {
        if (before_.number() >= 0)
            (void)::dup2(before_.number(), STDIN_FILENO);
        else
            (void)::close(STDIN_FILENO);
    }
    OtherInput(const OtherInput&) = delete;
    OtherInput& operator=(const OtherInput&) = delete;

private:
    End before_; ///< -1 if it was closed
};

TEST(NativeStreams, a_stream_is_a_terminal_if_the_system_says_so) {
    {
        const End null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        const OtherInput input{null.number()};
        EXPECT_FALSE(native_host().is_terminal(Stream::in));
    }
    const End master{::posix_openpt(O_RDWR | O_NOCTTY)};
    if (master.number() < 0 || ::grantpt(master.number()) != 0 || ::unlockpt(master.number()) != 0)
        GTEST_SKIP() << "no terminals here";
    const End terminal{::open(::ptsname(master.number()), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (terminal.number() < 0)
        GTEST_SKIP() << "no terminals here";
    const OtherInput input{terminal.number()};
    EXPECT_TRUE(native_host().is_terminal(Stream::in));
}

TEST(NativeStreams, files_are_written_synchronously_if_they_are_opened_so) {
    const Scratch scratch;
    const auto is_synchronous = [&](uint16_t flags) {
        const auto file = *scratch.open()->open("file", {.write = true, .create = true, .flags = flags});
        return (::fcntl(file->native_descriptor(), F_GETFL) & O_SYNC) == O_SYNC;
    };
    EXPECT_FALSE(is_synchronous(0));
    EXPECT_TRUE(is_synchronous(fdflags::sync));
    EXPECT_TRUE(is_synchronous(fdflags::rsync));
}

// ---- Sockets ----

class SocketsTest : public StreamsTest {
protected:
    Errno receive(uint32_t fd, uint32_t count, uint32_t flags = 0) {
        return guest.call("sock_recv", fd, Guest::list, count, flags, Guest::result, Guest::result + 8);
    }
    uint32_t received() { return guest.at<uint32_t>(Guest::result); }
    bool truncated() { return guest.at<uint16_t>(Guest::result + 8) != 0; }
};

TEST_F(SocketsTest, sending_and_receiving) {
    const auto [own, peer] = sockets();
    const End other{peer};
    const uint32_t fd = give(own);
    guest.put_text(Guest::data, "hello");
    guest.put_buffers({{Guest::data, 2}, {Guest::data + 2, 3}});
    EXPECT_EQ(guest.call("sock_send", fd, Guest::list, 2, 0, Guest::result), Errno::success);
    EXPECT_EQ(received(), 5u);
    EXPECT_EQ(other.read(), "hello");
    EXPECT_EQ(guest.call("sock_send", fd, Guest::list, 2, 1, Guest::result), Errno::inval);
    other.write("abcdef");
    EXPECT_EQ(receive(fd, 2, 1), Errno::success) << "to look at it";
    EXPECT_EQ(guest.text(Guest::data, 2), "ab");
    EXPECT_EQ(receive(fd, 2), Errno::success);
    EXPECT_EQ(received(), 5u);
    EXPECT_EQ(guest.text(Guest::data, 5), "abcde");
    EXPECT_EQ(guest.read(fd), "f");
    EXPECT_EQ(receive(fd, 1, 4), Errno::inval);
    guest.put_buffers({{Guest::page - 1, 2}});
    EXPECT_EQ(receive(fd, 1), Errno::fault);
}

TEST_F(SocketsTest, what_has_come_is_enough) {
    const auto [own, peer] = sockets();
    const End other{peer};
    const uint32_t fd = give(own);
    guest.put_buffers({{Guest::data, 4}, {Guest::data + 4, 4}});
    other.write("abcd"); // it fills the first buffer; nothing may wait for the second
    EXPECT_EQ(receive(fd, 2), Errno::success);
    EXPECT_EQ(received(), 4u);
}

TEST_F(SocketsTest, waiting_for_all_fills_every_buffer) {
    const auto [own, peer] = sockets();
    const End other{peer};
    const uint32_t fd = give(own);
    guest.put_buffers({{Guest::data, 4}, {Guest::data + 4, 4}});
    std::thread later{[&] {
        for (const char* part : {"a", "bcde", "fgh", "i"}) {
            other.write(part);
            std::this_thread::sleep_for(milliseconds{5});
        }
    }};
    EXPECT_EQ(receive(fd, 2, 2), Errno::success);
    later.join();
    EXPECT_EQ(received(), 8u);
    EXPECT_EQ(guest.text(Guest::data, 8), "abcdefgh");
}

TEST_F(SocketsTest, a_message_is_spread_over_the_buffers) {
    const auto [own, peer] = sockets(SOCK_DGRAM);
    const End other{peer};
    const uint32_t fd = give(own);
    guest.put_buffers({{Guest::data, 4}, {Guest::data + 4, 4}});
    other.write("abcdef");
    other.write("123456789");
    EXPECT_EQ(receive(fd, 2), Errno::success);
    EXPECT_EQ(received(), 6u);
    EXPECT_EQ(guest.text(Guest::data, 6), "abcdef");
    EXPECT_FALSE(truncated());
    EXPECT_EQ(receive(fd, 2), Errno::success);
    EXPECT_EQ(received(), 8u);
    EXPECT_EQ(guest.text(Guest::data, 8), "12345678");
    EXPECT_TRUE(truncated()) << "the rest of a message is lost";
}

TEST_F(SocketsTest, a_message_is_sent_whole_also_without_waiting) {
    const auto [own, peer] = sockets(SOCK_DGRAM);
    const End other{peer};
    const uint32_t fd = give(own);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, fdflags::nonblock), Errno::success);
    guest.put_buffers({{0, 6000}});
    EXPECT_EQ(guest.call("sock_send", fd, Guest::list, 1, 0, Guest::result), Errno::success);
    EXPECT_EQ(received(), 6000u);
}

TEST_F(SocketsTest, receiving_nothing_takes_no_message) {
    const auto [own, peer] = sockets(SOCK_DGRAM);
    const End other{peer};
    const uint32_t fd = give(own);
    guest.put_buffers({{Guest::data, 0}, {Guest::data, 0}});
    EXPECT_EQ(receive(fd, 2), Errno::success) << "and waits for none";
    other.write("x");
    EXPECT_EQ(receive(fd, 2), Errno::success);
    EXPECT_EQ(received(), 0u);
    EXPECT_EQ(guest.read(fd), "x");
}

TEST_F(SocketsTest, shutting_down_ends_a_direction) {
    const auto [own, peer] = sockets();
    const End other{peer};
    const uint32_t fd = give(own);
    EXPECT_EQ(guest.call("sock_shutdown", fd, 0), Errno::inval);
    EXPECT_EQ(guest.call("sock_shutdown", fd, 4), Errno::inval);
    EXPECT_EQ(guest.call("sock_shutdown", fd, 2), Errno::success);
    EXPECT_EQ(other.read(), "");
    EXPECT_EQ(guest.write(fd, "x"), Errno::pipe);
    other.write("still");
    EXPECT_EQ(guest.read(fd), "still");
}

TEST_F(SocketsTest, accepting_from_a_socket_that_listens) {
    const Scratch scratch;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (scratch / "socket").string();
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* const place = reinterpret_cast<const sockaddr*>(&address);
    ASSERT_EQ(::bind(listening, place, sizeof address), 0);
    ASSERT_EQ(::listen(listening, 5), 0);
    const uint32_t fd = give(listening);

    EXPECT_EQ(guest.call("sock_accept", fd, 1, Guest::result), Errno::inval) << "an unknown flag";
    EXPECT_EQ(guest.call("sock_accept", fd, 0, Guest::page - 3), Errno::fault);
    EXPECT_EQ(guest.call("fd_fdstat_set_flags", fd, fdflags::nonblock), Errno::success);
    EXPECT_EQ(guest.call("sock_accept", fd, 0, Guest::result), Errno::again);

    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const End other{client};
    ASSERT_EQ(::connect(client, place, sizeof address), 0);
    EXPECT_EQ(guest.call("sock_accept", fd, fdflags::nonblock, Guest::result), Errno::success);
    const uint32_t connection = guest.at<uint32_t>(Guest::result);
    EXPECT_EQ(connection, fd + 1);
    (void)guest.read(connection);
    EXPECT_EQ(guest.last, Errno::again);
    other.write("hello");
    EXPECT_EQ(guest.read(connection), "hello");
    EXPECT_EQ(guest.write(connection, "world"), Errno::success);
    EXPECT_EQ(other.read(), "world");
    EXPECT_EQ(guest.call("sock_accept", 1, 0, Guest::result), Errno::notcapable);
}

} // namespace
