#include "heap/block.hpp"

#include <algorithm>

/// Host objects: making them, and their finalizers.

namespace warpbeam::vm {

/// Allocates memory that is counted as part of the heap; null as for `allocate`.
void* Heap::allocate_data(size_t bytes, size_t alignment) noexcept {
    const auto take = [&]() -> void* {
        failure_ = Exit::heap_exhausted;
        if (!fits(bytes, limit_))
            return nullptr;
        failure_ = Exit::out_of_memory;
        // Free blocks make room.
        release_free_blocks(limit_ - bytes);
        return allocator_.allocate(bytes, alignment);
    };
    void* memory = presses(bytes) ? nullptr : take();
    if (memory == nullptr && (bytes > limit_ || collect_for(bytes, nullptr)))
        memory = take();
    if (memory == nullptr)
        return nullptr;
    committed_ += bytes;
    peak_ = std::max(peak_, committed_);
    allocated_ += bytes;
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
void Heap::sweep_host() noexcept {
    for (HostData** link = &host_data_; *link != nullptr;) {
        HostData* const data = *link;
        Block* const block = block_of(data->object);
        ++work_;
        if (block->is_marked(block->offset_of(data->object))) {
            survived_ += data->bytes;
            link = &data->next;
        } else {
            *link = data->next;
            data->next = dead_;
            dead_ = data;
        }
    }
}

/// Runs the finalizers of a list of data whose objects are no longer in the heap.
void Heap::finalize(HostData* dead) noexcept {
    finalizing_ = true;
    while (dead != nullptr) {
        HostData* const data = dead;
        dead = data->next;
        data->finalize(data->data);
        free_data(data);
    }
    finalizing_ = false;
}

} // namespace warpbeam::vm
