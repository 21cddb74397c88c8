#include "runtime/store_impl.hpp"

#include <warpbeam/vm/memory.hpp>

#include <cinttypes>

namespace warpbeam {

int64_t vm::MemoryInst::grow(uint64_t pages) noexcept {
    LinearMemory& bytes = static_cast<MemoryObject*>(this)->bytes;
    const uint64_t old = bytes.pages();
    // What has no number of bytes can't be had either.
    if (pages > UINT64_MAX >> type.page_size_log2)
        return -1;
    const uint64_t more = pages << type.page_size_log2;
    if (!store->take_memory(more))
        return -1;
    if (!bytes.grow(pages)) {
        store->return_memory(more);
        return -1;
    }
    base = bytes.data();
    size = bytes.size();
    return static_cast<int64_t>(old);
}

std::expected<Memory, Error> Memory::create(Store& store, const MemoryType& type) noexcept {
    if (store.impl() == nullptr)
        return std::unexpected{no_memory()};
    if (type.page_size_log2 != 16 && type.page_size_log2 != 0)
        return std::unexpected{Error{ErrorCode::usage, "a memory's pages have 65536 bytes or 1"}};
    if (type.limits.has_max && type.limits.max < type.limits.min)
        return std::unexpected{Error{ErrorCode::usage, "a memory's minimum is above its maximum"}};
    const auto memory = store.impl()->make_memory(type);
    if (!memory)
        return std::unexpected{memory.error()};
    return Memory{*memory};
}

MemoryType Memory::type() const noexcept {
    MemoryType type = inst_->type;
    type.limits.min = pages();
    return type;
}

uint64_t Memory::size() const noexcept { return inst_->size; }
uint64_t Memory::pages() const noexcept { return inst_->size >> inst_->type.page_size_log2; }
std::span<uint8_t> Memory::data() const noexcept { return {inst_->base, static_cast<size_t>(inst_->size)}; }

std::expected<uint64_t, Error> Memory::grow(uint64_t pages) const noexcept {
    const int64_t old = inst_->grow(pages);
    if (old < 0)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a memory of %" PRIu64 " bytes can't grow by %" PRIu64 " pages",
                                     inst_->size, pages}};
    return static_cast<uint64_t>(old);
}

} // namespace warpbeam
