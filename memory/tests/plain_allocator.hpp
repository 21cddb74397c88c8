#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace warpbeam::test {

/// The platform's functions, of which the first `calls` calls succeed, or all but one. The library may ask
/// the system about pages, or not.
class PlainAllocator final : public Allocator {
public:
    explicit PlainAllocator(bool has_private_pages) noexcept : private_{has_private_pages} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        void* const block = serves() ? standard().allocate(size, alignment) : nullptr;
        live_ += block != nullptr ? size : 0;
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        live_ -= size;
        standard().deallocate(block, size, alignment);
    }
    void* reserve(size_t size) noexcept override {
        void* const base = serves() ? Allocator::reserve(size) : nullptr;
        live_ += base != nullptr ? size : 0;
        return base;
    }
    bool commit(void* base, size_t from, size_t to) noexcept override {
        return serves() && Allocator::commit(base, from, to);
    }
    bool map_file(void* base, size_t from, size_t to, int file) noexcept override {
        return serves() && Allocator::map_file(base, from, to, file);
    }
    bool restore(void* base, size_t from, size_t to) noexcept override {
        return serves() && Allocator::restore(base, from, to);
    }
    bool decommit(void* base, size_t from, size_t to) noexcept override {
        return serves() && Allocator::decommit(base, from, to);
    }
    void release(void* base, size_t size, size_t committed) noexcept override {
        live_ -= size;
        Allocator::release(base, size, committed);
    }
    [[nodiscard]] bool has_private_pages() const noexcept override { return private_; }

    /// From now on only the first `calls` calls succeed.
    void allow(size_t calls) noexcept {
        allowed_ = calls;
        calls_ = 0;
        refused_ = SIZE_MAX;
    }
    /// From now on all calls succeed but the one after the first `n`.
    void refuse_one(size_t n) noexcept {
        allow(SIZE_MAX);
        refused_ = n;
    }
    /// The calls since then.
    [[nodiscard]] size_t calls() const noexcept { return calls_; }
    /// Bytes that are allocated or reserved.
    [[nodiscard]] size_t live() const noexcept { return live_; }

private:
    bool serves() noexcept {
        const size_t call = calls_++;
        return call < allowed_ && call != refused_;
    }
    bool private_;
    std::atomic<size_t> calls_ = 0;
    size_t allowed_ = SIZE_MAX;
    size_t refused_ = SIZE_MAX;
    std::atomic<size_t> live_ = 0;
};

} // namespace warpbeam::test
