#include <gtest/gtest.h>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

using namespace warpbeam;
using wasi::Clock;
using wasi::Errno;
using wasi::Stream;

namespace {

/// A fake host that works on strings; time passes only while sleeping.
class FakeHost final : public wasi::Host {
public:
    std::string input;
    std::string output[3];
    uint64_t time = 1'000;
    uint64_t slept = 0;
    size_t max_per_write = SIZE_MAX;
    bool terminal = false;
    std::optional<Errno> failure;

    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        if (failure)
            return std::unexpected{*failure};
        const size_t size = std::min(into.size(), input.size());
        std::copy_n(input.begin(), size, into.begin());
        input.erase(0, size);
        return size;
    }
    std::expected<size_t, Errno> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        if (failure)
            return std::unexpected{*failure};
        bytes = bytes.first(std::min(bytes.size(), max_per_write));
        output[static_cast<size_t>(stream)].append(bytes.begin(), bytes.end());
        return bytes.size();
    }
    bool is_terminal(Stream) const noexcept override { return terminal; }
    std::expected<uint64_t, Errno> now(Clock) const noexcept override { return time; }
    std::expected<uint64_t, Errno> resolution(Clock) const noexcept override { return 7; }
    void sleep(uint64_t nanoseconds) noexcept override {
        slept += nanoseconds;
        time += nanoseconds;
    }
    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        std::ranges::fill(into, uint8_t{0x5a});
        return {};
    }
};

/// Passes calls on to WASI from a module with one page of memory, since WASI uses its caller's memory.
constexpr std::string_view trampolines = R"((module
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $fd_fdstat_set_flags (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (memory (export "memory") 1)
  (func (export "args_get") (param i32 i32) (result i32)
    (call $args_get (local.get 0) (local.get 1)))
  (func (export "args_sizes_get") (param i32 i32) (result i32)
    (call $args_sizes_get (local.get 0) (local.get 1)))
  (func (export "environ_get") (param i32 i32) (result i32)
    (call $environ_get (local.get 0) (local.get 1)))
  (func (export "environ_sizes_get") (param i32 i32) (result i32)
    (call $environ_sizes_get (local.get 0) (local.get 1)))
  (func (export "clock_res_get") (param i32 i32) (result i32)
    (call $clock_res_get (local.get 0) (local.get 1)))
  (func (export "clock_time_get") (param i32 i32) (result i32)
    (call $clock_time_get (local.get 0) (i64.const 0) (local.get 1)))
  (func (export "poll_oneoff") (param i32 i32 i32 i32) (result i32)
    (call $poll_oneoff (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "fd_close") (param i32) (result i32)
    (call $fd_close (local.get 0)))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32)
    (call $fd_fdstat_get (local.get 0) (local.get 1)))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32)
    (call $fd_fdstat_set_flags (local.get 0) (local.get 1)))
  (func (export "fd_prestat_get") (param i32 i32) (result i32)
    (call $fd_prestat_get (local.get 0) (local.get 1)))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32)
    (call $fd_read (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "fd_seek") (param i32 i32) (result i32)
    (call $fd_seek (local.get 0) (i64.const 0) (i32.const 1) (local.get 1)))
  (func (export "fd_write") (param i32 i32 i32 i32) (result i32)
    (call $fd_write (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "path_open") (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
  (func (export "proc_exit") (param i32)
    (call $proc_exit (local.get 0)))
  (func (export "random_get") (param i32 i32) (result i32)
    (call $random_get (local.get 0) (local.get 1)))
  (func (export "sched_yield") (result i32)
    (call $sched_yield))
))";

constexpr uint32_t page = 65536;

class WasiTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(wasi::define(linker, context));
        const auto bytes = parse_wat(trampolines);
        ASSERT_TRUE(bytes) << bytes.error().message();
        const auto module = engine.load(*bytes);
        ASSERT_TRUE(module) << module.error().message();
        const auto made = linker.instantiate(store, *module);
        ASSERT_TRUE(made) << made.error().message();
        instance = *made;
        memory = *instance->memory("memory");
    }

    template <typename... A>
    Errno call(const char* name, A... args) {
        const std::array<Value, sizeof...(A)> values{Value{static_cast<uint32_t>(args)}...};
        Value result;
        const auto called = instance->func(name)->call(values, {&result, 1});
        EXPECT_TRUE(called) << name;
        return static_cast<Errno>(result.as<uint32_t>());
    }
    template <typename T>
    T at(uint64_t address) {
        return MemoryView{*memory}.read<T>(address).value();
    }
    std::string text(uint64_t address, size_t size) {
        const auto bytes = MemoryView{*memory}.at(address, size).value();
        return {bytes.begin(), bytes.end()};
    }
    template <typename T>
    void put(uint64_t address, T value) {
        ASSERT_TRUE(MemoryView{*memory}.write(address, value));
    }
    void put_text(uint64_t address, std::string_view bytes) {
        std::ranges::copy(bytes, MemoryView{*memory}.at(address, bytes.size())->begin());
    }
    /// A list of buffers at `list`.
    void put_buffers(uint32_t list, std::initializer_list<std::pair<uint32_t, uint32_t>> buffers) {
        for (const auto& [address, size] : buffers) {
            put(list, address);
            put(list + 4, size);
            list += 8;
        }
    }
    void put_clock_subscription(uint32_t address, uint64_t user_data, uint64_t timeout, bool absolute = false,
                                Clock clock = Clock::monotonic) {
        put(address, user_data);
        put(address + 8, uint8_t{0});
        put(address + 16, static_cast<uint32_t>(clock));
        put(address + 24, timeout);
        put(address + 40, static_cast<uint16_t>(absolute));
    }

    FakeHost host;
    Engine engine;
    wasi::Context context{host};
    Linker linker{engine};
    Store store{engine};
    std::optional<Instance> instance;
    std::optional<Memory> memory;
};

