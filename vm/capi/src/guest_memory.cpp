#include "trap.hpp"

#include <warpbeam/vm/guest_allocator.hpp>

/// How the host uses the memory of a guest.

using namespace warpbeam;

namespace {

/// The trap of a failure, for C; null if there is none.
template <typename Result>
wasm_trap_t* trap_of(wasm_instance_t* instance, const Result& result) noexcept {
    return result ? nullptr : capi::make_trap(*capi::as_ref(instance)->store, result.error());
}

} // namespace

bool warpbeam_memory_read(const wasm_memory_t* memory, uint64_t address, void* to, size_t size) {
    const MemoryView view{capi::handle<Memory>(memory)};
    return view.read_bytes(address, {static_cast<uint8_t*>(to), size}).has_value();
}
bool warpbeam_memory_write(wasm_memory_t* memory, uint64_t address, const void* from, size_t size) {
    const MemoryView view{capi::handle<Memory>(memory)};
    return view.write_bytes(address, {static_cast<const uint8_t*>(from), size}).has_value();
}

wasm_trap_t* warpbeam_guest_allocate(wasm_instance_t* instance, uint64_t size, uint64_t alignment,
                                     uint64_t* address) {
    *address = 0;
    if (capi::find<Instance>(instance) == nullptr)
        return capi::constant_trap(TrapCode::usage);
    const auto allocator = GuestAllocator::of(capi::handle<Instance>(instance));
    if (!allocator)
        return trap_of(instance, allocator);
    auto buffer = allocator->allocate(size, alignment);
    if (buffer)
        *address = buffer->release();
    return trap_of(instance, buffer);
}
wasm_trap_t* warpbeam_guest_free(wasm_instance_t* instance, uint64_t address) {
    if (capi::find<Instance>(instance) == nullptr)
        return capi::constant_trap(TrapCode::usage);
    const auto allocator = GuestAllocator::of(capi::handle<Instance>(instance));
    return allocator ? trap_of(instance, allocator->free(address)) : trap_of(instance, allocator);
}
