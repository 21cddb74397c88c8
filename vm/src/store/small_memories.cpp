#include "store/small_memories.hpp"

#include <warpbeam/memory/locks.hpp>

#include <cstddef>
#include <mutex>
#include <new>

namespace warpbeam::vm {
namespace {

/// They live while there is an engine that uses them. Nothing is destroyed at the end of the process, when
/// engines may still be there.
struct Shared {
    Mutex lock;
    size_t engines = 0;
    MemorySlots* slots = nullptr;
    alignas(MemorySlots) std::byte room[sizeof(MemorySlots)]{};

    MemorySlots& enter() noexcept {
        const std::lock_guard guard{lock};
        if (engines++ == 0)
            slots = ::new (room) MemorySlots{Allocator::standard()};
        return *slots;
    }
    void leave() noexcept {
        const std::lock_guard guard{lock};
        if (--engines == 0)
            slots->~MemorySlots();
    }
};
constinit Shared shared;

} // namespace

SmallMemories::SmallMemories(Allocator& allocator) noexcept
    : own_{allocator}, slots_{&allocator == &Allocator::standard() ? shared.enter() : own_} {}

SmallMemories::~SmallMemories() {
    if (&slots_ != &own_)
        shared.leave();
}

} // namespace warpbeam::vm
