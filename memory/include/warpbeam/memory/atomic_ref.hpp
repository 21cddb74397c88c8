#pragma once

namespace warpbeam {

/// std::atomic_ref for integers and pointers, which libc++ has from version 19 on. The object outlives this
/// and is aligned to its size.
template <typename T>
class AtomicRef {
public:
    explicit AtomicRef(T& object) noexcept : object_{&object} {}

    [[nodiscard]] T load() const noexcept { return __atomic_load_n(object_, __ATOMIC_SEQ_CST); }
    void store(T value) const noexcept { __atomic_store_n(object_, value, __ATOMIC_SEQ_CST); }
    void store_relaxed(T value) const noexcept { __atomic_store_n(object_, value, __ATOMIC_RELAXED); }

    // These return the value before.
    T exchange(T value) const noexcept { return __atomic_exchange_n(object_, value, __ATOMIC_SEQ_CST); }
    T fetch_add(T value) const noexcept { return __atomic_fetch_add(object_, value, __ATOMIC_SEQ_CST); }
    T fetch_sub(T value) const noexcept { return __atomic_fetch_sub(object_, value, __ATOMIC_SEQ_CST); }
    T fetch_and(T value) const noexcept { return __atomic_fetch_and(object_, value, __ATOMIC_SEQ_CST); }
    T fetch_or(T value) const noexcept { return __atomic_fetch_or(object_, value, __ATOMIC_SEQ_CST); }
    T fetch_xor(T value) const noexcept { return __atomic_fetch_xor(object_, value, __ATOMIC_SEQ_CST); }

    /// If the value is `expected`, it becomes `desired`; else `expected` becomes the value. False if it
    /// stays, which can also happen without a reason.
    bool compare_exchange_weak(T& expected, T desired) const noexcept {
        return __atomic_compare_exchange_n(object_, &expected, desired, true, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
    /// The same; false only if the value is another.
    bool compare_exchange_strong(T& expected, T desired) const noexcept {
        return __atomic_compare_exchange_n(object_, &expected, desired, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }

private:
    T* object_;
};

} // namespace warpbeam
