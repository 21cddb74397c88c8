#include "profile.hpp"

#include "command.hpp"

namespace warpbeam::cli {

// ---- Samples ----

Sampler::Sampler(const InterruptHandle& handle)
    : thread_{[this, handle] {
          std::unique_lock lock{mutex_};
          while (!ends_) {
              if (changed_.wait_for(lock, period, [this] { return ends_; }))
                  return;
              handle.interrupt();
          }
      }} {}

Sampler::~Sampler() {
    {
        const std::lock_guard lock{mutex_};
        ends_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void Sampler::take(const Execution& execution, CallTree& tree) {
    const auto now = Clock::now();
    const size_t count = execution.active(active_);
    std::vector<uint32_t>& path = path_;
    path.clear();
    for (size_t i = 0; i < std::min(count, active_.size()); ++i)
        path.push_back(active_[i].func);
    if (count > active_.size())
        path.push_back(CallTree::unknown);
    tree.add_sample(path, static_cast<uint64_t>(std::chrono::nanoseconds{now - since_}.count()));
    since_ = Clock::now();
}

// ---- Exact counts ----

void Counter::observe(const Observation& observation) {
    const uint64_t fuel = observation.fuel();
    if (const ShadowStacks::Frame* const last = stacks_.innermost())
        tree_.at(last->payload).self += fuel < fuel_ ? fuel_ - fuel : 0;
    fuel_ = fuel;
    stacks_.synchronise(observation, [](const ShadowStacks::Left&) {});
    if (observation.event() != Observed::enter) {
        stacks_.pop(observation);
        return;
    }
    const ShadowStacks::Frame* const caller = stacks_.innermost();
    const uint32_t func = observation.func();
    const uint32_t node = tree_.child(caller != nullptr ? caller->payload : CallTree::root, func);
    ++tree_.at(node).calls;
    stacks_.push(observation, func, true, node);
}

void Counter::finish(uint64_t fuel) {
    if (const ShadowStacks::Frame* const last = stacks_.innermost())
        tree_.at(last->payload).self += fuel < fuel_ ? fuel_ - fuel : 0;
    fuel_ = fuel;
}

} // namespace warpbeam::cli
