#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/wasi/streams.hpp>

#include <cstring>
#include <functional>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/// Calls that are recorded, and replayed in a world that has nothing.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::GuestAbi;
using warpbeam::wasi::testing::Scratch;
using warpbeam::wasi::testing::Signature;
using warpbeam::wasi::testing::signatures;

namespace {

using Bytes = std::vector<uint8_t>;

class Records final : public CallSink {
public:
    std::expected<void, Trap> write(std::span<const std::span<const uint8_t>> parts) noexcept override {
        if (is_full)
            return std::unexpected{Trap::host("there is no more room")};
        Bytes record;
        for (const auto part : parts)
            record.insert(record.end(), part.begin(), part.end());
        all.push_back(std::move(record));
        return {};
    }
    void begin() noexcept override { ++begun; }
    std::vector<Bytes> all;
    size_t begun = 0;
    bool is_full = false;
};

class Replayed final : public CallSource {
public:
    explicit Replayed(std::vector<Bytes> records) : records_{std::move(records)} {}
    std::expected<std::span<const uint8_t>, Trap> next() noexcept override {
        if (next_ == records_.size())
            return std::unexpected{Trap::host("there is no more")};
        return records_[next_++];
    }
    std::expected<void, Trap> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        output[static_cast<size_t>(stream)].append(bytes.begin(), bytes.end());
        return output_is_lost ? std::expected<void, Trap>{std::unexpected{Trap::host("it is lost")}}
                              : std::expected<void, Trap>{};
    }
    [[nodiscard]] bool is_at_end() const { return next_ == records_.size(); }
    std::string output[3];
    bool output_is_lost = false;

private:
    std::vector<Bytes> records_;
    size_t next_ = 0;
};

/// Nothing of it may be used.
class ForbiddenHost final : public Host {
public:
    std::expected<size_t, Errno> read(std::span<uint8_t>) noexcept override { return used<size_t>(); }
    std::expected<size_t, Errno> write(Stream, std::span<const uint8_t>) noexcept override {
        return used<size_t>();
    }
    bool is_terminal(Stream) const noexcept override { return used<bool>().has_value(); }
    std::expected<uint64_t, Errno> now(Clock) const noexcept override { return used<uint64_t>(); }
    std::expected<uint64_t, Errno> resolution(Clock) const noexcept override { return used<uint64_t>(); }
    void sleep(uint64_t) noexcept override { (void)used<void>(); }
    std::expected<void, Errno> random(std::span<uint8_t>) noexcept override { return used<void>(); }

private:
    template <typename T>
    static std::expected<T, Errno> used() noexcept {
        ADD_FAILURE() << "the host is used";
        return std::unexpected{Errno::io};
    }
};

Config counting() {
    Config config;
    config.fuel = true;
    config.deterministic = true;
    return config;
}

/// The program's memory is full of these at first, so that zeros that are written show.
constexpr uint8_t filling = 0xaa;
void fill(Guest& guest) { ASSERT_TRUE(MemoryView{*guest.memory}.fill(0, Guest::page, filling)); }
std::string memory_of(Guest& guest) { return guest.text(0, Guest::page); }

constexpr uint32_t directory = 3;
constexpr uint32_t socket_fd = 4;
constexpr uint32_t listener = 5;
constexpr uint32_t opened = 6; ///< the first number that is free

