#include "fixture.hpp"

#include <warpbeam/memory/little_endian.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

/// Atomic instructions, shared memories, waiting. Meant to be run under ThreadSanitizer too (preset `tsan`).

namespace warpbeam {
namespace {

using namespace std::chrono_literals;

Config with_threads() {
    Config config;
    config.features.enable(Feature::threads);
    config.interruption = true;
    return config;
}

constexpr MemoryType shared_type(uint64_t min, uint64_t max, bool is_64 = false) {
    return {.limits = {min, max, true, is_64}, .shared = true};
}

class ThreadsTest : public VmTest {
protected:
    explicit ThreadsTest(const Config& config = with_threads(), const StoreLimits& limits = {})
        : VmTest{config, limits} {}

    static SharedMemory make_shared(const MemoryType& type) {
        auto memory = SharedMemory::create(type);
        if (!memory)
            throw std::runtime_error{std::string{memory.error().message()}};
        return *memory;
    }
    /// Runs `body` on so many threads, each with a store and an instance of its own, whose import m.m is
    /// `memory`.
    template <typename Body>
    void on_threads(int count, const Module& module, const SharedMemory& memory, Body body) {
        std::vector<std::thread> threads;
        for (int i = 0; i < count; ++i)
            threads.emplace_back([&, i] {
                Store own{engine};
                Linker own_linker{engine};
                ASSERT_TRUE(own_linker.define("m", "m", *Memory::create(own, memory)));
                const auto instance = own_linker.instantiate(own, module);
                ASSERT_TRUE(instance) << instance.error().message();
                body(*instance, i);
            });
        for (std::thread& thread : threads)
            thread.join();
    }
    static std::atomic_ref<uint32_t> word(const SharedMemory& memory, size_t address) {
        return std::atomic_ref<uint32_t>{*reinterpret_cast<uint32_t*>(memory.data().data() + address)};
    }
    /// The number that the guest has there.
    static uint32_t number(const SharedMemory& memory, size_t address) {
        return little_endian(word(memory, address).load());
    }
    int32_t run(std::string_view body, std::string_view memory = "1 1 shared") {
        return value_of(instantiate("(module (memory " + std::string{memory} +
                                    ") (func (export \"f\") (result i32) " + std::string{body} + "))"),
                        "f");
    }
    std::string trap(std::string_view body, std::string_view memory = "1 1 shared") {
        return trap_of(instantiate("(module (memory " + std::string{memory} + ") (func (export \"f\") " +
                                   std::string{body} + "))"),
                       "f");
    }
};

TEST_F(ThreadsTest, no_update_is_lost) {
    const SharedMemory memory = make_shared(shared_type(1, 1));
    const auto module = load(R"((module (import "m" "m" (memory 1 1 shared))
      (func (export "hammer") (param $n i32) (local $i i32)
        (loop $again
          (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
          (drop (i64.atomic.rmw16.sub_u offset=4 (i32.const 4) (i64.const 1)))
          (i32.store (i32.const 32) (i32.add (i32.load (i32.const 32)) (i32.const 1)))
          (block $done (loop $retry
            (br_if $done (i32.eq
              (local.tee $i (i32.atomic.load offset=16 (i32.const 0)))
              (i32.atomic.rmw.cmpxchg offset=16 (i32.const 0) (local.get $i) (i32.add (local.get $i) (i32.const 3)))))
            (br $retry)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))))");
    constexpr int threads = 6;
    constexpr int32_t rounds = 3000;
    on_threads(threads, module, memory, [](Instance instance, int) {
        EXPECT_TRUE((*instance.func<void(int32_t)>("hammer"))(rounds));
    });
    EXPECT_EQ(number(memory, 0), static_cast<uint32_t>(threads * rounds));
    EXPECT_EQ(number(memory, 8), static_cast<uint16_t>(-threads * rounds));
    EXPECT_EQ(number(memory, 16), static_cast<uint32_t>(3 * threads * rounds));
}

/// A lock of the usual kind over plain accesses: what it guards needs no atomics.
TEST_F(ThreadsTest, a_lock_by_wait_and_notify_excludes) {
    const SharedMemory memory = make_shared(shared_type(1, 1));
    const auto module = load(R"((module (import "m" "m" (memory 1 1 shared))
      (func $lock
        (block $have
          (br_if $have (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1))))
          (loop $again
            (br_if $have (i32.eqz (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2))))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))
            (br $again))))
      (func $unlock
        (if (i32.eq (i32.atomic.rmw.xchg (i32.const 0) (i32.const 0)) (i32.const 2))
          (then (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
      (func (export "work") (param $n i32)
        (loop $again
          (call $lock)
          (i32.store offset=64 (i32.const 0) (i32.add (i32.load offset=64 (i32.const 0)) (i32.const 1)))
          (call $unlock)
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))))");
    on_threads(4, module, memory,
               [](Instance instance, int) { EXPECT_TRUE((*instance.func<void(int32_t)>("work"))(1000)); });
    EXPECT_EQ(number(memory, 64), 4000u);
}

/// While one thread grows the memory and publishes its size, others use the last page that they were told of.
TEST_F(ThreadsTest, growth_by_another_thread_is_seen_at_once) {
    for (const bool is_64 : {false, true}) {
        const SharedMemory memory = make_shared(shared_type(1, 64, is_64));
        std::string text = R"((module (import "m" "m" (memory $m ADDR 1 64 shared)) (data $d "\07")
          (func (export "grow") (result i32)
            (loop $more
              (if (T.ne (memory.grow (T.const 1)) (T.const -1))
                (then (i32.atomic.store (T.const 0) (i32.add (i32.atomic.load (T.const 0)) (i32.const 1)))
                      (br $more))))
            (i32.const 0))
          (func (export "use") (result i32) (local $seen i32) (local $at T) (local $sum i32)
            (loop $again
              (local.set $seen (i32.atomic.load (T.const 0)))
              (local.set $at (T.sub (T.mul (EXTEND (i32.add (local.get $seen) (i32.const 1))) (T.const 65536))
                                    (T.const 8)))
              (i32.store8 (local.get $at) (i32.const 1))
              (local.set $sum (i32.add (local.get $sum) (i32.mul (i32.const 10) (i32.load8_u (local.get $at)))))
              (memory.fill (local.get $at) (i32.const 2) (T.const 8))
              (memory.copy (T.add (local.get $at) (T.const 4)) (local.get $at) (T.const 4))
              (memory.init $d (local.get $at) (i32.const 0) (i32.const 1))
              (drop (i64.atomic.rmw.or (local.get $at) (i64.const 1)))
              (if (T.le_u (memory.size) (EXTEND (local.get $seen))) (then unreachable))
              (br_if $again (i32.lt_u (local.get $seen) (i32.const 63))))
            (i32.rem_u (local.get $sum) (i32.const 10)))))";
        const auto replace = [&](std::string_view from, std::string_view to) {
            for (size_t at; (at = text.find(from)) != std::string::npos;)
                text.replace(at, from.size(), to);
        };
        replace("(EXTEND ", is_64 ? "(i64.extend_i32_u " : "(i32.or (i32.const 0) ");
        replace("ADDR", is_64 ? "i64" : "");
        for (const std::string_view before : {"(", " "})
            for (const std::string_view after : {".", ")"})
                replace(std::string{before} + "T" + std::string{after},
                        std::string{before} + (is_64 ? "i64" : "i32") + std::string{after});
        const auto module = load(text);
        on_threads(5, module, memory, [](Instance instance, int i) {
            const auto result = (*instance.func<int32_t()>(i == 0 ? "grow" : "use"))();
            ASSERT_TRUE(result) << result.error().message();
            EXPECT_EQ(*result, 0);
        });
        EXPECT_EQ(memory.data().size(), 64u * 65536);
    }
}

