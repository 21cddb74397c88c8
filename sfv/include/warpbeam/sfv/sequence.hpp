#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace warpbeam::sfv {

/// Room for a few elements inside the object.
template <typename T, uint32_t count>
struct InlineRoom {
    InlineRoom() noexcept {}                       // leaves the bytes as they are
    alignas(T) std::byte bytes[count * sizeof(T)]; ///< where the elements lie
    /// The first element.
    [[nodiscard]] T* data() noexcept { return reinterpret_cast<T*>(bytes); }
};
/// No room at all.
template <typename T>
struct InlineRoom<T, 0> {
    /// Always null.
    [[nodiscard]] T* data() noexcept { return nullptr; }
};

/// A growing array for documents. The first `inline_capacity` elements lie in the object itself; then it
/// allocates with the nothrow operator new. If memory runs out, functions return null or false and leave
/// the elements unchanged. Pointers to elements stay valid until the next insertion or removal, or until the
/// sequence is moved, which leaves it empty.
///
/// Elements are moved as bytes when the array grows: no part of a document stores its own address, except
/// sequences with inline room, which are therefore never elements.
template <typename T, uint32_t inline_capacity = 0>
class Sequence {
public:
    Sequence() noexcept : room_{}, data_{room_.data()} {}
    Sequence(Sequence&& other) noexcept : Sequence{} { take(other); }
    Sequence& operator=(Sequence&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    ~Sequence() {
        if (inline_capacity != 0 || data_ != nullptr) {
            clear();
            release();
        }
    }

    /// @{ The same as in std::vector.
    [[nodiscard]] size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] T& operator[](size_t i) noexcept { return data_[i]; }
    [[nodiscard]] const T& operator[](size_t i) const noexcept { return data_[i]; }
    [[nodiscard]] T* begin() noexcept { return data_; }
    [[nodiscard]] const T* begin() const noexcept { return data_; }
    [[nodiscard]] T* end() noexcept { return data_ + size_; }
    [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
    [[nodiscard]] T& back() noexcept { return data_[size_ - 1]; }
    /// @}

    /// Makes room for a total of `capacity` elements, which must be more than the present capacity.
    [[nodiscard]] bool grow(size_t capacity) noexcept {
        T* const fresh = allocate(capacity);
        if (fresh == nullptr)
            return false;
        move_to(fresh, capacity);
        return true;
    }
    /// Appends an element made from the arguments, which may be parts of this sequence.
    template <typename... Arguments>
    [[nodiscard]] T* emplace(Arguments&&... arguments) noexcept {
        if (size_ != capacity_) [[likely]]
            return ::new (data_ + size_++) T(std::forward<Arguments>(arguments)...);
        const size_t capacity = capacity_ < 4 ? 4 : size_t{capacity_} * 2;
        T* const fresh = allocate(capacity);
        if (fresh == nullptr)
            return nullptr;
        T* const element = ::new (fresh + size_) T(std::forward<Arguments>(arguments)...);
        move_to(fresh, capacity);
        ++size_;
        return element;
    }
    /// Removes the last element; there must be one.
    void pop() noexcept { data_[--size_].~T(); }
    /// Removes the element at a position.
    void erase(size_t index) noexcept {
        data_[index].~T();
        move_bytes(data_ + index, data_ + index + 1, --size_ - index);
    }
    /// Removes all elements for which `remove` returns true. If it throws, the element that it was
    /// called with and all later ones stay.
    template <typename Remove>
    void erase_if(Remove&& remove) {
        struct Gap {
            Sequence& sequence;
            uint32_t begin = 0;
            uint32_t end = 0;
            ~Gap() {
                move_bytes(sequence.data_ + begin, sequence.data_ + end, sequence.size_ - end);
                sequence.size_ -= end - begin;
            }
        } gap{*this};
        while (gap.end < size_) {
            const bool is_removed = remove(std::as_const(data_[gap.end]));
            if (is_removed)
                data_[gap.end].~T();
            else
                move_bytes(data_ + gap.begin++, data_ + gap.end, 1);
            ++gap.end;
        }
    }
    /// Removes all elements, but keeps the memory.
    void clear() noexcept {
        while (size_ != 0)
            pop();
    }

    /// Whether both have equal elements in the same order.
    friend bool operator==(const Sequence& a, const Sequence& b) noexcept {
        if (a.size() != b.size())
            return false;
        for (size_t i = 0; i < a.size(); ++i)
            if (!(a[i] == b[i]))
                return false;
        return true;
    }

private:
    static void move_bytes(T* to, const T* from, size_t count) noexcept {
        if (count != 0)
            std::memmove(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(T));
    }
    [[nodiscard]] static T* allocate(size_t capacity) noexcept {
        if (capacity > UINT32_MAX || capacity > SIZE_MAX / sizeof(T))
            return nullptr;
        return static_cast<T*>(::operator new(capacity * sizeof(T), std::nothrow));
    }
    void release() noexcept {
        if (capacity_ != inline_capacity)
            ::operator delete(data_, std::nothrow);
    }
    void move_to(T* fresh, size_t capacity) noexcept {
        move_bytes(fresh, data_, size_);
        release();
        data_ = fresh;
        capacity_ = static_cast<uint32_t>(capacity);
    }
    /// Becomes empty and frees the memory.
    void reset() noexcept {
        clear();
        release();
        data_ = room_.data();
        capacity_ = inline_capacity;
    }
    /// Takes the elements of `other`, which becomes empty. This sequence must be empty before.
    void take(Sequence& other) noexcept {
        if (other.capacity_ == inline_capacity) {
            move_bytes(data_, other.data_, other.size_);
        } else {
            data_ = std::exchange(other.data_, other.room_.data());
            capacity_ = std::exchange(other.capacity_, inline_capacity);
        }
        size_ = std::exchange(other.size_, 0);
    }

    [[no_unique_address]] InlineRoom<T, inline_capacity> room_;
    T* data_;
    uint32_t size_ = 0;
    uint32_t capacity_ = inline_capacity;
};

} // namespace warpbeam::sfv
