#include "store/guest_stack.hpp"

#include "store/objects.hpp"
#include "store/stack_pointer.hpp"

#include <algorithm>

namespace warpbeam::vm {

[[gnu::always_inline]] inline GlobalInst*
GuestStack::pointer_of(const InstanceData& instance) const noexcept {
    const uint32_t index = static_cast<const InstanceObject&>(instance).compiled->stack_pointer();
    GlobalInst* const global = index != no_stack_pointer ? instance.globals[index] : nullptr;
    return pool_ && global == own_.global ? nullptr : global;
}

void GuestStack::own(Ref<GuestStackPool> pool, uint64_t block, uint64_t size, GlobalInst& pointer,
                     Slot top) noexcept {
    pool_ = std::move(pool);
    block_ = block;
    size_ = size;
    own_ = {&pointer, top};
}

void GuestStack::begin(const InstanceData* instance) noexcept {
    began_.global = instance != nullptr ? pointer_of(*instance) : nullptr;
    if (began_.global != nullptr)
        began_.value = began_.global->value[0];
}

void GuestStack::stop(const InstanceData& top) noexcept {
    stopped_[0].global = began_.global;
    stopped_[1].global = pointer_of(top);
    for (Pointer& pointer : stopped_)
        if (pointer.global != nullptr)
            pointer.value = pointer.global->value[0];
}

bool GuestStack::may_go_on() const noexcept {
    return std::ranges::all_of(stopped_, [](const Pointer& pointer) {
        return pointer.global == nullptr || pointer.global->value[0] == pointer.value;
    });
}

bool GuestStack::is_above(const GuestStack& other) const noexcept {
    return other.began_.global != nullptr && std::ranges::any_of(stopped_, [&](const Pointer& pointer) {
               return pointer.global == other.began_.global && pointer.value == pointer.global->value[0];
           });
}

void GuestStack::drop() noexcept {
    if (may_go_on())
        trap();
    give_back();
}

void GuestStack::trap() noexcept {
    if (began_.global != nullptr)
        began_.global->value[0] = began_.value;
    finish();
}

void GuestStack::restore(Ref<GuestStackPool> pool, const Saved& saved) noexcept {
    is_lost_ = static_cast<bool>(pool);
    pool_ = std::move(pool);
    block_ = saved.block;
    size_ = saved.size;
    own_ = saved.pointers[0];
    began_ = saved.pointers[1];
    stopped_[0] = saved.pointers[2];
    stopped_[1] = saved.pointers[3];
}

} // namespace warpbeam::vm
