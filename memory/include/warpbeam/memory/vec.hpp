#pragma once

#include <warpbeam/build.hpp>
#include <warpbeam/memory/allocator.hpp>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>

namespace warpbeam {

namespace detail {
/// For Vec in small builds: moves `used` of the `bytes` at `block` to a new block of `wanted` bytes, and
/// frees the old one, if it is not null. Null, with nothing changed, if memory runs out.
[[nodiscard]] void* move_block(Allocator& allocator, void* block, size_t used, size_t bytes, size_t wanted,
                               size_t alignment) noexcept;
} // namespace detail

/// A growing array that reports allocation failures as values, unlike std::vector, which can only throw. If
/// memory runs out, every call that may allocate returns false (or null) and leaves the contents unchanged. A
/// contiguous range, so it converts to std::span. Elements are moved by move construction. Not copyable; see
/// `assign`. Thread-safety: as for standard containers.
template <typename T>
class Vec {
public:
    /// Empty. It takes its memory from `allocator`, which must outlive it.
    explicit Vec(Allocator& allocator = Allocator::standard()) noexcept : allocator_{&allocator} {}
    Vec(Vec&& other) noexcept
        : allocator_{other.allocator_}, data_{std::exchange(other.data_, nullptr)},
          size_{std::exchange(other.size_, 0)}, capacity_{std::exchange(other.capacity_, 0)} {}
    Vec& operator=(Vec&& other) noexcept {
        if (this != &other) {
            reset();
            allocator_ = other.allocator_;
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
            capacity_ = std::exchange(other.capacity_, 0);
        }
        return *this;
    }
    ~Vec() { reset(); }

    /// @{ Like the members of std::vector.
    [[nodiscard]] size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] const T* data() const noexcept { return data_; }
    [[nodiscard]] T* begin() noexcept { return data_; }
    [[nodiscard]] T* end() noexcept { return data_ + size_; }
    [[nodiscard]] const T* begin() const noexcept { return data_; }
    [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
    [[nodiscard]] T& operator[](size_t i) noexcept { return data_[i]; }
    [[nodiscard]] const T& operator[](size_t i) const noexcept { return data_[i]; }
    [[nodiscard]] T& back() noexcept { return data_[size_ - 1]; }
    [[nodiscard]] const T& back() const noexcept { return data_[size_ - 1]; }
    /// @}
    /// Where its memory comes from.
    [[nodiscard]] Allocator& allocator() const noexcept { return *allocator_; }

    /// Makes room for a total of `count` elements.
    [[nodiscard]] bool reserve(size_t count) noexcept { return count <= capacity_ || reallocate(count); }

    /// Makes room for `count` more elements, and at least doubles the memory if it has to.
    [[nodiscard]] bool reserve_more(size_t count) noexcept { return grow_for(count); }
    /// Takes over elements that were written to such room: `end` is after the last one.
    void set_end(T* end) noexcept
        requires std::is_trivially_copyable_v<T>
    {
        size_ = static_cast<size_t>(end - data_);
    }

    /// Appends a new element and returns it; null if memory runs out.
    template <typename... Args>
    [[nodiscard]] T* emplace(Args&&... args) noexcept {
        if (size_ == capacity_) [[unlikely]] {
            // An argument may refer into this array, so the value is made before the array moves.
            T value(std::forward<Args>(args)...);
            if (!reallocate(capacity_ == 0 ? 8 : capacity_ * 2))
                return nullptr;
            return ::new (data_ + size_++) T(std::move(value));
        }
        return ::new (data_ + size_++) T(std::forward<Args>(args)...);
    }
    /// Appends an element.
    [[nodiscard]] bool push(T value) noexcept { return emplace(std::move(value)) != nullptr; }

    /// Appends copies of `values`, which must not lie in this array.
    [[nodiscard]] bool append(std::span<const T> values) noexcept {
        if (!grow_for(values.size()))
            return false;
        if constexpr (std::is_trivially_copyable_v<T>) {
            if (!values.empty())
                std::memcpy(static_cast<void*>(data_ + size_), values.data(), values.size_bytes());
            size_ += values.size();
        } else {
            for (const T& value : values)
                ::new (data_ + size_++) T(value);
        }
        return true;
    }

    /// Replaces the contents by copies of `values`, which must not lie in this array.
    [[nodiscard]] bool assign(std::span<const T> values) noexcept {
        if (!reserve(values.size()))
            return false;
        clear();
        return append(values);
    }

    /// Changes the size; new elements are value-initialised.
    [[nodiscard]] bool resize(size_t count) noexcept {
        if (count > size_ && !grow_for(count - size_))
            return false;
        // With copies of the members, since writes to byte-sized elements could alias the members.
        T* const data = data_;
        for (size_t i = count; i < size_; ++i)
            data[i].~T();
        for (size_t i = size_; i < count; ++i)
            ::new (data + i) T();
        size_ = count;
        return true;
    }

    /// Destroys the last element; there must be one.
    void pop() noexcept { data_[--size_].~T(); }
    /// Removes the elements from `count` on; `count` is at most the size.
    void truncate(size_t count) noexcept {
        while (size_ > count)
            pop();
    }
    /// Destroys all elements and keeps the memory.
    void clear() noexcept { truncate(0); }

    /// Destroys all elements and frees the memory.
    void reset() noexcept {
        clear();
        if (data_ != nullptr)
            allocator_->deallocate(data_, capacity_ * sizeof(T), alignof(T));
        data_ = nullptr;
        capacity_ = 0;
    }

    /// Frees unused capacity; keeps the larger block if there is no memory for a smaller one.
    void shrink_to_fit() noexcept {
        if (size_ == 0)
            reset();
        else if (size_ < capacity_)
            (void)reallocate(size_);
    }

private:
    bool grow_for(size_t more) noexcept {
        if (more <= capacity_ - size_)
            return true;
        if (more > SIZE_MAX / sizeof(T) - size_)
            return false;
        const size_t doubled = capacity_ * 2;
        return reallocate(size_ + more > doubled ? size_ + more : doubled);
    }

    bool reallocate(size_t count) noexcept {
        if (count > SIZE_MAX / sizeof(T))
            return false;
        if constexpr (is_small && std::is_trivially_copyable_v<T>) {
            void* const moved = detail::move_block(*allocator_, data_, size_ * sizeof(T),
                                                   capacity_ * sizeof(T), count * sizeof(T), alignof(T));
            if (moved == nullptr)
                return false;
            data_ = static_cast<T*>(moved);
            capacity_ = count;
            return true;
        }
        T* const fresh = static_cast<T*>(allocator_->allocate(count * sizeof(T), alignof(T)));
        if (fresh == nullptr)
            return false;
        if constexpr (std::is_trivially_copyable_v<T>) {
            if (size_ != 0)
                std::memcpy(static_cast<void*>(fresh), data_, size_ * sizeof(T));
        } else {
            for (size_t i = 0; i < size_; ++i) {
                ::new (fresh + i) T(std::move(data_[i]));
                data_[i].~T();
            }
        }
        if (data_ != nullptr)
            allocator_->deallocate(data_, capacity_ * sizeof(T), alignof(T));
        data_ = fresh;
        capacity_ = count;
        return true;
    }

    Allocator* allocator_;
    T* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

} // namespace warpbeam
