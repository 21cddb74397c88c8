#include "heap/block.hpp"

#include <algorithm>

/// Host objects: making them, and their finalizers.

namespace warpbeam::vm {

/// Allocates memory that is counted as part of the heap; null as for `allocate`.
void* Heap::allocate_data(size_t bytes, size_t alignment) noexcept {
    prepare_for(bytes);
    if (!has_room(bytes))
        return nullptr;
    void* memory = allocator_.allocate(bytes, alignment);
    if (memory == nullptr) {
        collect();
        release_free_blocks(0);
        memory = allocator_.allocate(bytes, alignment);
    }
    if (memory == nullptr) {
        failure_ = Exit::out_of_memory;
        return nullptr;
    }
    committed_ += bytes;
    peak_ = std::max(peak_, committed_);
    budget_ -= static_cast<int64_t>(bytes);
    return memory;
}

void Heap::free_data(HostData* data) noexcept {
    committed_ -= data->bytes;
    allocator_.deallocate(data, data->bytes, data->alignment);
}

HostObject* Heap::allocate_host(const HostType& type, void* data) noexcept {
    if (finalizing_) {
        failure_ = Exit::out_of_memory;
        return nullptr;
    }
    const size_t alignment = std::max(type.alignment, alignof(HostData));
    const size_t head =
        type.size == 0 ? sizeof(HostData) : (sizeof(HostData) + alignment - 1) & ~(alignment - 1);
    auto* const memory = static_cast<uint8_t*>(allocate_data(head + type.size, alignment));
    if (memory == nullptr)
        return nullptr;
    auto* const fresh = ::new (memory) HostData{.object = nullptr,
                                                .next = nullptr,
                                                .data = type.size == 0 ? data : memory + head,
                                                .tag = type.tag,
                                                .finalize = type.finalize,
                                                .bytes = head + type.size,
                                                .alignment = alignment};
    auto* const object = static_cast<HostObject*>(allocate(&host_layout, sizeof(HostObject)));
    if (object == nullptr || !keep(from_object(object))) {
        failure_ = object != nullptr ? Exit::out_of_memory : failure_;
        free_data(fresh);
        return nullptr;
    }
    object->data = fresh;
    fresh->object = object;
    fresh->next = host_data_;
    host_data_ = fresh;
    return object;
}

/// Separates the data of dead objects from that of live ones. Precondition: all live objects are marked.
bool Heap::sweep_host() noexcept {
    for (uint32_t i = 0; i < objects_per_step && *next_host_ != nullptr; ++i) {
        HostData* const data = *next_host_;
        Block* const block = block_of(data->object);
        if (block->is_marked(block->offset_of(data->object))) {
            survived_ += data->bytes;
            next_host_ = &data->next;
        } else {
            *next_host_ = data->next;
            data->next = dead_;
            dead_ = data;
        }
    }
    return *next_host_ == nullptr;
}

/// Runs the finalizers of the data whose objects are no longer in the heap.
bool Heap::finalize() noexcept {
    finalizing_ = true;
    for (uint32_t i = 0; i < objects_per_step && dead_ != nullptr; ++i) {
        HostData* const data = dead_;
        dead_ = data->next;
        data->finalize(data->data);
        free_data(data);
    }
    finalizing_ = false;
    return dead_ == nullptr;
}

} // namespace warpbeam::vm
