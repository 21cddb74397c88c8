#include "store/store_impl.hpp"

#include <warpbeam/vm/memory.hpp>

#include <cinttypes>

namespace warpbeam {

std::expected<void, Error> vm::check(const MemoryType& type) noexcept {
    if (type.page_size_log2 != 16 && type.page_size_log2 != 0)
        return std::unexpected{Error{ErrorCode::usage, "a memory's pages have 65536 bytes or 1"}};
    if (type.limits.has_max && type.limits.max < type.limits.min)
        return std::unexpected{Error{ErrorCode::usage, "a memory's minimum is above its maximum"}};
    if (type.shared && !type.limits.has_max)
        return std::unexpected{Error{ErrorCode::usage, "a shared memory has a maximum"}};
    return {};
}

bool vm::MemoryInst::refresh() noexcept {
    if (shared == nullptr)
        return false;
    const uint64_t before = size;
    size = shared->size();
    return size != before;
}

int64_t vm::MemoryInst::grow(uint64_t pages) noexcept {
    (void)refresh();
    const uint64_t old = size >> type.page_size_log2;
    if (pages > max_pages(type) - old)
        return -1;
    const uint64_t before = size;
    const uint64_t more = bytes_of(pages, type);
    if (more > UINT64_MAX - before)
        return -1;
    if (shared != nullptr) {
        // The store's limit has counted its largest size.
        const bool allowed = store->allows(type, before, before + more);
        const std::optional<uint64_t> grown = allowed ? shared->grow(pages) : std::nullopt;
        (void)refresh();
        return grown ? static_cast<int64_t>(*grown) : -1;
    }
    if (!store->take_memory(type, before, before + more))
        return -1;
    LinearMemory& bytes = *static_cast<MemoryObject*>(this)->bytes;
    // A policy that has grown it meanwhile was asked about something else.
    if (size != before || !bytes.grow(pages)) {
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
    if (auto checked = vm::check(type); !checked)
        return std::unexpected{checked.error()};
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

std::expected<Memory, Error> Memory::create(Store& store, const SharedMemory& memory) noexcept {
    if (store.impl() == nullptr)
        return std::unexpected{no_memory()};
    const auto made = store.impl()->make_shared_memory(memory.type(), &memory);
    if (!made)
        return std::unexpected{made.error()};
    return Memory{*made};
}

std::optional<SharedMemory> Memory::shared() const noexcept {
    if (inst_->shared == nullptr)
        return std::nullopt;
    return SharedMemory{Ref<SharedBytes>::share(inst_->shared), inst_->type};
}

uint64_t Memory::size() const noexcept {
    (void)inst_->refresh();
    return inst_->size;
}
uint64_t Memory::pages() const noexcept { return size() >> inst_->type.page_size_log2; }
std::span<uint8_t> Memory::data() const noexcept {
    const auto bytes = static_cast<size_t>(size());
    return {inst_->base, bytes};
}

std::expected<uint64_t, Error> Memory::grow(uint64_t pages) const noexcept {
    const int64_t old = inst_->grow(pages);
    if (old < 0)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a memory of %" PRIu64 " bytes can't grow by %" PRIu64 " pages",
                                     inst_->size, pages}};
    return static_cast<uint64_t>(old);
}

} // namespace warpbeam
