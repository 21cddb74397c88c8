#pragma once

#include "handlers/instance_data.hpp"

namespace warpbeam::vm {

/// Watches over the C frames that an execution has in linear memory. Executions of one instance share that
/// stack: they lower its pointer (find_stack_pointer), and raise it again in the reverse order. One that goes
/// on while the pointer is not where it left it would overwrite the frames of another.
class GuestStack {
public:
    /// The execution begins in an instance; null for a host function.
    void begin(const InstanceData* instance) noexcept;
    /// It stops, with code of this instance on top.
    void stop(const InstanceData& top) noexcept;
    /// Whether it may go on: the pointers are where it left them.
    [[nodiscard]] bool may_go_on() const noexcept;
    /// It was dropped while it stood still, and gives its frames back, unless another has put its own above
    /// them.
    void drop() noexcept;
    /// It was running, and has trapped: it gives its frames back.
    void trap() noexcept;
    /// Whether its frames are the last ones of a stack on which the other has some, too.
    [[nodiscard]] bool is_above(const GuestStack& other) const noexcept;
    /// It has returned, and raised the pointers itself.
    void finish() noexcept { *this = {}; }

private:
    struct Pointer {
        GlobalInst* global = nullptr;
        Slot value = 0;
    };
    Pointer began_;
    // Of the instance in which it began, and of the one in which it stopped. Those in between are not known,
    // since looking for them would take as long as the stack is deep.
    Pointer stopped_[2];
};

} // namespace warpbeam::vm