TEST_F(WasiTest, arguments_are_laid_out_consecutively) {
    ASSERT_TRUE(context.add_arg("prog"));
    ASSERT_TRUE(context.add_arg(""));
    ASSERT_TRUE(context.add_arg("x y"));
    EXPECT_EQ(call("args_sizes_get", 0, 4), Errno::success);
    EXPECT_EQ(at<uint32_t>(0), 3u);
    EXPECT_EQ(at<uint32_t>(4), 10u);
    EXPECT_EQ(call("args_get", 100, 200), Errno::success);
    EXPECT_EQ(at<uint32_t>(100), 200u);
    EXPECT_EQ(at<uint32_t>(104), 205u);
    EXPECT_EQ(at<uint32_t>(108), 206u);
    EXPECT_EQ(text(200, 10), std::string("prog\0\0x y\0", 10));
}

TEST_F(WasiTest, environment_variables_are_name_and_value) {
    ASSERT_TRUE(context.add_env("HOME", "/"));
    EXPECT_EQ(call("environ_sizes_get", 0, 4), Errno::success);
    EXPECT_EQ(at<uint32_t>(0), 1u);
    EXPECT_EQ(at<uint32_t>(4), 7u);
    EXPECT_EQ(call("environ_get", 8, 16), Errno::success);
    EXPECT_EQ(text(16, 7), std::string("HOME=/\0", 7));
}

TEST_F(WasiTest, names_of_environment_variables_are_checked) {
    for (const char* const name : {"", "=", "A=", "A=B"}) {
        const auto added = context.add_env(name, "C");
        ASSERT_FALSE(added) << name;
        EXPECT_EQ(added.error().code(), ErrorCode::usage);
    }
    EXPECT_TRUE(context.env().starts().empty());
    EXPECT_TRUE(context.add_env("A", "B=C")) << "a value may contain anything";
}

