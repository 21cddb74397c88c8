#include "fixture.hpp"
#include "store/native_stack.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <pthread.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <ucontext.h>
#endif

namespace warpbeam {
namespace {

/// Runs something on a thread with a native stack of that size, which is at `stack` if that isn't null.
void on_stack_at(void* stack, size_t size, std::function<void()> run) {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(stack != nullptr ? pthread_attr_setstack(&attributes, stack, size)
                               : pthread_attr_setstacksize(&attributes, size),
              0);
    pthread_t thread;
    const auto entry = [](void* argument) -> void* {
        (*static_cast<std::function<void()>*>(argument))();
        return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &attributes, entry, &run), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}
void on_stack_of(size_t size, std::function<void()> run) { on_stack_at(nullptr, size, std::move(run)); }

/// Calls itself until so much of the stack is used, and then asks.
[[gnu::noinline]] void ask_at(uintptr_t top, size_t used, const std::function<void()>& ask) {
    volatile char room[1024];
    room[0] = 0;
    if (top - reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < used)
        ask_at(top, used, ask);
    else
        ask();
    room[1] = room[0]; // not a tail call
}

class NativeStackTest : public VmTest {
protected:
    NativeStackTest() : VmTest{{.host_call_depth = 1'000'000}} {
        EXPECT_TRUE(linker.func("env", "again", [this](Caller& caller) -> std::expected<void, Trap> {
            const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
            if (last != 0)
                bytes_per_level = last - here;
            last = here;
            ++levels;
            return (*caller.instance()->func<void()>("run"))();
        }));
        instance = instantiate(R"((module (import "env" "again" (func $again))
            (func (export "run") (call $again))))");
    }

    Instance instance;
    uintptr_t last = 0;
    size_t bytes_per_level = 0;
    size_t levels = 0;
};

TEST_F(NativeStackTest, is_looked_at_before_each_call_into_the_store) {
    for (const size_t size : {size_t{256}, size_t{1024}}) {
        levels = last = 0;
        on_stack_of(size * 1024, [&] {
            const auto result = instance.func("run")->call();
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code(), TrapCode::call_stack_exhausted);
        });
        EXPECT_GT(levels, size / 8) << "bytes per level: " << bytes_per_level;
    }
    RecordProperty("bytes_per_level", static_cast<int>(bytes_per_level));
}

TEST_F(NativeStackTest, no_more_is_kept_free_than_the_reserve) {
    const Instance other = instantiate(R"((module (func (export "f") (result i32) (i32.const 42))))");
    on_stack_of(2048 * 1024, [&] {
        ask_at(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)), 1700 * 1024,
               [&] { EXPECT_EQ((*other.func<int32_t()>("f"))(), 42); });
    });
}

TEST_F(NativeStackTest, of_a_small_thread_is_not_all_reserve) {
    size_t size = 64 * 1024;
#ifndef _WIN32
    size =
        std::max(size, static_cast<size_t>(::sysconf(_SC_THREAD_STACK_MIN))); // twice as much on 64-bit ARM
#endif
    on_stack_of(size, [&] {
        const Instance other = instantiate(R"((module (func (export "f") (result i32) (i32.const 42))))");
        EXPECT_EQ((*other.func<int32_t()>("f"))(), 42);
        EXPECT_EQ(instance.func("run")->call().error().code(), TrapCode::call_stack_exhausted);
    });
}

#ifndef _WIN32 // which has no std::aligned_alloc
TEST(NativeStack, what_is_left_counts_against_the_reserve_or_a_quarter_of_all) {
    // A stack whose size the C library does not choose.
    const std::unique_ptr<void, void (*)(void*)> memory{std::aligned_alloc(65536, 1 << 20), std::free};
    const auto has_left = [&](size_t size, size_t used, int64_t reserve) {
        bool enough = false;
        on_stack_at(memory.get(), size, [&] {
            ask_at(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)), used,
                   [&] { enough = vm::has_native_stack(reserve); });
        });
        return enough;
    };
    constexpr size_t kib = 1024;
    // Of a megabyte, a reserve of 100 KiB is less than a quarter.
    EXPECT_TRUE(has_left(1024 * kib, 0, 100 * kib));
    EXPECT_TRUE(has_left(1024 * kib, 850 * kib, 100 * kib));
    EXPECT_FALSE(has_left(1024 * kib, 960 * kib, 100 * kib));
    // Of 256 KiB it is more.
    EXPECT_TRUE(has_left(256 * kib, 170 * kib, 100 * kib));
    EXPECT_FALSE(has_left(256 * kib, 220 * kib, 100 * kib));
}
#endif

