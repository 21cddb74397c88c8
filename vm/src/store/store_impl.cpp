#include "store/store_impl.hpp"

namespace warpbeam {

StoreImpl* StoreImpl::create(Store& handle, const StoreLimits& limits) noexcept {
    Allocator& allocator = handle.engine().allocator();
    // An engine that found no memory itself makes nothing. Modules may come from elsewhere than Engine::load.
    if (handle.engine().layouts() == nullptr)
        return nullptr;
    auto target = Ref<InterruptTarget>::adopt(warpbeam::create<InterruptTarget>(allocator, allocator));
    return target ? warpbeam::create<StoreImpl>(allocator, handle, limits, std::move(target)) : nullptr;
}

StoreImpl::StoreImpl(Store& handle, const StoreLimits& limits, Ref<InterruptTarget> target) noexcept
    : handle_{handle}, quota{handle, limits}, stacks{*this, handle.engine(), std::move(target)},
      objects{*this, handle.engine(), quota}, roots{*this, handle.engine(), stacks, objects},
      heap{handle.engine().allocator(), handle.engine().types(), *this, limits.heap_bytes,
           handle.engine().config().collect_always} {}

} // namespace warpbeam