TEST_F(WasiTest, strings_with_a_zero_inside_are_refused) {
    const auto added = context.add_arg({"a\0b", 3});
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code(), ErrorCode::usage);
    EXPECT_TRUE(context.args().starts().empty());
}

TEST_F(WasiTest, string_pointers_out_of_bounds_give_fault) {
    ASSERT_TRUE(context.add_arg("prog"));
    EXPECT_EQ(call("args_sizes_get", page - 3, 0), Errno::fault);
    EXPECT_EQ(call("args_sizes_get", 0, UINT32_MAX), Errno::fault);
    EXPECT_EQ(call("args_get", page - 3, 0), Errno::fault);
    EXPECT_EQ(call("args_get", 0, page - 4), Errno::fault);
    EXPECT_EQ(at<uint32_t>(0), 0u) << "nothing is written before everything is checked";
}

TEST_F(WasiTest, write_gathers_its_buffers) {
    put_text(100, "hello, ");
    put_text(200, "world\n");
    put_buffers(0, {{100, 7}, {0, 0}, {200, 6}});
    EXPECT_EQ(call("fd_write", 1, 0, 3, 32), Errno::success);
    EXPECT_EQ(at<uint32_t>(32), 13u);
    EXPECT_EQ(host.output[1], "hello, world\n");
    EXPECT_EQ(call("fd_write", 2, 0, 1, 32), Errno::success);
    EXPECT_EQ(host.output[2], "hello, ");
}

TEST_F(WasiTest, write_stops_when_the_host_accepts_no_more) {
    host.max_per_write = 4;
    put_text(100, "abcdefgh");
    put_buffers(0, {{100, 6}, {106, 2}});
    EXPECT_EQ(call("fd_write", 1, 0, 2, 32), Errno::success);
    EXPECT_EQ(at<uint32_t>(32), 4u);
    EXPECT_EQ(host.output[1], "abcd");
}

TEST_F(WasiTest, write_reports_the_hosts_error) {
    host.failure = Errno::pipe;
    put_buffers(0, {{100, 6}});
    EXPECT_EQ(call("fd_write", 1, 0, 1, 32), Errno::pipe);
}

TEST_F(WasiTest, write_checks_everything_before_the_first_byte) {
    put_buffers(0, {{100, 6}, {page - 1, 2}});
    EXPECT_EQ(call("fd_write", 1, 0, 2, 32), Errno::fault) << "a buffer";
    EXPECT_EQ(call("fd_write", 1, page - 4, 1, 32), Errno::fault) << "the list";
    EXPECT_EQ(call("fd_write", 1, 0, UINT32_MAX, 32), Errno::fault) << "the count";
    EXPECT_EQ(call("fd_write", 1, 0, 1, page - 2), Errno::fault) << "the result";
    EXPECT_EQ(host.output[1], "");
}

TEST_F(WasiTest, streams_are_one_way) {
    put_buffers(0, {{100, 6}});
    EXPECT_EQ(call("fd_write", 0, 0, 1, 32), Errno::badf);
    EXPECT_EQ(call("fd_read", 1, 0, 1, 32), Errno::badf);
    EXPECT_EQ(call("fd_write", 3, 0, 1, 32), Errno::badf);
}

TEST_F(WasiTest, read_scatters_and_ends_with_zero) {
    host.input = "abcde";
    put_buffers(0, {{100, 3}, {200, 8}});
    EXPECT_EQ(call("fd_read", 0, 0, 2, 32), Errno::success);
    EXPECT_EQ(at<uint32_t>(32), 5u);
    EXPECT_EQ(text(100, 3), "abc");
    EXPECT_EQ(text(200, 2), "de");
    EXPECT_EQ(call("fd_read", 0, 0, 2, 32), Errno::success);
    EXPECT_EQ(at<uint32_t>(32), 0u);
}

