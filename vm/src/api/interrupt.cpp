#include "store/store_impl.hpp"

/// The word that code polls has the request in its lowest bit, above it whether a handle for any period has
/// made it, and above that the number of the period. A handle for one period changes the word only during
/// that period, and only if there is no request. All this is lock-free, so that a signal handler may do it.

namespace warpbeam {
namespace {

constexpr uint64_t requested = vm::InterruptRequest::requested;
constexpr uint64_t bits = vm::InterruptRequest::bits;
/// A request of a handle for any period.
constexpr uint64_t lasting = bits;
/// The period of a handle that has an effect in every period.
constexpr uint64_t any_period = UINT64_MAX;

} // namespace

InterruptHandle Store::interrupt_handle() const noexcept {
    return {impl_ != nullptr ? impl_->stacks.interrupt_target() : nullptr, any_period};
}

InterruptHandle Store::new_interrupt_handle() noexcept {
    if (impl_ == nullptr)
        return interrupt_handle();
    clear_interrupt();
    return {impl_->stacks.interrupt_target(),
            impl_->stacks.interrupt_target()->word.load(std::memory_order_relaxed) & ~bits};
}

InterruptHandle Store::next_interrupt_handle() noexcept {
    if (impl_ == nullptr)
        return interrupt_handle();
    std::atomic<uint64_t>& word = impl_->stacks.interrupt_target()->word;
    uint64_t before = word.load(std::memory_order_relaxed);
    uint64_t period = 0;
    do {
        period = (before | bits) + 1;
    } while (!word.compare_exchange_weak(before, (before & bits) == lasting ? period | lasting : period,
                                         std::memory_order_relaxed));
    impl_->stacks.interrupt_target()->changed(before, (before & bits) == lasting ? lasting : 0);
    return {impl_->stacks.interrupt_target(), period};
}

void Store::clear_interrupt() noexcept {
    if (impl_ == nullptr)
        return;
    // A handle for any period may set the bit meanwhile: that request is as late as those before it.
    InterruptTarget& target = *impl_->stacks.interrupt_target();
    const uint64_t next = (target.word.load(std::memory_order_relaxed) | bits) + 1;
    target.changed(target.word.exchange(next, std::memory_order_relaxed), next);
}

InterruptHandle::InterruptHandle(Ref<InterruptTarget> target, uint64_t period) noexcept
    : target_{std::move(target)}, period_{period} {}
InterruptHandle::InterruptHandle(const InterruptHandle&) noexcept = default;
InterruptHandle& InterruptHandle::operator=(const InterruptHandle&) noexcept = default;
InterruptHandle::~InterruptHandle() = default;

void InterruptHandle::interrupt() const noexcept {
    if (!target_)
        return;
    std::atomic<uint64_t>& word = target_->word;
    if (period_ == any_period) {
        target_->changed(word.fetch_or(lasting, std::memory_order_relaxed), lasting);
    } else {
        uint64_t period = period_;
        if (word.compare_exchange_strong(period, period | requested, std::memory_order_relaxed))
            target_->changed(period, requested);
    }
}

} // namespace warpbeam