/// An access that is tried again finds its operands and everything else where they were.
TEST_F(ThreadsTest, what_is_tried_again_keeps_its_registers) {
    const SharedMemory memory = make_shared(shared_type(1, 2));
    ASSERT_TRUE(linker.define("m", "m", *Memory::create(store, memory)));
    const auto instance = instantiate(R"((module (import "m" "m" (memory 1 2 shared))
      (func (export "f") (param $a i32) (param $b i32) (result i32) (local $n i32)
        (i32.atomic.store (i32.const 0) (i32.const 1))
        (loop $wait (br_if $wait (i32.eqz (i32.atomic.load (i32.const 4)))))
        (loop $again
          (i32.store (i32.add (local.get $a) (i32.mul (local.get $n) (i32.const 4)))
                     (i32.add (i32.mul (local.get $b) (i32.const 3)) (local.get $n)))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
        (i32.sub (i32.mul (local.get $b) (i32.const 100))
                 (i32.load (i32.add (local.get $a) (i32.const 12)))))))");
    std::thread other{[&] {
        while (word(memory, 0).load() == 0)
            std::this_thread::yield();
        EXPECT_TRUE(memory.grow(1));
        word(memory, 4).store(1);
    }};
    const auto result = (*instance.func<int32_t(int32_t, int32_t)>("f"))(65536 + 100, 7);
    other.join();
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(*result, 700 - 24);
}

