#include <warpbeam/memory/accounting_allocator.hpp>

namespace warpbeam {

void AccountingAllocator::Counter::add(uint64_t bytes) noexcept {
    const uint64_t live = live_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < live && !peak_.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
    }
}

bool AccountingAllocator::take(uint64_t bytes) noexcept {
    uint64_t taken = taken_.load(std::memory_order_relaxed);
    do {
        if (bytes > limit_ - taken)
            return false;
    } while (!taken_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    return true;
}

void* AccountingAllocator::allocate(size_t size, size_t alignment) noexcept {
    blocks_.count_call();
    if (!take(size))
        return nullptr;
    void* const block = source_.allocate(size, alignment);
    if (block != nullptr)
        blocks_.add(size);
    else
        give_back(size);
    return block;
}

void AccountingAllocator::deallocate(void* block, size_t size, size_t alignment) noexcept {
    source_.deallocate(block, size, alignment);
    blocks_.remove(size);
    give_back(size);
}

void* AccountingAllocator::reserve(size_t size) noexcept {
    reserved_.count_call();
    void* const base = source_.reserve(size);
    if (base != nullptr)
        reserved_.add(size);
    return base;
}

bool AccountingAllocator::commit(void* base, size_t from, size_t to) noexcept {
    committed_.count_call();
    if (!take(to - from))
        return false;
    const bool done = source_.commit(base, from, to);
    if (done)
        committed_.add(to - from);
    else
        give_back(to - from);
    return done;
}

bool AccountingAllocator::map_file(void* base, size_t from, size_t to, int file) noexcept {
    return source_.map_file(base, from, to, file);
}

bool AccountingAllocator::restore(void* base, size_t from, size_t to) noexcept {
    return source_.restore(base, from, to);
}

bool AccountingAllocator::decommit(void* base, size_t from, size_t to) noexcept {
    if (!source_.decommit(base, from, to))
        return false;
    committed_.remove(to - from);
    give_back(to - from);
    return true;
}

void AccountingAllocator::release(void* base, size_t size, size_t committed) noexcept {
    source_.release(base, size, committed);
    reserved_.remove(size);
    committed_.remove(committed);
    give_back(committed);
}

} // namespace warpbeam
