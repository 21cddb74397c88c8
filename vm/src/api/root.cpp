#include "store/store_impl.hpp"
#include "store/use.hpp"

#include <warpbeam/vm/root.hpp>

namespace warpbeam {

RootScope::RootScope(Store& store) noexcept
    : store_{vm::Internal::impl(store)}, number_{store_ != nullptr ? store_->number() : 0} {
    const vm::Use use{store_, number_};
    count_ = use ? store_->heap.kept() : 0;
}

RootScope::~RootScope() {
    if (const vm::Use use{store_, number_}) {
        store_->heap.end_marking_roots();
        store_->heap.release_kept(count_);
    }
}

Root::Root(Store& store, const Value& value) noexcept : value_{value} {
    if (const vm::Use use{store}) {
        // A collection that has looked at the other roots already would not look at this one.
        vm::Internal::impl(store)->heap.end_marking_roots();
        vm::Internal::impl(store)->roots.add(*this);
    }
}

Root::Root(Root&& other) noexcept { *this = std::move(other); }

Root& Root::operator=(Root&& other) noexcept {
    if (this == &other)
        return *this;
    clear();
    value_ = other.value_;
    if (other.store_ != nullptr)
        other.store_->roots.add(*this);
    other.clear();
    return *this;
}

Root::~Root() { clear(); }

void Root::clear() noexcept {
    if (store_ != nullptr) {
        store_->heap.end_marking_roots();
        store_->roots.remove(*this);
    }
    value_ = {};
}

} // namespace warpbeam
