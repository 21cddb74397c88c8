#pragma once

#include <cstddef>

/// What the heap stores for a host object.

namespace warpbeam::vm {

struct HostObject;

/// What the heap has to know about the type of a host object.
struct HostType {
    const void* tag; ///< identifies the C++ type
    void (*finalize)(void* data) noexcept;
    size_t size = 0; ///< 0 if the host itself owns the memory
    size_t alignment = 1;
};

/// Not part of the HostObject, whose cell is cleared by the collection before the finalizer runs. The C++
/// object follows it if the type has a size.
struct HostData {
    HostObject* object;
    HostData* next;
    void* data;
    const void* tag;
    void (*finalize)(void* data) noexcept;
    size_t bytes; ///< taken from the allocator, with the C++ object
    size_t alignment;
};

} // namespace warpbeam::vm
