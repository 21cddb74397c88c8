#include "shadow_stacks.hpp"

#include <algorithm>

namespace warpbeam::cli {

void ShadowStacks::drop(Stack& stack, const std::function<void(const Left&)>& left) {
    const Frame frame = stack.frames.back();
    stack.frames.pop_back();
    stack.shown -= frame.shown ? 1 : 0;
    left({frame, shown()});
}

void ShadowStacks::synchronise(const Observation& observation, const std::function<void(const Left&)>& left) {
    const void* const id = observation.stack();
    const auto found = std::ranges::find(active_, id);
    const bool begins = observation.event() == Observed::enter;
    // Frames of this depth are gone if another function begins there.
    const size_t depth = observation.depth() - (begins ? 1 : 0);
    if (found != active_.end()) {
        // The stacks above have suspended, or ended: they keep their frames, since they may go on.
        active_.erase(found + 1, active_.end());
    } else {
        // A stack that begins has nothing left of an earlier one at the same address.
        if (Stack& stack = stacks_[id]; begins && !stack.frames.empty() && stack.frames.front().depth > depth)
            stack = {};
        if (observation.outer_depth() == 0)
            active_.clear();
        active_.push_back(id);
    }
    Stack& stack = stacks_[id];
    while (!stack.frames.empty() && stack.frames.back().depth > depth)
        drop(stack, left);
}

void ShadowStacks::push(const Observation& observation, uint32_t func, bool shown, uint32_t payload) {
    Stack& stack = stacks_[observation.stack()];
    stack.frames.push_back({observation.depth(), func, shown, payload});
    stack.shown += shown ? 1 : 0;
}

void ShadowStacks::pop(const Observation& observation) {
    Stack& stack = stacks_[observation.stack()];
    if (stack.frames.empty() || stack.frames.back().depth != observation.depth())
        return;
    stack.shown -= stack.frames.back().shown ? 1 : 0;
    stack.frames.pop_back();
}

const ShadowStacks::Frame* ShadowStacks::innermost() const {
    for (auto id = active_.rbegin(); id != active_.rend(); ++id)
        if (const auto found = stacks_.find(*id); found != stacks_.end() && !found->second.frames.empty())
            return &found->second.frames.back();
    return nullptr;
}

size_t ShadowStacks::shown() const {
    size_t count = 0;
    for (const void* const id : active_)
        if (const auto found = stacks_.find(id); found != stacks_.end())
            count += found->second.shown;
    return count;
}

void ShadowStacks::clear(const std::function<void(const Left&)>& left) {
    while (!active_.empty()) {
        Stack& stack = stacks_[active_.back()];
        while (!stack.frames.empty())
            drop(stack, left);
        active_.pop_back();
    }
}

} // namespace warpbeam::cli