#if defined(__GLIBC__) && defined(__x86_64__)
// For the main thread we don't ask the C library, which takes long.
TEST(NativeStack, of_the_main_thread_begins_where_the_c_library_says) {
    if (::getpid() != ::gettid())
        GTEST_SKIP() << "tests run on another thread";
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
    void* low = nullptr;
    size_t size = 0;
    ASSERT_EQ(pthread_attr_getstack(&attributes, &low, &size), 0);
    pthread_attr_destroy(&attributes);
    EXPECT_TRUE(vm::look_up_native_stack(0));
    EXPECT_EQ(vm::native_stack_low, vm::address_of(low));
}
#endif

#if defined(__GLIBC__)
// A coroutine of the embedder's, about which the system knows nothing.
TEST_F(NativeStackTest, of_the_embedders_own_is_not_judged) {
    std::vector<char> memory(256 * 1024);
    static ucontext_t outside, inside;
    static std::function<void()> body;
    int32_t result = 0;
    const Instance other = instantiate(R"((module (func (export "f") (result i32) (i32.const 42))))");
    body = [&] {
        const auto called = (*other.func<int32_t()>("f"))();
        result = called ? *called : -1;
    };
    ASSERT_EQ(::getcontext(&inside), 0);
    inside.uc_stack.ss_sp = memory.data();
    inside.uc_stack.ss_size = memory.size();
    inside.uc_link = &outside;
    ::makecontext(&inside, [] { body(); }, 0);
    ASSERT_EQ(::swapcontext(&outside, &inside), 0);
    EXPECT_EQ(result, 42);
    body = nullptr;
}
#endif

#if defined(__OPTIMIZE__) && WARPBEAM_CHECKS == 0 && !defined(_WIN32)
enum class Result : uint8_t { none, ok, trap };
/// Calls a function with an i32 parameter and result from a depth of `depth` frames of 128 bytes and more.
[[gnu::noinline]] void call_at(int depth, const Func& f, Result& result) {
    volatile char room[128];
    room[0] = 0;
    if (depth > 0) {
        call_at(depth - 1, f, result);
    } else {
        const Value args[] = {Value{int32_t{20}}};
        Value results[1];
        result = f.call(args, results) ? Result::ok : Result::trap;
    }
    room[1] = room[0]; // not a tail call
}

/// The call that lowers a function needs no more than what is kept free.
TEST_F(NativeStackTest, has_room_for_a_function_that_is_lowered) {
    constexpr size_t page = 4096;
    constexpr size_t below = 16 * page;
#ifdef __s390x__
    // A quarter of 16 KiB is too little there: each frame has an area of 160 bytes for registers.
    constexpr size_t least = 24;
#else
    constexpr size_t least = 16;
#endif
    for (const size_t size : {least, size_t{24}, size_t{32}, size_t{64}}) {
        if (static_cast<long>(size * 1024) < ::sysconf(_SC_THREAD_STACK_MIN))
            continue;
        size_t traps = 0;
        for (int depth = 0; depth < static_cast<int>(size) * 8; ++depth) {
            const Func f =
                *instantiate(R"((module (func (export "f") (param i32) (result i32) local.get 0)))")
                     .func("f");
            auto* const memory = static_cast<unsigned char*>(std::aligned_alloc(page, below + size * 1024));
            ASSERT_NE(memory, nullptr);
            std::memset(memory, 0x5a, below);
            Result result{};
            on_stack_at(memory + below, size * 1024, [&] { call_at(depth, f, result); });
            traps += result == Result::trap;
            const bool kept = std::all_of(memory, memory + below, [](unsigned char c) { return c == 0x5a; });
            std::free(memory);
            ASSERT_TRUE(kept) << size << " KiB, depth " << depth;
            if (result == Result::trap)
                break;
        }
        EXPECT_EQ(traps, 1u) << size << " KiB";
    }
}
#endif

} // namespace
} // namespace warpbeam
