#include "execution_fixture.hpp"

#include <warpbeam/vm/deadline.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

/// Slices that end at a point in time.

namespace warpbeam {
namespace {

using Clock = std::chrono::steady_clock;

/// One thread that waits for the next deadline.
class ThreadTimer final : public DeadlineTimer {
public:
    ThreadTimer() : thread_{[this] { run(); }} {}
    ~ThreadTimer() {
        {
            const std::lock_guard lock{mutex_};
            ends_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    void arm(Clock::time_point when, const InterruptHandle& handle) noexcept override {
        const std::lock_guard lock{mutex_};
        when_ = when;
        handle_.emplace(handle);
        changed_.notify_one();
    }
    void disarm() noexcept override {
        const std::lock_guard lock{mutex_};
        handle_.reset();
    }

private:
    void run() {
        std::unique_lock lock{mutex_};
        while (!ends_) {
            if (!handle_) {
                changed_.wait(lock);
            } else if (Clock::now() < when_) {
                changed_.wait_until(lock, when_);
            } else {
                handle_->interrupt();
                handle_.reset();
            }
        }
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<InterruptHandle> handle_;
    Clock::time_point when_;
    bool ends_ = false;
    std::thread thread_;
};

class DeadlineTest : public ExecutionTest {
protected:
    ThreadTimer timer;
};

TEST_F(DeadlineTest, ends_the_slice_of_an_endless_loop) {
    Execution execution = start(instantiate(R"((module (func (export "spin") (loop (br 0)))))"), "spin");
    for (int i = 0; i < 3; ++i) {
        const auto begin = Clock::now();
        ASSERT_EQ(resume_until(execution, store, timer, begin + std::chrono::milliseconds{10}),
                  ExecutionState::interrupted);
        EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds{10});
    }
}

TEST_F(DeadlineTest, does_nothing_to_what_ends_or_waits_before) {
    const Instance instance = instantiate(adder);
    const auto never = Clock::now() + std::chrono::hours{1};
    Execution counts = start(instance, "count", {1000});
    EXPECT_EQ(resume_until(counts, store, timer, never), ExecutionState::done);
    Execution waits = start(instance, "add", {0});
    EXPECT_EQ(resume_until(waits, store, timer, never), ExecutionState::host_call);
    EXPECT_EQ(resume_until(counts, store, timer, never).error().code(), ErrorCode::usage);
}

TEST_F(DeadlineTest, an_interrupt_between_two_slices_stops_the_next_one) {
    const Instance instance = instantiate(adder);
    const auto never = Clock::now() + std::chrono::hours{1};
    Execution waits = start(instance, "add", {0});
    ASSERT_EQ(resume_until(waits, store, timer, never), ExecutionState::host_call);
    store.interrupt_handle().interrupt();
    Execution counts = start(instance, "count", {1'000'000});
    EXPECT_EQ(resume_until(counts, store, timer, never), ExecutionState::interrupted);
    EXPECT_EQ(resume_until(counts, store, timer, never), ExecutionState::done) << "only once";
}

TEST_F(DeadlineTest, an_interrupt_at_the_end_of_a_slice_stops_the_next_one) {
    /// At the last moment of a slice, another thread interrupts, and so does the timer.
    struct LastMoment final : DeadlineTimer {
        void arm(Clock::time_point, const InterruptHandle& handle) noexcept override { late.emplace(handle); }
        void disarm() noexcept override {
            if (other)
                other->interrupt();
            late->interrupt();
        }
        std::optional<InterruptHandle> late;
        std::optional<InterruptHandle> other;
    } last;
    const Instance instance = instantiate(adder);
    Execution first = start(instance, "count", {10});
    last.other.emplace(store.interrupt_handle());
    ASSERT_EQ(resume_until(first, store, last, Clock::now()), ExecutionState::done);
    last.other.reset();
    Execution second = start(instance, "count", {1'000'000});
    EXPECT_EQ(resume_until(second, store, last, Clock::now()), ExecutionState::interrupted);
    EXPECT_EQ(resume_until(second, store, last, Clock::now()), ExecutionState::done);
}

TEST_F(DeadlineTest, that_is_late_does_not_stop_what_runs_next) {
    /// Interrupts only when the next slice begins.
    struct LateTimer final : DeadlineTimer {
        void arm(Clock::time_point, const InterruptHandle& handle) noexcept override {
            if (late)
                late->interrupt();
            late.emplace(handle);
        }
        void disarm() noexcept override {}
        std::optional<InterruptHandle> late;
    } late;
    const Instance instance = instantiate(adder);
    for (int i = 0; i < 3; ++i) {
        Execution execution = start(instance, "count", {10});
        EXPECT_EQ(resume_until(execution, store, late, Clock::now()), ExecutionState::done);
    }
}

} // namespace
} // namespace warpbeam
