#include "handlers/entry_points.hpp"
#include "store/link.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"

#include <warpbeam/vm/memory.hpp>

#include <cinttypes>

namespace warpbeam {

std::expected<Memory, Error> Memory::create(Store& store, const MemoryType& type) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    if (auto checked = vm::check(type, vm::Internal::impl(store)->allocator()); !checked)
        return std::unexpected{checked.error()};
    const auto memory = vm::Internal::impl(store)->objects.make_memory(type, false);
    if (!memory)
        return std::unexpected{memory.error()};
    return vm::make_handle<Memory>(static_cast<vm::MemoryInst*>(*memory));
}

MemoryType Memory::type() const noexcept {
    const vm::Use use{*this};
    return use ? vm::type_of(*inst_) : MemoryType{};
}

std::expected<Memory, Error> Memory::create(Store& store, const SharedMemory& memory) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    const auto made = vm::Internal::impl(store)->objects.make_shared_memory(memory.type(), &memory);
    if (!made)
        return std::unexpected{made.error()};
    return vm::make_handle<Memory>(static_cast<vm::MemoryInst*>(*made));
}

std::optional<SharedMemory> Memory::shared() const noexcept {
    const vm::Use use{*this};
    if (!use || inst_->shared == nullptr)
        return std::nullopt;
    return vm::Internal::shared_memory(Ref<SharedBytes>::share(inst_->shared), inst_->type);
}

uint64_t Memory::size() const noexcept { return data().size(); }
uint64_t Memory::pages() const noexcept { return size() >> type().page_size_log2; }
std::span<uint8_t> Memory::data() const noexcept {
    const vm::Use use{*this};
    if (!use)
        return {};
    (void)inst_->refresh();
    return {inst_->base, static_cast<size_t>(inst_->size)};
}

std::expected<uint64_t, Error> Memory::grow(uint64_t pages) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.error()};
    const int64_t old = vm::grow(*inst_, pages);
    if (old < 0)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a memory of %" PRIu64 " bytes can't grow by %" PRIu64 " page%s",
                                     inst_->size, pages, pages == 1 ? "" : "s"}};
    return static_cast<uint64_t>(old);
}

} // namespace warpbeam
