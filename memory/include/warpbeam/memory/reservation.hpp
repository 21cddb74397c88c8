#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace warpbeam {

/// A range of addresses of an allocator that nothing else will be put at, whose pages are given memory piece
/// by piece from the beginning on. Reserving costs no memory. Where that can't be done (or the address space
/// is small), `reserve` yields an empty reservation.
///
/// Thread-safety: none; one thread at a time.
class WARPBEAM_API Reservation {
public:
    Reservation() noexcept = default;
    Reservation(Reservation&& other) noexcept { swap(other); }
    Reservation& operator=(Reservation other) noexcept {
        swap(other);
        return *this;
    }
    ~Reservation() {
        if (base_ != nullptr)
            allocator_->release(base_, size_, committed_);
    }

    /// Reserves `size` bytes (more than 0), rounded up to whole host pages. Touching them faults. The
    /// allocator must outlive the reservation.
    [[nodiscard]] static Reservation reserve(size_t size,
                                             Allocator& allocator = Allocator::standard()) noexcept;

    /// Makes the bytes [0, to) readable and writable; those that were not begin as zeros. False when the
    /// system has no more memory.
    [[nodiscard]] bool commit(size_t to) noexcept;
    /// See Allocator::map_file. Precondition: the range is committed.
    [[nodiscard]] bool map_file(size_t from, size_t to, int file) noexcept {
        return allocator_->map_file(base_, from, to, file);
    }
    /// Takes back what is committed from `to` on, rounded up to a whole host page. False when the system has
    /// no memory for that.
    [[nodiscard]] bool shrink(size_t to) noexcept;
    /// Makes what is committed what it was when it was committed or mapped. False when that can't be done.
    [[nodiscard]] bool restore() noexcept {
        return committed_ == 0 || allocator_->restore(base_, committed_);
    }

    [[nodiscard]] uint8_t* base() const noexcept { return base_; }
    /// How many bytes from the beginning can be read and written.
    [[nodiscard]] size_t committed() const noexcept { return committed_; }
    /// In bytes; 0 when empty.
    [[nodiscard]] size_t size() const noexcept { return size_; }

    /// `size` rounded up to whole host pages; 0 if that has no number.
    [[nodiscard]] static size_t round_up(size_t size) noexcept;

private:
    void swap(Reservation& other) noexcept {
        std::swap(allocator_, other.allocator_);
        std::swap(base_, other.base_);
        std::swap(size_, other.size_);
        std::swap(committed_, other.committed_);
    }

    Allocator* allocator_ = nullptr;
    uint8_t* base_ = nullptr;
    size_t size_ = 0;
    size_t committed_ = 0;
};

} // namespace warpbeam
