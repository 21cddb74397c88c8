#include "store/errors.hpp"
#include "store/object_factory.hpp"

#include <cinttypes>

/// Apart from the other functions of ObjectFactory, so that a host without forks is not larger.

namespace warpbeam::vm {

std::expected<MemoryObject*, Error> ObjectFactory::fork_memory(MemoryObject& memory) noexcept {
    if (!memory.bytes)
        return std::unexpected{Error{ErrorCode::usage, "a shared memory can't be forked"}};
    const uint64_t size = memory.size;
    if (auto counted = quota_.add_memory(memory.type, size); !counted)
        return std::unexpected{counted.error()};
    // A growth policy that breaks the rules may have made it grow.
    auto bytes = memory.size == size ? memory.bytes->fork() : std::nullopt;
    MemoryObject* const copy = end_memory(
        bytes ? create<MemoryObject>(engine_.allocator(), std::move(*bytes), memory.type, &owner_) : nullptr,
        size);
    if (copy == nullptr)
        return std::unexpected{
            Error{ErrorCode::out_of_memory, "out of memory: can't fork a memory of %" PRIu64 " bytes", size}};
    return copy;
}

} // namespace warpbeam::vm