TEST_F(ThreadsTest, an_interrupt_ends_a_wait) {
    const auto instance = instantiate(R"((module (memory 1 1 shared) (func (export "f")
        (drop (memory.atomic.wait64 (i32.const 8) (i64.const 0) (i64.const -1))))))");
    const InterruptHandle handle = store.interrupt_handle();
    std::thread other{[&] {
        std::this_thread::sleep_for(20ms);
        handle.interrupt();
    }};
    EXPECT_EQ(trap_of(instance, "f"), "interrupted");
    other.join();
}

TEST_F(ThreadsTest, the_host_takes_part) {
    const auto instance =
        instantiate(R"((module (memory (export "m") 1 1 shared) (func (export "f") (result i32)
        (i32.atomic.store (i32.const 0) (i32.const 1))
        (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const -1)))))");
    const SharedMemory memory = *instance.memory("m")->shared();
    std::thread host{[&] {
        EXPECT_EQ(*memory.wait<uint32_t>(0, 7, -1), WaitResult::not_equal);
        while (word(memory, 0).load() == 0)
            std::this_thread::yield();
        while (memory.notify(4, 1) == 0)
            std::this_thread::yield();
    }};
    EXPECT_EQ(value_of(instance, "f"), 0);
    host.join();
    EXPECT_FALSE(memory.wait<uint64_t>(4, 0, 0));
    EXPECT_FALSE(memory.wait<uint32_t>(65536, 0, 0));
}

TEST_F(ThreadsTest, operands_come_from_everywhere) {
    EXPECT_EQ(
        run("(local $a i32) (local.set $a (i32.const 8))"
            "(i32.atomic.store (i32.add (local.get $a) (i32.const 4)) (i32.mul (local.get $a) (i32.const 5)))"
            "(i32.sub (i32.mul (local.get $a) (i32.const 2)) (i32.atomic.rmw.add offset=4 (local.get $a) "
            "(i32.shl (local.get $a) (i32.const 1))))"),
        16 - 40);
    EXPECT_EQ(run("(i64.atomic.store (i64.const 8) (i64.const 5)) (atomic.fence)"
                  "(i32.wrap_i64 (i64.atomic.rmw32.xchg_u offset=4 (i64.const 4) (i64.const -1)))",
                  "i64 1 1 shared"),
              5);
    EXPECT_EQ(
        run("(i32.atomic.store 1 (i32.const 8) (i32.const 5))"
            "(i32.add (i32.atomic.load (i32.const 8)) (i32.atomic.rmw.xor 1 (i32.const 8) (i32.const 1)))",
            "1) (memory 1"),
        5);
}