struct Step {
    const char* function;
    std::function<Errno(Guest&)> call;
};
const Step steps[] = {
    {"args_sizes_get", [](Guest& g) { return g.call("args_sizes_get", 16, 32); }},
    {"args_get", [](Guest& g) { return g.call("args_get", 600, 700); }},
    {"environ_sizes_get", [](Guest& g) { return g.call("environ_sizes_get", 16, 32); }},
    {"environ_get", [](Guest& g) { return g.call("environ_get", 600, 700); }},
    {"clock_res_get", [](Guest& g) { return g.call("clock_res_get", 1, Guest::result); }},
    {"clock_time_get", [](Guest& g) { return g.call("clock_time_get", 0, 1000, Guest::result); }},
    {"clock_time_get", [](Guest& g) { return g.call("clock_time_get", 99, 0, Guest::result); }},
    {"random_get", [](Guest& g) { return g.call("random_get", Guest::data, 1000); }},
    {"sched_yield", [](Guest& g) { return g.call("sched_yield"); }},
    {"proc_raise", [](Guest& g) { return g.call("proc_raise", 0); }},
    {"fd_prestat_get", [](Guest& g) { return g.call("fd_prestat_get", directory, Guest::result); }},
    {"fd_prestat_get", [](Guest& g) { return g.call("fd_prestat_get", 77, Guest::result); }},
    {"fd_prestat_dir_name",
     [](Guest& g) { return g.call("fd_prestat_dir_name", directory, Guest::data, 5); }},
    {"fd_fdstat_get", [](Guest& g) { return g.call("fd_fdstat_get", directory, Guest::result); }},
    {"path_create_directory", [](Guest& g) { return g.call("path_create_directory", directory, "d"); }},
    {"path_create_directory", [](Guest& g) { return g.call("path_create_directory", directory, "d"); }},
    {"path_open",
     [](Guest& g) {
         return g.call("path_open", directory, 1, "d/file", oflags::creat, rights::regular_file, 0, 0,
                       Guest::result);
     }},
    {"fd_write", [](Guest& g) { return g.write(opened, "hello, file"); }},
    {"fd_pwrite",
     [](Guest& g) {
         g.put_text(Guest::data, "HEL");
         g.put_buffers({{Guest::data, 2}, {Guest::data + 2, 1}});
         return g.call("fd_pwrite", opened, Guest::list, 2, 0, Guest::result);
     }},
    {"fd_allocate", [](Guest& g) { return g.call("fd_allocate", opened, 0, 50); }},
    {"fd_filestat_set_size", [](Guest& g) { return g.call("fd_filestat_set_size", opened, 20); }},
    {"fd_advise", [](Guest& g) { return g.call("fd_advise", opened, 0, 5, 1); }},
    {"fd_datasync", [](Guest& g) { return g.call("fd_datasync", opened); }},
    {"fd_sync", [](Guest& g) { return g.call("fd_sync", opened); }},
    {"fd_tell", [](Guest& g) { return g.call("fd_tell", opened, Guest::result); }},
    {"fd_seek",
     [](Guest& g) { return g.call("fd_seek", opened, -2, g.abi.is_unstable ? 0 : 1, Guest::result); }},
    {"fd_read",
     [](Guest& g) {
         g.put_buffers({{Guest::data, 3}, {Guest::data + 100, 3}, {Guest::data + 1, 100}});
         return g.call("fd_read", opened, Guest::list, 3, Guest::result);
     }},
    {"fd_pread",
     [](Guest& g) {
         g.put_buffers({{Guest::data + 500, 9000}, {Guest::data, 10}});
         return g.call("fd_pread", opened, Guest::list, 2, 1, Guest::result);
     }},
    {"fd_pread", // over the list of buffers itself
     [](Guest& g) {
         g.put_buffers({{Guest::list, 8}});
         return g.call("fd_pread", opened, Guest::list, 1, 1, Guest::result);
     }},
    {"fd_read", [](Guest& g) { return g.call("fd_read", opened, Guest::page - 4, 1, Guest::result); }},
    {"fd_filestat_set_times", [](Guest& g) { return g.call("fd_filestat_set_times", opened, 7, 8, 5); }},
    {"fd_filestat_get", [](Guest& g) { return g.call("fd_filestat_get", opened, Guest::result); }},
    {"fd_fdstat_set_flags", [](Guest& g) { return g.call("fd_fdstat_set_flags", opened, 1); }},
    {"fd_fdstat_set_rights",
     [](Guest& g) { return g.call("fd_fdstat_set_rights", opened, rights::fd_read, 0); }},
    {"path_open",
     [](Guest& g) {
         return g.call("path_open", directory, 1, "d", oflags::directory, 0, 0, 0, Guest::result);
     }},
    {"fd_renumber", [](Guest& g) { return g.call("fd_renumber", opened, opened + 1); }},
    {"fd_close", [](Guest& g) { return g.call("fd_close", opened + 1); }},
    {"fd_close", [](Guest& g) { return g.call("fd_close", opened + 1); }},
    {"path_filestat_get",
     [](Guest& g) { return g.call("path_filestat_get", directory, 1, "d/file", Guest::result); }},
    {"path_filestat_set_times",
     [](Guest& g) { return g.call("path_filestat_set_times", directory, 1, "d/file", 5, 6, 5); }},
    {"path_link", [](Guest& g) { return g.call("path_link", directory, 0, "d/file", directory, "d/twin"); }},
    {"path_rename", [](Guest& g) { return g.call("path_rename", directory, "d/twin", directory, "twin"); }},
    {"path_symlink", [](Guest& g) { return g.call("path_symlink", "d/file", directory, "link"); }},
    {"path_readlink",
     [](Guest& g) { return g.call("path_readlink", directory, "link", Guest::data, 4, Guest::result); }},
    {"fd_readdir",
     [](Guest& g) { return g.call("fd_readdir", directory, Guest::data, 90, 0, Guest::result); }},
    {"fd_readdir",
     [](Guest& g) { return g.call("fd_readdir", directory, Guest::data, 900, 0, Guest::result); }},
    {"path_unlink_file", [](Guest& g) { return g.call("path_unlink_file", directory, "d/file"); }},
    {"path_remove_directory", [](Guest& g) { return g.call("path_remove_directory", directory, "d"); }},
    {"path_open",
     [](Guest& g) {
         return g.call("path_open", directory, 1, "../x", 0, rights::fd_read, 0, 0, Guest::result);
     }},
    {"poll_oneoff", // of clocks that are due, and a socket; the events cover the subscriptions
     [](Guest& g) {
         EXPECT_TRUE(MemoryView{*g.memory}.fill(Guest::data, 300, 0));
         g.put<uint8_t>(Guest::data + 8, 1);
         g.put<uint32_t>(Guest::data + 16, socket_fd);
         return g.call("poll_oneoff", Guest::data, Guest::data + 20, 3, Guest::result);
     }},
    {"sock_recv",
     [](Guest& g) {
         g.put_buffers({{Guest::data, 3}, {Guest::data + 100, 3}});
         return g.call("sock_recv", socket_fd, Guest::list, 2, 2, Guest::result, Guest::result + 8);
     }},
    {"sock_send",
     [](Guest& g) {
         g.put_buffers({{Guest::data, 3}});
         return g.call("sock_send", socket_fd, Guest::list, 1, 0, Guest::result);
     }},
    {"sock_shutdown", [](Guest& g) { return g.call("sock_shutdown", socket_fd, 2); }},
    {"sock_accept", [](Guest& g) { return g.call("sock_accept", listener, 0, Guest::result); }},
};

