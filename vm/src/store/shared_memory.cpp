#include "store/internal.hpp"
#include "store/memory_type.hpp"

#include <warpbeam/vm/shared_memory.hpp>

#include <cinttypes>

namespace warpbeam {

std::expected<SharedMemory, Error> SharedMemory::create(const MemoryType& type,
                                                        Allocator* allocator) noexcept {
    if (auto checked = vm::check(type, allocator != nullptr ? *allocator : Allocator::standard()); !checked)
        return std::unexpected{checked.error()};
    if (!type.shared)
        return std::unexpected{Error{ErrorCode::usage, "not a shared memory type"}};
    Ref<SharedBytes> bytes = SharedBytes::create({.page_size_log2 = type.page_size_log2,
                                                  .initial_pages = type.limits.min,
                                                  .max_pages = vm::max_pages(type),
                                                  .guarded = vm::is_guardable(type),
                                                  .allocator = allocator});
    if (!bytes)
        return std::unexpected{Error{ErrorCode::out_of_memory,
                                     "out of memory or address space for a shared memory of %" PRIu64
                                     " to %" PRIu64 " pages",
                                     type.limits.min, type.limits.max}};
    return vm::Internal::shared_memory(std::move(bytes), type);
}

SharedMemory::SharedMemory(Ref<SharedBytes> bytes, const MemoryType& type) noexcept
    : bytes_{std::move(bytes)}, type_{type} {}
SharedMemory::SharedMemory(const SharedMemory&) noexcept = default;
SharedMemory& SharedMemory::operator=(const SharedMemory&) noexcept = default;
SharedMemory::~SharedMemory() = default;

std::span<uint8_t> SharedMemory::data() const noexcept {
    return {bytes_->data(), static_cast<size_t>(bytes_->size())};
}

MemoryType SharedMemory::type() const noexcept {
    MemoryType type = type_;
    type.limits.min = bytes_->size() >> type.page_size_log2;
    return type;
}

std::expected<uint64_t, Error> SharedMemory::grow(uint64_t pages) const noexcept {
    const std::optional<uint64_t> old = bytes_->grow(pages);
    if (!old)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a shared memory of %" PRIu64 " bytes can't grow by %" PRIu64 " page%s",
                                     bytes_->size(), pages, pages == 1 ? "" : "s"}};
    return *old;
}

uint32_t SharedMemory::notify(uint64_t address, uint32_t count) const noexcept {
    return bytes_->notify(address, count);
}

namespace {

template <typename T>
std::expected<WaitResult, Error> checked_wait(SharedBytes& bytes, uint64_t address, T expected,
                                              int64_t timeout) noexcept {
    const uint64_t size = bytes.size();
    if (address % sizeof(T) != 0)
        return std::unexpected{Error{
            ErrorCode::usage, "a wait on %zu bytes needs an address that is a multiple of %zu, not %" PRIu64,
            sizeof(T), sizeof(T), address}};
    if (size < sizeof(T) || address > size - sizeof(T))
        return std::unexpected{Error{
            ErrorCode::usage, "a wait on %zu bytes at %" PRIu64 " is outside the memory of %" PRIu64 " bytes",
            sizeof(T), address, size}};
    return bytes.wait<T>(address, expected, timeout);
}

} // namespace

std::expected<WaitResult, Error> SharedMemory::wait_for(uint64_t address, uint32_t expected,
                                                        int64_t timeout) const noexcept {
    return checked_wait(*bytes_, address, expected, timeout);
}
std::expected<WaitResult, Error> SharedMemory::wait_for(uint64_t address, uint64_t expected,
                                                        int64_t timeout) const noexcept {
    return checked_wait(*bytes_, address, expected, timeout);
}

} // namespace warpbeam
