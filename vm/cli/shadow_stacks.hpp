#pragma once

#include <warpbeam/vm/observer.hpp>

#include <functional>
#include <unordered_map>
#include <vector>

namespace warpbeam::cli {

/// Keeps what was entered and not left yet, for observers. An observer is not told of functions that an
/// exception leaves; they are found to be gone at the next event of their stack.
class ShadowStacks {
public:
    struct Frame {
        size_t depth = 0; ///< Observation::depth
        uint32_t func = 0;
        bool shown = false;   ///< whether a trace shows it
        uint32_t payload = 0; ///< for the user
    };
    /// A frame that is gone.
    struct Left {
        Frame frame;
        size_t indent = 0; ///< the shown frames around it
    };

    /// Removes frames that are gone, and goes to the stack of the event. `left` is called for each of them,
    /// the innermost first.
    void synchronise(const Observation& observation, const std::function<void(const Left&)>& left);
    /// The function that begins; after `synchronise`.
    void push(const Observation& observation, uint32_t func, bool shown, uint32_t payload = 0);
    /// Removes the frame of the event's function; after `synchronise`.
    void pop(const Observation& observation);
    /// The innermost frame of all; null if there is none.
    [[nodiscard]] const Frame* innermost() const;
    /// How many shown frames are active.
    [[nodiscard]] size_t shown() const;
    /// Removes all that is active, the innermost first.
    void clear(const std::function<void(const Left&)>& left);

private:
    struct Stack {
        std::vector<Frame> frames;
        size_t shown = 0;
    };
    void drop(Stack& stack, const std::function<void(const Left&)>& left);

    std::unordered_map<const void*, Stack> stacks_;
    std::vector<const void*> active_; ///< those that wait for each other, and the one that runs
};

} // namespace warpbeam::cli
