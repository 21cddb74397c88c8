#include "store/store_impl.hpp"

#include "store/store_number.hpp"

namespace warpbeam {

StoreImpl* StoreImpl::create(Store& handle, const StoreLimits& limits) noexcept {
    Allocator& allocator = handle.engine().allocator();
    // An engine for which memory ran out can't have stores. (Modules need not come from Engine::load.)
    if (vm::Internal::layouts(handle.engine()) == nullptr)
        return nullptr;
    auto target = Ref<InterruptTarget>::adopt(warpbeam::create<InterruptTarget>(
        allocator, allocator, Ref<vm::StopPoints>::share(vm::Internal::stop_points(handle.engine()))));
    return target ? warpbeam::create<StoreImpl>(allocator, handle, limits, std::move(target)) : nullptr;
}

StoreImpl::StoreImpl(Store& handle, const StoreLimits& limits, Ref<InterruptTarget> target) noexcept
    : handle_{&handle}, engine_{handle.engine()}, types_{engine_.types()}, number_{vm::take_store_number()},
      observes_calls{engine_.config().observer != nullptr && engine_.config().observe_calls},
      quota{handle_, limits}, stacks{*this, engine_, std::move(target)}, objects{*this, engine_, quota},
      roots{*this, engine_, stacks, objects},
      heap{engine_.allocator(), engine_.types(), *this, limits.heap_bytes, engine_.config().collect_always} {}

StoreImpl::~StoreImpl() {
    // Host functions may own objects that would run the guest's code to free what they have in its memory.
    heap.end_collection();
    stacks.close();
    objects.release_hosts();
    vm::end_store_number(number_);
}

bool StoreImpl::end_collection() noexcept {
    while (heap.is_collecting())
        if (!heap.step() && stacks.is_interrupted())
            return false;
    return true;
}

} // namespace warpbeam
