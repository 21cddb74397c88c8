#pragma once

#include <cstddef>

/// The data of host objects.

namespace warpbeam::vm {

struct HostObject;

/// What the heap needs to know about a host object.
struct HostType {
    const void* tag; ///< identifies its C++ type
    void (*finalize)(void* data) noexcept;
    size_t size = 0; ///< 0: the host owns its memory
    size_t alignment = 1;
};

/// Separate from the HostObject, since that is cleared in a collection but the finalizer runs later. If the
/// type has a size, the host's object follows.
struct HostData {
    HostObject* object;
    HostData* next;
    void* data;
    const void* tag;
    void (*finalize)(void* data) noexcept;
    size_t bytes; ///< the total taken from the allocator
    size_t alignment;
};

} // namespace warpbeam::vm
