#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace warpbeam::sfv {

/// A growing array of what documents are made of. It allocates with the nothrow operator new; what fails for
/// want of memory returns null and leaves the elements as they were. Pointers to elements hold until the next
/// insertion.
template <typename T>
class Sequence {
public:
    Sequence() noexcept = default;
    Sequence(Sequence&& other) noexcept
        : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)},
          capacity_{std::exchange(other.capacity_, 0)} {}
    Sequence& operator=(Sequence&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~Sequence() {
        if (data_ == nullptr)
            return;
        clear();
        ::operator delete(data_, std::nothrow);
    }

    [[nodiscard]] size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T& operator[](size_t i) noexcept { return data_[i]; }
    [[nodiscard]] const T& operator[](size_t i) const noexcept { return data_[i]; }
    [[nodiscard]] T* begin() noexcept { return data_; }
    [[nodiscard]] T* end() noexcept { return data_ + size_; }
    [[nodiscard]] const T* begin() const noexcept { return data_; }
    [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
    [[nodiscard]] T& back() noexcept { return data_[size_ - 1]; }

    /// Appends an element that is made of the arguments, which must not refer into this sequence.
    template <typename... Arguments>
    [[nodiscard]] T* emplace(Arguments&&... arguments) noexcept {
        if (size_ == capacity_ && !grow()) [[unlikely]]
            return nullptr;
        return ::new (data_ + size_++) T(std::forward<Arguments>(arguments)...);
    }
    void pop() noexcept { data_[--size_].~T(); }
    void erase(size_t index) noexcept {
        for (size_t i = index + 1; i < size_; ++i)
            data_[i - 1] = std::move(data_[i]);
        pop();
    }
    void clear() noexcept {
        while (size_ != 0)
            pop();
    }

    friend bool operator==(const Sequence& a, const Sequence& b) noexcept {
        if (a.size() != b.size())
            return false;
        for (size_t i = 0; i < a.size(); ++i)
            if (!(a[i] == b[i]))
                return false;
        return true;
    }

private:
    bool grow() noexcept {
        const size_t capacity = capacity_ == 0 ? 4 : size_t{capacity_} * 2;
        if (capacity > UINT32_MAX || capacity > SIZE_MAX / sizeof(T))
            return false;
        T* const fresh = static_cast<T*>(::operator new(capacity * sizeof(T), std::nothrow));
        if (fresh == nullptr)
            return false;
        // Nothing that documents are made of knows its own address, so that elements can be moved as bytes.
        if (size_ != 0)
            std::memcpy(static_cast<void*>(fresh), static_cast<const void*>(data_), size_ * sizeof(T));
        ::operator delete(data_, std::nothrow);
        data_ = fresh;
        capacity_ = static_cast<uint32_t>(capacity);
        return true;
    }

    T* data_ = nullptr;
    uint32_t size_ = 0;
    uint32_t capacity_ = 0;
};

} // namespace warpbeam::sfv
