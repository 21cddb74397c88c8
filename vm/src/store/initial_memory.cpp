#include "store/initial_memory.hpp"

#include "store/const_expr.hpp"
#include "store/errors.hpp"
#include "store/store_impl.hpp"

namespace warpbeam::vm {

std::expected<void, Error> list_initial_memory(const InstanceObject& instance, uint32_t memory,
                                               Vec<MemoryImage::Piece>& pieces) noexcept {
    pieces.clear();
    // Offsets depend only on constants and immutable globals, so they are what they were.
    const MemoryType& type = instance.module->memories()[memory];
    const uint64_t size = type.limits.min << type.page_size_log2;
    ConstEvaluator constants{instance, instance.store->allocator()};
    for (const DataSegment& segment : instance.module->data()) {
        if (segment.mode != SegmentMode::active || segment.memory != memory)
            continue;
        const auto start = constants.evaluate(segment.offset);
        if (!start)
            return std::unexpected{start.error()};
        // Instantiation trapped there.
        if (!within(start->slots[0], segment.bytes.size(), size))
            break;
        if (!pieces.push({start->slots[0], segment.bytes}))
            return std::unexpected{no_memory()};
    }
    return {};
}

} // namespace warpbeam::vm