/// A socket that listens, with a client that waits.
std::pair<int, int> listening_socket(const Scratch& scratch) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, (scratch / "socket").c_str(), sizeof name.sun_path - 1);
    const auto* const address = reinterpret_cast<const sockaddr*>(&name);
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(server, address, sizeof name), 0);
    EXPECT_EQ(::listen(server, 1), 0);
    EXPECT_EQ(::connect(client, address, sizeof name), 0);
    return {server, client};
}

class RecordingTest : public ::testing::TestWithParam<GuestAbi> {
protected:
    struct State {
        Errno outcome;
        std::string memory;
        uint64_t fuel;
    };
    static State after(Guest& guest, const Step& step) {
        const Errno outcome = step.call(guest);
        return {outcome, memory_of(guest), guest.store.fuel()};
    }
    static bool has(const Guest& guest, const Step& step) {
        const auto* const found = std::ranges::find(signatures, step.function, &Signature::name);
        return !guest.abi.is_unstable || found->is_in_unstable;
    }

    /// Records all steps, and returns what each led to.
    std::vector<State> record_all() {
        const Scratch scratch;
        const Scratch elsewhere; // what is listed should not depend on it
        Guest guest{GetParam(), native_host(), counting()};
        fill(guest);
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        EXPECT_EQ(::write(ends[1], "abcdef", 6), 6);
        const auto [server, client] = listening_socket(elsewhere);
        EXPECT_TRUE(guest.context.add_arg("program"));
        EXPECT_TRUE(guest.context.add_arg("argument"));
        EXPECT_TRUE(guest.context.add_env("NAME", "value"));
        EXPECT_TRUE(guest.context.add_directory("/data", scratch.open()));
        EXPECT_EQ(guest.context.add_file(native_file(ends[0]).value()), socket_fd);
        EXPECT_EQ(guest.context.add_file(native_file(server).value()), listener);
        guest.context.record(&records);
        std::vector<State> states;
        for (const Step& step : steps)
            if (has(guest, step)) {
                states.push_back(after(guest, step));
                EXPECT_EQ(records.all.size(), states.size()) << step.function << " is recorded once";
                if (states.back().outcome == Errno::success)
                    succeeded.insert(step.function);
            }
        ::close(ends[1]);
        ::close(client);
        return states;
    }
    Records records;
    std::set<std::string> succeeded;
    ForbiddenHost host;
};
INSTANTIATE_TEST_SUITE_P(
    Abis, RecordingTest,
    ::testing::Values(GuestAbi{false, false}, GuestAbi{true, false}, GuestAbi{false, true}),
    [](const auto& abi) {
        return std::string{abi.param.is_unstable ? "unstable" : abi.param.is_wide ? "wide" : "preview1"};
    });

