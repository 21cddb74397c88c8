#include "handlers/entry_points.hpp"
#include "store/link.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/vm/memory.hpp>

#include <cinttypes>

namespace warpbeam {

std::expected<Memory, Error> Memory::create(Store& store, const MemoryType& type) noexcept {
    if (store.impl() == nullptr)
        return std::unexpected{no_memory()};
    if (auto checked = vm::check(type); !checked)
        return std::unexpected{checked.error()};
    const auto memory = store.impl()->objects.make_memory(type);
    if (!memory)
        return std::unexpected{memory.error()};
    return Memory{*memory};
}

MemoryType Memory::type() const noexcept { return vm::type_of(*inst_); }

std::expected<Memory, Error> Memory::create(Store& store, const SharedMemory& memory) noexcept {
    if (store.impl() == nullptr)
        return std::unexpected{no_memory()};
    const auto made = store.impl()->objects.make_shared_memory(memory.type(), &memory);
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
    const int64_t old = vm::grow(*inst_, pages);
    if (old < 0)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a memory of %" PRIu64 " bytes can't grow by %" PRIu64 " pages",
                                     inst_->size, pages}};
    return static_cast<uint64_t>(old);
}

} // namespace warpbeam
