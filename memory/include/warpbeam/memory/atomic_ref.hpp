#pragma once

namespace warpbeam {

/// std::atomic_ref for integers and pointers, which libc++ has from version 19 on. The object outlives this
/// and is aligned to its size.
template <typename T>
class AtomicRef {
public:
    /// Refers to the object.
    explicit AtomicRef(T& object) noexcept : object_{&object} {}

    /// The value.
    [[nodiscard]] T load() const noexcept { return __atomic_load_n(object_, __ATOMIC_SEQ_CST); }
    /// Makes it `value`.
    void store(T value) const noexcept { __atomic_store_n(object_, value, __ATOMIC_SEQ_CST); }
    /// The same, in any order with other accesses.
    void store_relaxed(T value) const noexcept { __atomic_store_n(object_, value, __ATOMIC_RELAXED); }

    /// Makes it `value`; returns the value before.
    T exchange(T value) const noexcept { return __atomic_exchange_n(object_, value, __ATOMIC_SEQ_CST); }
    /// Adds `value`, wrapping around; returns the value before.
    T fetch_add(T value) const noexcept { return __atomic_fetch_add(object_, value, __ATOMIC_SEQ_CST); }
    /// Subtracts `value`, wrapping around; returns the value before.
    T fetch_sub(T value) const noexcept { return __atomic_fetch_sub(object_, value, __ATOMIC_SEQ_CST); }
    /// Keeps the bits that `value` has, too; returns the value before.
    T fetch_and(T value) const noexcept { return __atomic_fetch_and(object_, value, __ATOMIC_SEQ_CST); }
    /// Adds the bits of `value`; returns the value before.
    T fetch_or(T value) const noexcept { return __atomic_fetch_or(object_, value, __ATOMIC_SEQ_CST); }
    /// Inverts the bits that `value` has; returns the value before.
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
    /// On some machines with 32-bit words, an ordinary object of 64 bits is aligned to 4 bytes.
    using Aligned [[gnu::aligned(sizeof(T))]] = T;
    Aligned* object_;
};

} // namespace warpbeam