TEST_P(RecordingTest, every_function_does_the_same_in_an_empty_world) {
    const std::vector<State> states = record_all();
    Guest guest{GetParam(), host, counting()};
    fill(guest);
    Replayed calls{records.all};
    guest.context.replay(&calls);
    size_t i = 0;
    for (const Step& step : steps) {
        if (!has(guest, step))
            continue;
        const State state = after(guest, step);
        EXPECT_EQ(state.outcome, states[i].outcome) << step.function;
        EXPECT_TRUE(state.memory == states[i].memory) << step.function << ", step " << i;
        EXPECT_EQ(state.fuel, states[i].fuel) << step.function;
        ++i;
    }
    EXPECT_TRUE(calls.is_at_end());
    for (const Signature& signature : signatures)
        if (!GetParam().is_unstable || signature.is_in_unstable) {
            EXPECT_TRUE(succeeded.contains(std::string{signature.name})) << signature.name;
        }
}

TEST_P(RecordingTest, a_record_that_ends_early_or_goes_on_is_refused) {
    (void)record_all();
    Guest guest{GetParam(), host, counting()};
    for (const Bytes& record : records.all) {
        std::vector<Bytes> wrong;
        for (size_t size = 0; size < record.size(); ++size)
            wrong.emplace_back(record.begin(), record.begin() + static_cast<ptrdiff_t>(size));
        wrong.push_back(record);
        wrong.back().push_back(0);
        for (Bytes& bytes : wrong) {
            fill(guest);
            const std::string before = memory_of(guest);
            Replayed calls{{bytes}};
            guest.context.replay(&calls);
            // A call that most of the records are not of; those that are have no such arguments.
            const auto outcome = guest.try_call("fd_close", opened + 1);
            if (outcome)
                EXPECT_EQ(bytes, record) << "only the whole one is right";
            else
                EXPECT_EQ(outcome.error(), TrapCode::host);
            EXPECT_TRUE(memory_of(guest) == before);
        }
    }
}

