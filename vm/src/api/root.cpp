#include "store/store_impl.hpp"

#include <warpbeam/vm/root.hpp>

namespace warpbeam {

RootScope::RootScope(Store& store) noexcept
    : store_{store.impl()}, count_{store_ != nullptr ? store_->heap().kept() : 0} {}

RootScope::~RootScope() {
    if (store_ != nullptr)
        store_->heap().release_kept(count_);
}

Root::Root(Store& store, const Value& value) noexcept : value_{value} { link(store.impl()); }

Root::Root(Root&& other) noexcept : value_{other.value_} {
    link(other.store_);
    other.unlink();
}

Root& Root::operator=(Root&& other) noexcept {
    if (this != &other) {
        unlink();
        value_ = other.value_;
        link(other.store_);
        other.unlink();
    }
    return *this;
}

Root::~Root() { unlink(); }

void Root::link(StoreImpl* store) noexcept {
    store_ = store;
    if (store == nullptr)
        return;
    next_ = store->roots_;
    if (next_ != nullptr)
        next_->before_ = this;
    store->roots_ = this;
}

void Root::unlink() noexcept {
    if (store_ != nullptr) {
        (before_ != nullptr ? before_->next_ : store_->roots_) = next_;
        if (next_ != nullptr)
            next_->before_ = before_;
    }
    value_ = {};
    store_ = nullptr;
    next_ = before_ = nullptr;
}

} // namespace warpbeam
