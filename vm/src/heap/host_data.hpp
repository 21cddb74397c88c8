#pragma once

#include <cstddef>

/// What belongs to an object of the host.

namespace warpbeam::vm {

struct HostObject;

/// What the heap must know of an object of the host.
struct HostType {
    const void* tag; ///< stands for its C++ type
    void (*finalize)(void* data) noexcept;
    size_t size = 0; ///< 0: its memory is the host's own
    size_t alignment = 1;
};

/// It is no part of the HostObject, since that is cleared in a collection, and the finalizer runs later. What
/// the host made of it follows when that has a size.
struct HostData {
    HostObject* object;
    HostData* next;
    void* data;
    const void* tag;
    void (*finalize)(void* data) noexcept;
    size_t bytes; ///< of all of it, taken from the allocator
    size_t alignment;
};

} // namespace warpbeam::vm