class ReplayTest : public ::testing::Test {
protected:
    /// The record of a call.
    template <typename... A>
    Bytes record(Guest& guest, std::string_view name, const A&... args) {
        Records records;
        guest.context.record(&records);
        (void)guest.try_call(name, args...);
        guest.context.record(nullptr);
        EXPECT_EQ(records.all.size(), 1u);
        return records.all.empty() ? Bytes{} : records.all.back();
    }
    /// The message of the trap with which a replayed call ends.
    template <typename... A>
    std::string failure(Guest& guest, CallSource& calls, std::string_view name, const A&... args) {
        guest.context.replay(&calls);
        Value returned;
        const auto called = guest.instance->func(name)->call(guest.arguments(name, args...), {&returned, 1});
        if (called)
            return "none";
        EXPECT_EQ(called.error().code(), TrapCode::host);
        return std::string{called.error().message()};
    }
    Ref<OutputBuffer> output = create_file<OutputBuffer>(Allocator::standard(), Allocator::standard());
    ForbiddenHost host;
};

TEST_F(ReplayTest, the_first_difference_ends_the_program) {
    Guest original;
    ASSERT_TRUE(original.context.set_stream(Stream::out, Ref<File>::share(output.get())));
    original.put_text(Guest::data, "text");
    original.put_buffers({{Guest::data, 4}});
    const Bytes written = record(original, "fd_write", 1, Guest::list, 1, Guest::result);
    Guest guest{{}, host};
    guest.put_text(Guest::data, "text");
    guest.put_buffers({{Guest::data, 4}});
    const auto fails = [&](std::string_view name, const auto&... args) {
        Replayed calls{{written}};
        const std::string before = memory_of(guest);
        const std::string message = failure(guest, calls, name, args...);
        EXPECT_EQ(calls.output[1], "");
        EXPECT_TRUE(memory_of(guest) == before);
        return message;
    };
    EXPECT_EQ(fails("fd_close", 1), "the program calls fd_close(1) instead of fd_write(1, 256, 1, 64)");
    EXPECT_EQ(fails("fd_write", 2, Guest::list, 1, Guest::result),
              "the program calls fd_write(2, 256, 1, 64) instead of fd_write(1, 256, 1, 64)");
    guest.put_text(Guest::data, "next");
    EXPECT_EQ(fails("fd_write", 1, Guest::list, 1, Guest::result),
              "the program passes other bytes to fd_write(1, 256, 1, 64)");
    guest.put_text(Guest::data, "text");
    guest.put_buffers({{Guest::data, 3}});
    EXPECT_EQ(fails("fd_write", 1, Guest::list, 1, Guest::result),
              "the program passes other bytes to fd_write(1, 256, 1, 64)");
    Replayed none{{}};
    EXPECT_EQ(failure(guest, none, "sched_yield"), "there is no more");
}

TEST_F(ReplayTest, a_changed_byte_does_no_harm) {
    const Scratch scratch;
    scratch.write("file", "some text");
    Guest original{{}, native_host(), counting()};
    ASSERT_TRUE(original.context.add_directory("/", scratch.open()));
    ASSERT_EQ(original.open("file"), 4u);
    original.put_buffers({{Guest::data, 4}, {Guest::data + 100, 50}});
    const Bytes read = record(original, "fd_read", 4, Guest::list, 2, Guest::result);
    Guest guest{{}, host, counting()};
    guest.put_buffers({{Guest::data, 4}, {Guest::data + 100, 50}});
    size_t refused = 0;
    for (size_t at = 0; at < read.size(); ++at)
        for (unsigned change = 1; change < 256; ++change) {
            Bytes bytes = read;
            bytes[at] ^= static_cast<uint8_t>(change);
            Replayed calls{{bytes}};
            guest.context.replay(&calls);
            // What it changes may be the list.
            guest.put_buffers({{Guest::data, 4}, {Guest::data + 100, 50}});
            const auto outcome = guest.try_call("fd_read", 4, Guest::list, 2, Guest::result);
            if (!outcome) {
                EXPECT_TRUE(outcome.error() == TrapCode::host || outcome.error() == TrapCode::exit);
                refused += outcome.error() == TrapCode::host;
            }
        }
    // The function, its arguments, and the ranges and checksum of what it reads.
    EXPECT_GT(refused, 20 * 255u);
}