TEST_F(ThreadsTest, narrow_exchanges_wrap_their_operands) {
    // What is expected has bits beyond the memory's width, what replaces it has too.
    EXPECT_EQ(run("(i32.atomic.store8 (i32.const 3) (i32.const 0x1ff))"
                  "(i32.add (i32.atomic.rmw8.cmpxchg_u (i32.const 3) (i32.const 0x1ff) (i32.const 0x201))"
                  "(i32.mul (i32.const 1000) (i32.atomic.load8_u (i32.const 3))))"),
              0xff + 1000);
    EXPECT_EQ(run("(i32.atomic.store16 (i32.const 2) (i32.const 7))"
                  "(i32.add (i32.atomic.rmw16.cmpxchg_u (i32.const 2) (i32.const -65529) (i32.const -65534))"
                  "(i32.mul (i32.const 1000) (i32.atomic.load16_u (i32.const 2))))"),
              7 + 2000);
    EXPECT_EQ(run("(i32.atomic.store (i32.const 4) (i32.const 7))"
                  "(i32.wrap_i64 (i64.add"
                  "(i64.atomic.rmw32.cmpxchg_u (i32.const 4) (i64.const 0x500000007) (i64.const 0x900000002))"
                  "(i64.mul (i64.const 1000) (i64.atomic.load32_u (i32.const 4)))))"),
              7 + 2000);
    EXPECT_EQ(run("(i32.atomic.store8 (i32.const 3) (i32.const 5))"
                  "(i32.add (i32.atomic.rmw8.cmpxchg_u (i32.const 3) (i32.const 0x106) (i32.const 1))"
                  "(i32.mul (i32.const 1000) (i32.atomic.load8_u (i32.const 3))))"),
              5 + 5000);
}

TEST_F(ThreadsTest, faults_have_their_traps) {
    EXPECT_EQ(trap("(drop (i32.atomic.load (i32.const 6)))"), "unaligned atomic: 4 bytes at 6");
    EXPECT_EQ(trap("(drop (i64.atomic.rmw.add offset=4 (i32.const 16) (i64.const 1)))"),
              "unaligned atomic: 8 bytes at 20");
    EXPECT_EQ(trap("(drop (i32.atomic.load offset=0xfffffffffffffffc (i64.const 6)))", "i64 1"),
              "unaligned atomic: 4 bytes at 18446744073709551618");
    EXPECT_EQ(trap("(drop (i64.atomic.load16_u (i32.const 65536)))"),
              "out of bounds memory access: 2 bytes at 65536, memory has 65536");
    EXPECT_EQ(trap("(i32.atomic.store offset=4294967292 (i32.const -4) (i32.const 0))"),
              "out of bounds memory access: 4 bytes at 8589934584, memory has 65536");
    EXPECT_EQ(trap("(i32.atomic.store offset=16 (i64.const -8) (i32.const 0))", "i64 1 1 shared"),
              "out of bounds memory access: 4 bytes at 18446744073709551624, memory has 65536")
        << "the address has 65 bits";
    EXPECT_EQ(trap("(drop (memory.atomic.notify offset=16 (i64.const -8) (i32.const 0)))", "i64 1 1 shared"),
              "out of bounds memory access: 4 bytes at 18446744073709551624, memory has 65536");
    EXPECT_EQ(trap("(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))", "1"),
              "expected shared memory");
    EXPECT_EQ(trap("(drop (memory.atomic.wait64 (i32.const 4) (i64.const 0) (i64.const 0)))"),
              "unaligned atomic: 8 bytes at 4");
    EXPECT_EQ(trap("(drop (memory.atomic.wait32 (i32.const -4) (i32.const 0) (i64.const 0)))"),
              "out of bounds memory access: 4 bytes at 4294967292, memory has 65536");
    EXPECT_EQ(run("(memory.atomic.notify (i32.const 0) (i32.const -1))"), 0);
    EXPECT_EQ(run("(memory.atomic.notify (i32.const 0) (i32.const 0))", "1"), 0);
    EXPECT_EQ(run("(memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000))"), 2);
    EXPECT_EQ(run("(memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const -1))"), 1);
}

