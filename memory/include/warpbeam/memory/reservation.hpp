#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace warpbeam {

/// A reserved range of an allocator's addresses. Its pages are committed piece by piece from the beginning;
/// reserving costs no memory. Where that is impossible (or the address space is small), `reserve` returns an
/// empty reservation.
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

    /// Reserves `size` bytes (more than 0), rounded up to whole host pages; touching them faults. The
    /// allocator must outlive the reservation.
    [[nodiscard]] static Reservation reserve(size_t size,
                                             Allocator& allocator = Allocator::standard()) noexcept;

    /// Makes the bytes [0, to) readable and writable; new ones are zeros. False if the system has no more
    /// memory.
    [[nodiscard]] bool commit(size_t to) noexcept;
    /// See Allocator::map_file. Precondition: the range is committed.
    [[nodiscard]] bool map_file(size_t from, size_t to, int file) noexcept {
        return allocator_->map_file(base_, from, to, file);
    }
    /// Decommits everything from `to` on, rounded up to a whole host page. False if the system has no memory
    /// for that.
    [[nodiscard]] bool shrink(size_t to) noexcept;
    /// Restores the committed bytes to what they were when they were committed or mapped. False if that is
    /// impossible.
    [[nodiscard]] bool restore() noexcept { return committed_ == 0 || restore(0, committed_); }
    /// Restores `count` committed bytes from `from` on.
    [[nodiscard]] bool restore(size_t from, size_t count) noexcept {
        return allocator_->restore(base_, from, from + count);
    }

    /// The first address; null if empty.
    [[nodiscard]] uint8_t* base() const noexcept { return base_; }
    /// The number of bytes from the beginning that can be read and written.
    [[nodiscard]] size_t committed() const noexcept { return committed_; }
    /// The size in bytes; 0 if empty.
    [[nodiscard]] size_t size() const noexcept { return size_; }

    /// `size` rounded up to whole host pages; 0 on overflow.
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