TEST_F(ReplayTest, damage_is_named) {
    Guest guest{{}, host};
    const auto fails = [&](Bytes record) {
        Replayed calls{{std::move(record)}};
        return failure(guest, calls, "sched_yield");
    };
    const Bytes right = record(guest, "sched_yield");
    const uint8_t place = right[0];
    const auto damaged = [](std::string_view why) {
        return "the record of a call is damaged: " + std::string{why};
    };
    ASSERT_EQ(right, (Bytes{place, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(fails({}), damaged("it ends too early"));
    EXPECT_EQ(fails({place, 1}), damaged("it ends too early"));
    EXPECT_EQ(fails({place, 0, 0, 0, 3, 0, 0}), damaged("there is no such stream"));
    EXPECT_EQ(fails({place, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0}),
              damaged("there is no such result"));
    Bytes wide{place, 0, 0, 0, 0, 0xff, 0x9f, 0x02}; // each of these ranges is the whole memory
    for (int i = 0; i < 0x8fff; ++i)
        wide.insert(wide.end(), {0, 0x80, 0x80, 0x04});
    EXPECT_EQ(fails(wide), damaged("it reads too much"));
    EXPECT_EQ(fails({place, 0, 0, 0, 1, 5, 0, 0}), damaged("more was written than there was"));
    EXPECT_EQ(fails({place, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0x03, 2, 'a', 'b'}),
              damaged("it writes outside of the memory"));
    EXPECT_EQ(fails({place, 0, 0, 0, 0, 0, 1, 8, 2, 'a'}), damaged("its size is wrong"));
    EXPECT_EQ(fails({place, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 8, 2, 'a'}), damaged("its size is wrong"));
    EXPECT_EQ(fails({200, 1, 0, 0, 0}), "the program calls sched_yield() instead of an unknown function()");
}

TEST_F(ReplayTest, what_a_stream_accepted_is_written_again) {
    Guest original;
    const auto one_byte = [](void*, std::span<const uint8_t>) noexcept -> Result<size_t> { return 1; };
    ASSERT_TRUE(original.context.set_stream(Stream::out, Ref<File>::share(output.get())));
    ASSERT_TRUE(original.context.set_stream(
        Stream::err,
        Ref<File>::share(
            create_file<CallbackStream>(Allocator::standard(), nullptr, one_byte, nullptr).get())));
    const auto prepare = [](Guest& guest) {
        guest.put_text(Guest::data, "abcdef");
        guest.put_buffers({{Guest::data, 2}, {Guest::data + 3, 0}, {Guest::data + 2, 4}});
    };
    prepare(original);
    std::vector<Bytes> records;
    records.push_back(record(original, "fd_write", 1, Guest::list, 3, Guest::result));
    // The result is written over the bytes.
    records.push_back(record(original, "fd_write", 1, Guest::list, 3, Guest::data));
    original.put_text(Guest::data, "abcdef");
    records.push_back(record(original, "fd_write", 2, Guest::list, 3, Guest::result));
    ASSERT_EQ(output->text(), "abcdefabcdef");

    Guest guest{{}, host};
    prepare(guest);
    Replayed calls{records};
    guest.context.replay(&calls);
    EXPECT_EQ(guest.call("fd_write", 1, Guest::list, 3, Guest::result), Errno::success);
    EXPECT_EQ(guest.call("fd_write", 1, Guest::list, 3, Guest::data), Errno::success);
    guest.put_text(Guest::data, "abcdef");
    EXPECT_EQ(guest.call("fd_write", 2, Guest::list, 3, Guest::result), Errno::success);
    EXPECT_EQ(calls.output[1], "abcdefabcdef");
    EXPECT_EQ(calls.output[2], "a");
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 1u);

    Replayed lost{{records[0]}};
    lost.output_is_lost = true;
    prepare(guest);
    EXPECT_EQ(failure(guest, lost, "fd_write", 1, Guest::list, 3, Guest::result), "it is lost");
}

TEST_F(ReplayTest, a_call_that_had_to_wait_is_recorded_once) {
    Guest original;
    const Ref<InputBuffer> input = create_file<InputBuffer>(Allocator::standard(), Allocator::standard());
    ASSERT_TRUE(original.context.set_stream(Stream::in, Ref<File>::share(input.get())));
    original.put_buffers({{Guest::data, 10}});
    Records records;
    original.context.record(&records);
    original.context.set_suspends(true);
    auto execution = Execution::create(*original.instance->func("fd_read"),
                                       original.arguments("fd_read", 0, Guest::list, 1, Guest::result));
    ASSERT_TRUE(execution);
    for (size_t i = 1; i <= 3; ++i) {
        EXPECT_EQ(execution->resume(), ExecutionState::interrupted);
        EXPECT_EQ(records.begun, i);
        EXPECT_TRUE(records.all.empty());
    }
    ASSERT_TRUE(input->add("hello"));
    EXPECT_EQ(execution->resume(), ExecutionState::done);
    ASSERT_EQ(records.all.size(), 1u);

    Guest guest{{}, host};
    guest.put_buffers({{Guest::data, 10}});
    guest.context.set_suspends(true);
    Replayed calls{records.all};
    guest.context.replay(&calls);
    auto again = Execution::create(*guest.instance->func("fd_read"),
                                   guest.arguments("fd_read", 0, Guest::list, 1, Guest::result));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->resume(), ExecutionState::done) << "nothing is waited for";
    EXPECT_EQ(guest.text(Guest::data, 5), "hello");
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 5u);
}

