#pragma once

#include "store/store_impl.hpp"
#include "store/store_number.hpp"

namespace warpbeam::vm {

/// Every function of the API holds one while it uses a store; it says whether the use is allowed. Without
/// WARPBEAM_CHECKS it only detects empty handles and stores.
class Use {
public:
    template <typename Handle>
    explicit Use(const Handle& handle) noexcept
        : Use{Internal::inst(handle), Internal::store_number(handle),
              std::is_base_of_v<Func, Handle> ? "the function is null" : "the handle is empty"} {}
    explicit Use(const Store& store) noexcept : Use{Internal::impl(store), number_of(store), no_store} {}
    Use(StoreImpl* store, uint64_t number) noexcept : Use{store, number, no_store} {}
#if WARPBEAM_CHECKS
    ~Use() {
        if (!fault_)
            leave_store(store_);
    }
#endif
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    explicit operator bool() const noexcept { return fault_ == nullptr; }
    /// What is wrong. Precondition: the use is not allowed.
    [[nodiscard]] Error error() const noexcept {
        return Error{fault_ == no_store ? ErrorCode::out_of_memory : ErrorCode::usage, "%s", fault_};
    }
    [[nodiscard]] Trap trap() const noexcept { return Trap::with_message(TrapCode::usage, "%s", fault_); }

private:
    static constexpr const char* no_store =
        "there is no store: memory ran out when it was made, or it was moved from";
    static uint64_t number_of(const Store& store) noexcept {
        const StoreImpl* const impl = Internal::impl(store);
        return impl != nullptr ? impl->number() : 0;
    }
#if WARPBEAM_CHECKS
    Use(const void* object, uint64_t store, const char* empty) noexcept
        : store_{store}, fault_{object == nullptr ? empty : words_of(enter_store(store))} {}
    static const char* words_of(StoreState state) noexcept {
        switch (state) {
        case StoreState::usable:
            break;
        case StoreState::ended:
            return "the handle's store was destroyed";
        case StoreState::in_use:
            return "another thread is using the store";
        }
        return nullptr;
    }
    uint64_t store_;
#else
    Use(const void* object, uint64_t, const char* empty) noexcept
        : fault_{object == nullptr ? empty : nullptr} {}
#endif
    const char* fault_;
};

} // namespace warpbeam::vm
