#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace warpbeam {

/// A counted pointer to an object with its own reference count, so that sharing never allocates. The type has
/// `retain()` and `release()`, both const and noexcept; the last release destroys the object. Thread-safety:
/// that of the type's counter; `RefCount` is atomic.
template <typename T>
class Ref {
public:
    constexpr Ref() noexcept = default;
    /// Refers to no object.
    constexpr Ref(std::nullptr_t) noexcept {}
    /// Takes over one count from the caller.
    static Ref adopt(T* object) noexcept {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    /// Adds a count of its own.
    static Ref share(T* object) noexcept {
        if (object != nullptr)
            object->retain();
        return adopt(object);
    }
    /// Shares an object of a derived class.
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    Ref(const Ref<U>& other) noexcept : Ref{share(other.get())} {}
    Ref(const Ref& other) noexcept : object_{other.object_} {
        if (object_ != nullptr)
            object_->retain();
    }
    Ref(Ref&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr)
            object_->release();
    }

    /// Hands its count to the caller, who gives it back with `adopt` or `release`; then refers to no object.
    [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }
    /// The object; null if there is none.
    [[nodiscard]] T* get() const noexcept { return object_; }
    /// @{ The object, which must be there.
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    /// @}
    /// Whether there is an object.
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const Ref&, const Ref&) noexcept = default;

private:
    T* object_ = nullptr;
};

/// The counter in such an object; it starts at one.
class RefCount {
public:
    /// Adds an owner.
    void add() noexcept { __atomic_fetch_add(&count_, 1, __ATOMIC_RELAXED); }
    /// Whether this was the last owner.
    [[nodiscard]] bool drop() noexcept { return __atomic_fetch_sub(&count_, 1, __ATOMIC_ACQ_REL) == 1; }
    /// Whether there is only one owner; the answer stays true only if the caller is that owner.
    [[nodiscard]] bool is_only_one() const noexcept {
        return __atomic_load_n(&count_, __ATOMIC_ACQUIRE) == 1;
    }

private:
    // No std::atomic: <atomic> is larger than everything else that the public headers include together.
    size_t count_ = 1;
};

/// A base class for such objects that are made by `create`: T derives from RefCounted<T>.
template <typename T>
class RefCounted {
public:
    /// Has one owner. `allocator` is where `create` made it.
    explicit RefCounted(Allocator& allocator) noexcept : allocator_{allocator} {}
    /// Adds an owner.
    void retain() noexcept { owners_.add(); }
    /// Removes an owner; without owners the object is destroyed.
    void release() noexcept {
        if (owners_.drop())
            destroy(allocator_, static_cast<T*>(this));
    }
    /// See RefCount::is_only_one.
    [[nodiscard]] bool has_one_owner() const noexcept { return owners_.is_only_one(); }
    /// Where it was made.
    [[nodiscard]] Allocator& allocator() const noexcept { return allocator_; }

private:
    RefCount owners_;
    Allocator& allocator_;
};

} // namespace warpbeam