TEST_F(ThreadsTest, types_of_shared_memories) {
    EXPECT_FALSE(SharedMemory::create({.limits = {1, 1, true, false}}));
    EXPECT_FALSE(SharedMemory::create({.limits = {1, 0, false, false}, .shared = true}));
    EXPECT_FALSE(SharedMemory::create(shared_type(2, 1)));
    const auto vast = SharedMemory::create(shared_type(1, uint64_t{1} << 48, true));
    ASSERT_FALSE(vast);
    EXPECT_EQ(vast.error().code(), ErrorCode::out_of_memory);
    const SharedMemory memory = make_shared(shared_type(1, 2));
    ASSERT_TRUE(linker.define("m", "m", *Memory::create(store, memory)));
    EXPECT_NE(refusal("(module (import \"m\" \"m\" (memory 2 2 shared)))"), "");
    ASSERT_TRUE(memory.grow(1));
    EXPECT_EQ(memory.type().limits.min, 2u);
    (void)instantiate("(module (import \"m\" \"m\" (memory 2 2 shared)))");
    EXPECT_NE(refusal("(module (import \"m\" \"m\" (memory 1 2)))"), "");
    EXPECT_FALSE(memory.grow(1));
}

class WaitlessTest : public ThreadsTest {
protected:
    static Config config() {
        Config config = with_threads();
        config.waiting = false;
        return config;
    }
    WaitlessTest() : ThreadsTest{config(), {.memory_bytes = 4 * 65536}} {}
};

TEST_F(WaitlessTest, a_thread_that_must_not_be_suspended_is_not) {
    EXPECT_EQ(trap("(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))"),
              "waiting is not allowed on this thread (Config::waiting)");
    EXPECT_EQ(run("(memory.atomic.notify (i32.const 0) (i32.const 1))"), 0);
}

TEST_F(WaitlessTest, a_shared_memory_counts_with_what_it_can_become) {
    EXPECT_EQ(refusal("(module (memory 1 5 shared))"),
              "a shared memory of up to 5 pages exceeds the store's limit of 262144 bytes");
    EXPECT_EQ(refusal("(module (memory i64 1 0x1000000000000 shared))"),
              "a shared memory of up to 281474976710656 pages exceeds the store's limit of 262144 bytes");
    EXPECT_EQ(store.usage().memory_bytes, 0u);
    (void)instantiate("(module (memory 1 3 shared))");
    EXPECT_EQ(store.usage().memory_bytes, 3u * 65536);
    EXPECT_FALSE(Memory::create(store, make_shared(shared_type(0, 2))));
    EXPECT_TRUE(Memory::create(store, make_shared(shared_type(0, 1))));
}

TEST_F(ThreadsTest, waits_reach_to_the_last_bytes_of_a_memory) {
    const auto wait = [](const SharedMemory& memory, uint64_t address, auto expected) {
        const auto result = memory.wait(address, expected, 0);
        return result ? static_cast<int>(*result) : -1;
    };
    const int other = static_cast<int>(WaitResult::not_equal);
    const SharedMemory page = make_shared(shared_type(1, 1));
    EXPECT_EQ(wait(page, 65536 - 4, uint32_t{1}), other);
    EXPECT_EQ(wait(page, 65536 - 8, uint64_t{1}), other);
    EXPECT_EQ(wait(page, 65536, uint32_t{1}), -1);
    EXPECT_EQ(wait(page, 65536, uint64_t{1}), -1);
    // With pages of a byte, a memory may be as small as what is waited for.
    for (const uint64_t bytes : {0u, 3u, 4u, 7u, 8u}) {
        MemoryType type = shared_type(bytes, bytes);
        type.page_size_log2 = 0;
        const SharedMemory small = make_shared(type);
        EXPECT_EQ(wait(small, 0, uint32_t{1}), bytes >= 4 ? other : -1) << bytes;
        EXPECT_EQ(wait(small, 0, uint64_t{1}), bytes >= 8 ? other : -1) << bytes;
    }
}

} // namespace
} // namespace warpbeam
