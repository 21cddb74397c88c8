#include "store/use.hpp"

#include <warpbeam/version.hpp>

#include <algorithm>

namespace warpbeam {

Store::Store(const Engine& engine, const StoreLimits& limits) noexcept
    : engine_{engine}, impl_{StoreImpl::create(*this, limits)} {}

Store::Store(Store&& other) noexcept
    : engine_{other.engine_}, impl_{std::exchange(other.impl_, nullptr)},
      data_{std::exchange(other.data_, nullptr)} {
    if (impl_ != nullptr)
        impl_->set_handle(*this);
}

Store& Store::operator=(Store&& other) noexcept {
    if (this == &other)
        return *this;
    destroy(engine_.allocator(), impl_);
    engine_ = other.engine_;
    impl_ = std::exchange(other.impl_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    if (impl_ != nullptr)
        impl_->set_handle(*this);
    return *this;
}

Store::~Store() { destroy(engine_.allocator(), impl_); }

void Store::set_trap_observer(TrapObserver* observer) noexcept {
    if (const vm::Use use{*this})
        impl_->trap_observer = observer;
}

void Store::set_fuel(uint64_t units) noexcept {
    const vm::Use use{*this};
    if (use && engine_.config().fuel)
        impl_->stacks.fuel() = vm::to_fuel(units);
}

uint64_t Store::fuel() const noexcept {
    const vm::Use use{*this};
    if (!use || !engine_.config().fuel)
        return 0;
    return vm::to_units(impl_->stacks.fuel());
}

StoreUsage Store::usage() const noexcept {
    const vm::Use use{*this};
    if (!use)
        return {};
    StoreUsage usage = impl_->quota.usage();
    usage.heap_bytes = impl_->heap.used();
    return usage;
}

Store::HeapStatistics Store::heap() const noexcept {
    const vm::Use use{*this};
    if (!use)
        return {};
    const vm::Heap& heap = impl_->heap;
    return {heap.committed(), heap.peak(), heap.survived(), heap.collections()};
}

void Store::collect() noexcept {
    if (const vm::Use use{*this})
        impl_->heap.collect();
}

bool has_checks() noexcept { return WARPBEAM_CHECKS; }

} // namespace warpbeam