TEST_F(WasiTest, a_buffer_that_overlaps_its_own_list_is_safe) {
    // The first buffer overlaps the entry of the second, which then points out of bounds.
    host.input = std::string("\xff\xff\xff\xff\xff\xff\xff\xff rest", 13);
    put_buffers(0, {{8, 8}, {100, 4}});
    EXPECT_EQ(call("fd_read", 0, 0, 2, 32), Errno::success);
    EXPECT_EQ(at<uint32_t>(32), 8u);
}

TEST_F(WasiTest, closed_descriptors_are_bad) {
    EXPECT_EQ(call("fd_close", 1), Errno::success);
    EXPECT_EQ(call("fd_close", 1), Errno::badf);
    put_buffers(0, {{100, 6}});
    EXPECT_EQ(call("fd_write", 1, 0, 1, 32), Errno::badf);
    EXPECT_EQ(call("fd_close", 7), Errno::badf);
}

TEST_F(WasiTest, streams_have_no_position) {
    EXPECT_EQ(call("fd_seek", 0, 32), Errno::spipe);
    EXPECT_EQ(call("fd_seek", 9, 32), Errno::badf);
}

TEST_F(WasiTest, fdstat_tells_a_terminal_from_a_pipe) {
    EXPECT_EQ(call("fd_fdstat_get", 1, 64), Errno::success);
    EXPECT_EQ(at<uint8_t>(64), 0);
    EXPECT_NE(at<uint64_t>(72) & 1 << 6, 0u) << "the right to write";
    host.terminal = true;
    EXPECT_EQ(call("fd_fdstat_get", 0, 64), Errno::success);
    EXPECT_EQ(at<uint8_t>(64), 2);
    EXPECT_EQ(at<uint64_t>(72) & (1 << 2 | 1 << 5 | 1 << 6), 0u) << "no seek, tell or write";
    EXPECT_EQ(call("fd_fdstat_get", 3, 64), Errno::badf);
    EXPECT_EQ(call("fd_fdstat_get", 0, page - 23), Errno::fault);
}

TEST_F(WasiTest, flags_can_be_set_but_for_synchronous_writing) {
    EXPECT_EQ(call("fd_fdstat_set_flags", 1, 1 | 4), Errno::success);
    EXPECT_EQ(call("fd_fdstat_set_flags", 1, 2), Errno::notsup);
    EXPECT_EQ(call("fd_fdstat_set_flags", 1, 32), Errno::inval);
    EXPECT_EQ(call("fd_fdstat_set_flags", 5, 0), Errno::badf);
}

TEST_F(WasiTest, there_are_no_preopened_directories) {
    EXPECT_EQ(call("fd_prestat_get", 3, 0), Errno::badf);
    EXPECT_EQ(call("path_open"), Errno::badf);
}

