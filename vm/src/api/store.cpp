#include "store/store_impl.hpp"

#include <algorithm>

namespace warpbeam {

Store::Store(Engine& engine, const StoreLimits& limits) noexcept
    : engine_{&engine}, impl_{StoreImpl::create(*this, limits)} {}

Store::~Store() { destroy(engine_->allocator(), impl_); }

void Store::set_fuel(uint64_t units) noexcept {
    if (impl_ != nullptr && engine_->config().fuel)
        impl_->execution().fuel = static_cast<int64_t>(std::min<uint64_t>(units, INT64_MAX));
}

uint64_t Store::fuel() const noexcept {
    if (impl_ == nullptr || !engine_->config().fuel)
        return 0;
    return static_cast<uint64_t>(std::max<int64_t>(impl_->execution().fuel, 0));
}

InterruptHandle Store::interrupt_handle() const noexcept {
    return InterruptHandle{impl_ != nullptr ? impl_->stacks.interrupt_target() : nullptr};
}

StoreUsage Store::usage() const noexcept {
    if (impl_ == nullptr)
        return {};
    StoreUsage usage = impl_->quota.usage();
    usage.heap_bytes = impl_->heap.committed();
    return usage;
}

Store::HeapStatistics Store::heap() const noexcept {
    if (impl_ == nullptr)
        return {};
    const vm::Heap& heap = impl_->heap;
    return {heap.committed(), heap.peak(), heap.survived(), heap.collections()};
}

void Store::collect() noexcept {
    if (impl_ != nullptr)
        impl_->heap.collect();
}

InterruptHandle::InterruptHandle(Ref<InterruptTarget> target) noexcept : target_{std::move(target)} {}
InterruptHandle::InterruptHandle(const InterruptHandle&) noexcept = default;
InterruptHandle& InterruptHandle::operator=(const InterruptHandle&) noexcept = default;
InterruptHandle::~InterruptHandle() = default;

void InterruptHandle::interrupt() const noexcept {
    if (target_)
        target_->execution.interrupt.store(true, std::memory_order_relaxed);
}

} // namespace warpbeam
