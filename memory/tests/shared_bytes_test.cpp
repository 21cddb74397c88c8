#include <gtest/gtest.h>
#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/memory/shared_bytes.hpp>

#include <chrono>
#include <thread>
#include <vector>

namespace warpbeam {
namespace {

using namespace std::chrono_literals;

Ref<SharedBytes> make(uint64_t pages, uint64_t max_pages) {
    Ref<SharedBytes> shared = SharedBytes::create({.initial_pages = pages, .max_pages = max_pages});
    EXPECT_TRUE(shared);
    return shared;
}

std::atomic_ref<uint32_t> word(const SharedBytes& shared, uint64_t address) {
    return std::atomic_ref<uint32_t>{*reinterpret_cast<uint32_t*>(shared.data() + address)};
}

/// Waits until this number of threads have probably gone to sleep: there is no way to ask, so this sleeps a
/// while.
void wait_until_asleep(SharedBytes& shared, const std::atomic<uint32_t>& arriving, uint32_t count) {
    while (arriving.load() < count)
        std::this_thread::yield();
    (void)shared;
    std::this_thread::sleep_for(20ms);
}

TEST(SharedBytes, grows_in_place_up_to_its_maximum) {
    const auto shared = make(1, 3);
    uint8_t* const before = shared->data();
    EXPECT_EQ(shared->size(), 65536u);
    EXPECT_EQ(shared->grow(2), 1u);
    EXPECT_EQ(shared->data(), before);
    EXPECT_EQ(shared->size(), 3u * 65536);
    EXPECT_EQ(shared->data()[3 * 65536 - 1], 0);
    EXPECT_EQ(shared->grow(1), std::nullopt);
    EXPECT_EQ(shared->grow(UINT64_MAX), std::nullopt);
    EXPECT_EQ(shared->grow(0), 3u);
}

TEST(SharedBytes, refuses_impossible_options) {
    EXPECT_FALSE(SharedBytes::create({.initial_pages = 2, .max_pages = 1}));
    EXPECT_FALSE(SharedBytes::create({.initial_pages = 0, .max_pages = uint64_t{1} << 48}));
    EXPECT_FALSE(SharedBytes::create({.initial_pages = 0, .max_pages = uint64_t{1} << 47}));
    const auto empty = SharedBytes::create({.initial_pages = 0, .max_pages = 0});
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty->size(), 0u);
    EXPECT_EQ(empty->grow(1), std::nullopt);
}

TEST(SharedBytes, may_have_half_of_the_largest_size) {
    for (const size_t bytes : {SIZE_MAX / 2, SIZE_MAX / 2 + 1}) {
        AccountingAllocator counted{Allocator::standard(), 1 << 20};
        EXPECT_FALSE(SharedBytes::create({.page_size_log2 = 0, .max_pages = bytes, .allocator = &counted}));
        EXPECT_EQ(counted.reserved().calls != 0, bytes == SIZE_MAX / 2) << "whether the system was asked";
    }
}

TEST(SharedBytes, has_guard_pages_only_if_it_is_asked_for) {
    for (const bool guarded : {false, true}) {
        AccountingAllocator counted;
        const auto shared = SharedBytes::create(
            {.initial_pages = 1, .max_pages = 2, .guarded = guarded, .allocator = &counted});
        if (!shared || counted.reserved().live == 0)
            GTEST_SKIP() << "no address space here";
        EXPECT_EQ(counted.reserved().live >= LinearMemory::guarded_size, guarded);
    }
}

TEST(SharedBytes, waits_only_if_the_value_is_as_expected) {
    const auto shared = make(1, 1);
    EXPECT_EQ(shared->wait<uint32_t>(8, 1, -1), WaitResult::not_equal);
    EXPECT_EQ(shared->wait<uint64_t>(8, 1, -1), WaitResult::not_equal);
    EXPECT_EQ(shared->wait<uint32_t>(8, 0, 0), WaitResult::timed_out);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(shared->wait<uint64_t>(8, 0, 5'000'000), WaitResult::timed_out);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
    EXPECT_EQ(shared->notify(8, UINT32_MAX), 0u) << "timed-out threads no longer wait";
}

TEST(SharedBytes, a_wait_that_ends_at_once_is_never_notified) {
    const auto shared = make(1, 1);
    std::atomic<bool> done = false;
    std::thread waiter{[&] {
        for (int i = 0; i < 20'000; ++i)
            if (shared->wait<uint32_t>(0, 0, 0) != WaitResult::timed_out) {
                ADD_FAILURE() << "notified";
                break;
            }
        done = true;
    }};
    uint32_t notified = 0;
    while (!done)
        notified += shared->notify(0, 1);
    waiter.join();
    EXPECT_EQ(notified, 0u);
}

TEST(SharedBytes, notifies_in_order_of_arrival_and_only_at_the_address) {
    const auto shared = make(1, 1);
    std::atomic<uint32_t> arriving = 0;
    std::vector<int> woken;
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            ++arriving;
            EXPECT_EQ(shared->wait<uint32_t>(i == 1 ? 64 : 0, 0, INT64_MAX), WaitResult::notified);
            const std::lock_guard lock{mutex};
            woken.push_back(i);
        });
        wait_until_asleep(*shared, arriving, static_cast<uint32_t>(i) + 1);
    }
    EXPECT_EQ(shared->notify(0, 0), 0u);
    EXPECT_EQ(shared->notify(4, 5), 0u);
    EXPECT_EQ(shared->notify(0, 1), 1u);
    threads[0].join();
    EXPECT_EQ(shared->notify(64, 1), 1u);
    threads[1].join();
    EXPECT_EQ(shared->notify(0, UINT32_MAX), 2u);
    threads[2].join();
    threads[3].join();
    EXPECT_EQ(shared->notify(0, UINT32_MAX), 0u);
    EXPECT_EQ(std::vector<int>(woken.begin(), woken.begin() + 2), (std::vector<int>{0, 1}));
}

TEST(SharedBytes, an_interrupt_ends_a_wait) {
    const auto shared = make(1, 1);
    std::atomic<uint64_t> interrupt = 0;
    std::thread waiter{
        [&] { EXPECT_EQ(shared->wait<uint32_t>(0, 0, -1, &interrupt), WaitResult::interrupted); }};
    std::this_thread::sleep_for(5ms);
    interrupt = 1;
    waiter.join();
    EXPECT_EQ(shared->notify(0, 1), 0u);
}

/// Every token that is passed on must arrive: a lost wake-up would hang, a spurious one would break the
/// count.
TEST(SharedBytes, no_notification_is_lost) {
    const auto shared = make(1, 8);
    constexpr uint32_t rounds = 2000;
    const auto pass = [&](uint64_t mine, uint64_t others) {
        for (uint32_t i = 1; i <= rounds; ++i) {
            for (uint32_t seen; (seen = word(*shared, mine).load()) < i;)
                (void)shared->wait<uint32_t>(mine, seen, -1);
            word(*shared, others).fetch_add(1);
            (void)shared->notify(others, 1);
            if (i % 500 == 0)
                (void)shared->grow(1);
        }
    };
    std::thread first{[&] { pass(0, 64); }};
    std::thread second{[&] { pass(64, 0); }};
    word(*shared, 0).store(1);
    (void)shared->notify(0, 1);
    first.join();
    second.join();
    EXPECT_EQ(word(*shared, 0).load(), rounds + 1);
    EXPECT_EQ(word(*shared, 64).load(), rounds);
    EXPECT_EQ(shared->size(), 8u * 65536) << "eight requests to grow, of which seven fit";
}

} // namespace
} // namespace warpbeam
