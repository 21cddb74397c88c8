#pragma once

#include <warpbeam/memory/memory_slots.hpp>

namespace warpbeam::vm {

/// The slots for the small memories of an engine. Mappings and address space are the process's, and a host
/// may give each module an engine, so engines that have no allocator of their own share their slots.
class SmallMemories {
public:
    explicit SmallMemories(Allocator& allocator) noexcept;
    SmallMemories(const SmallMemories&) = delete;
    SmallMemories& operator=(const SmallMemories&) = delete;
    /// All slots of the engine must have been given back.
    ~SmallMemories();

    [[nodiscard]] MemorySlots& slots() noexcept { return slots_; }

private:
    MemorySlots own_;
    MemorySlots& slots_;
};

} // namespace warpbeam::vm