TEST_F(ReplayTest, a_signal_ends_the_program_again) {
    Guest original;
    const Bytes raised = record(original, "proc_raise", 9);
    Guest guest{{}, host};
    Replayed calls{{raised}};
    guest.context.replay(&calls);
    Value returned;
    const auto called =
        guest.instance->func("proc_raise")->call(guest.arguments("proc_raise", 9), {&returned, 1});
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::exit);
    EXPECT_EQ(called.error().exit_status(), 137);
}

TEST_F(ReplayTest, what_can_not_be_recorded_ends_the_program) {
    Guest guest;
    Records records;
    records.is_full = true;
    guest.context.record(&records);
    EXPECT_EQ(guest.try_call("sched_yield"), std::unexpected{TrapCode::host});
    guest.context.record(nullptr);
    EXPECT_EQ(guest.try_call("sched_yield"), Errno::success);
}

/// Has memory for as many allocations as it is told.
class FailingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return left == 0 ? nullptr : (--left, standard().allocate(size, alignment));
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    size_t left = SIZE_MAX;
};

TEST_F(ReplayTest, without_memory_for_a_record_the_program_ends) {
    for (size_t left = 0;; ++left) {
        ASSERT_LT(left, 100u);
        FailingAllocator scarce;
        Guest guest{{}, native_host(), {}, scarce};
        Records records;
        guest.context.record(&records);
        guest.put_buffers({{Guest::data, 0}});
        scarce.left = left;
        const auto outcome = guest.try_call("fd_read", 0, Guest::list, 1, Guest::result);
        scarce.left = SIZE_MAX;
        EXPECT_EQ(records.all.size(), outcome ? 1u : 0u);
        if (outcome) {
            EXPECT_GT(left, 0u);
            break;
        }
        EXPECT_EQ(outcome.error(), TrapCode::host);
    }
}

TEST(SharedContext, is_not_recorded) {
    class NoSink final : public CallSink {
        std::expected<void, Trap> write(std::span<const std::span<const uint8_t>>) noexcept override {
            return {};
        }
    } sink;
    Context context;
    context.record(&sink);
    const auto refused = context.share();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::usage);
    context.record(nullptr);
    ASSERT_TRUE(context.share());
    context.record(&sink);
    EXPECT_EQ(context.recorder(), nullptr) << "what several threads do has no order";
}

} // namespace