TEST_F(WasiTest, clocks_answer_in_nanoseconds) {
    EXPECT_EQ(call("clock_time_get", 0, 64), Errno::success);
    EXPECT_EQ(at<uint64_t>(64), 1'000u);
    EXPECT_EQ(call("clock_res_get", 3, 64), Errno::success);
    EXPECT_EQ(at<uint64_t>(64), 7u);
    EXPECT_EQ(call("clock_time_get", 4, 64), Errno::inval);
    EXPECT_EQ(call("clock_time_get", 1, page - 7), Errno::fault);
}

TEST_F(WasiTest, poll_waits_for_the_earliest_clock) {
    put_clock_subscription(0, 11, 500);
    put_clock_subscription(48, 22, 300);
    put_clock_subscription(96, 33, 1'300, true, Clock::realtime);
    EXPECT_EQ(call("poll_oneoff", 0, 1024, 3, 512), Errno::success);
    EXPECT_EQ(host.slept, 300u);
    ASSERT_EQ(at<uint32_t>(512), 2u);
    EXPECT_EQ(at<uint64_t>(1024), 22u);
    EXPECT_EQ(at<uint64_t>(1024 + 32), 33u);
    EXPECT_EQ(at<uint16_t>(1024 + 8), 0u);
}

TEST_F(WasiTest, poll_does_not_wait_for_past_ready_or_invalid_events) {
    put_clock_subscription(0, 11, 500);
    put_clock_subscription(48, 22, 999, true);
    put_clock_subscription(96, 33, 5, false, Clock::thread_cpu);
    put<uint64_t>(144, 44);
    put<uint8_t>(152, 1);
    put<uint32_t>(160, 0);
    EXPECT_EQ(call("poll_oneoff", 0, 1024, 4, 512), Errno::success);
    EXPECT_EQ(host.slept, 0u);
    ASSERT_EQ(at<uint32_t>(512), 3u);
    EXPECT_EQ(at<uint64_t>(1024), 22u);
    EXPECT_EQ(at<uint64_t>(1056), 33u);
    EXPECT_EQ(at<uint16_t>(1056 + 8), static_cast<uint16_t>(Errno::notsup));
    EXPECT_EQ(at<uint64_t>(1088), 44u);
    EXPECT_EQ(at<uint8_t>(1088 + 10), 1u);
}

TEST_F(WasiTest, poll_checks_its_lists) {
    EXPECT_EQ(call("poll_oneoff", 0, 1024, 0, 512), Errno::inval);
    EXPECT_EQ(call("poll_oneoff", page - 47, 1024, 1, 512), Errno::fault);
    EXPECT_EQ(call("poll_oneoff", 0, page - 31, 1, 512), Errno::fault);
    EXPECT_EQ(call("poll_oneoff", 0, 1024, 1, page - 3), Errno::fault);
    EXPECT_EQ(call("poll_oneoff", 0, 1024, UINT32_MAX, 512), Errno::fault);
}

TEST_F(WasiTest, random_fills_only_valid_ranges) {
    EXPECT_EQ(call("random_get", 4, 3), Errno::success);
    EXPECT_EQ(at<uint64_t>(0), 0x00'5a'5a'5a'00'00'00'00u);
    EXPECT_EQ(call("random_get", page - 1, 2), Errno::fault);
}

TEST_F(WasiTest, yield_succeeds) { EXPECT_EQ(call("sched_yield"), Errno::success); }

TEST_F(WasiTest, exit_ends_the_program_with_its_status) {
    const Value status{42};
    const auto called = instance->func("proc_exit")->call({&status, 1});
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::exit);
    EXPECT_EQ(called.error().exit_status(), 42);
}

TEST_F(WasiTest, a_caller_without_memory_gets_fault) {
    const auto bytes = parse_wat(R"((module
        (import "wasi_snapshot_preview1" "random_get" (func $f (param i32 i32) (result i32)))
        (func (export "f") (result i32) (call $f (i32.const 0) (i32.const 1)))))");
    const auto module = engine.load(*bytes);
    ASSERT_TRUE(module);
    const auto lonely = linker.instantiate(store, *module);
    ASSERT_TRUE(lonely);
    const auto called = (*lonely->func<uint32_t()>("f"))();
    ASSERT_TRUE(called);
    EXPECT_EQ(static_cast<Errno>(*called), Errno::fault);
}

TEST(NativeHostTest, monotonic_time_passes_while_sleeping) {
    wasi::Host& host = wasi::native_host();
    const uint64_t before = host.now(Clock::monotonic).value();
    host.sleep(2'000'000);
    EXPECT_GE(host.now(Clock::monotonic).value() - before, 2'000'000u);
    EXPECT_GT(host.resolution(Clock::monotonic).value(), 0u);
}

TEST(NativeHostTest, sleeping_ends) {
    for (const uint64_t nanoseconds : {0u, 1u, 1'000'000u})
        wasi::native_host().sleep(nanoseconds);
}

TEST(NativeHostTest, random_bytes_differ) {
    std::array<uint8_t, 600> first{};
    std::array<uint8_t, 600> second{};
    ASSERT_TRUE(wasi::native_host().random(first));
    ASSERT_TRUE(wasi::native_host().random(second));
    EXPECT_NE(first, second);
}

} // namespace
