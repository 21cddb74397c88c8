#pragma once

#include "call_tree.hpp"
#include "shadow_stacks.hpp"

#include <warpbeam/vm/execution.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace warpbeam::cli {

/// Stops an execution about every millisecond, from a thread of its own, so that its stack can be sampled.
class Sampler {
public:
    static constexpr std::chrono::milliseconds period{1};

    /// The handle is that of the store in which the execution runs.
    explicit Sampler(const InterruptHandle& handle);
    ~Sampler();
    Sampler(const Sampler&) = delete;
    Sampler& operator=(const Sampler&) = delete;

    /// Adds the stack of an execution that has stopped, with the time since the last sample: a function that
    /// was long in a host function, or elsewhere where it can't be stopped, has used all of it.
    void take(const Execution& execution, CallTree& tree);

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point since_ = Clock::now();
    std::array<ActiveFunc, 2048> active_;
    std::vector<uint32_t> path_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ends_ = false;
    std::thread thread_; ///< the last member, since it uses the others
};

/// Counts the calls of each function, and the fuel that it takes.
class Counter {
public:
    /// `fuel` is how much there is at first.
    Counter(CallTree& tree, uint64_t fuel) : tree_{tree}, fuel_{fuel} {}
    void observe(const Observation& observation);
    /// After the end of the run, with the fuel that is left.
    void finish(uint64_t fuel);

private:
    CallTree& tree_;
    ShadowStacks stacks_;
    uint64_t fuel_;
};

} // namespace warpbeam::cli
