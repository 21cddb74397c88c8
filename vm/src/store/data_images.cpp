#include "store/data_images.hpp"

#include "store/const_expr.hpp"
#include "store/memory_type.hpp"

#include <algorithm>

namespace warpbeam::vm {

namespace {

/// Mapping costs a system call, and a fault for each page touched. For fewer bytes, copying is no slower;
/// measured with bench/instantiate.
constexpr size_t worthwhile = 16 * 1024;

/// The position of a segment, if it is known before there is an instance and can't trap.
std::optional<uint64_t> place_of(const Module& module, const DataSegment& segment,
                                 ConstEvaluator& constants) noexcept {
    if (segment.memory < module.imported_memories())
        return std::nullopt;
    const MemoryType& type = module.memories()[segment.memory];
    const uint64_t size = bytes_of(type.limits.min, type);
    const auto value = constants.evaluate(segment.offset);
    const uint64_t address = value ? value->slots[0] : 0;
    return value && within(address, segment.bytes.size(), size) ? std::optional{address} : std::nullopt;
}

} // namespace

DataImages* DataImages::create(const Module& module, Allocator& allocator) noexcept {
    auto* const made = warpbeam::create<DataImages>(allocator, allocator);
    if (made == nullptr)
        return nullptr;
    made->first_ = module.imported_memories();
    Vec<uint64_t> places{allocator}; // positions of the active segments
    Vec<MemoryImage::Piece> pieces{allocator};
    bool enough = made->images_.reserve(module.memories().size() - made->first_) &&
                  pieces.reserve(module.data().size());
    ConstEvaluator constants{module, allocator};
    // If a segment traps, those before it have been applied and those after it have not.
    for (const DataSegment& segment : module.data()) {
        if (segment.mode != SegmentMode::active)
            continue;
        const auto place = place_of(module, segment, constants);
        if (!place)
            return made;
        enough &= places.push(*place);
    }
    for (size_t memory = made->first_; enough && memory < module.memories().size(); ++memory) {
        pieces.clear();
        uint64_t bytes = 0;
        uint64_t begin = UINT64_MAX;
        uint64_t end = 0;
        const uint64_t* next = places.begin();
        for (const DataSegment& segment : module.data()) {
            if (segment.mode != SegmentMode::active)
                continue;
            const uint64_t place = *next++;
            if (segment.memory != memory || segment.bytes.empty())
                continue;
            enough &= pieces.push({place, segment.bytes});
            bytes += segment.bytes.size();
            begin = std::min(begin, place);
            end = std::max(end, place + segment.bytes.size());
        }
        // The bytes between the segments use memory of the system too as soon as they are read.
        const bool dense = bytes >= worthwhile && bytes >= (end - begin) / 2;
        const bool shared = dense && !module.memories()[memory].shared;
        enough &= made->images_.emplace(shared ? MemoryImage::create(pieces) : std::nullopt) != nullptr;
    }
    if (!enough) {
        destroy(allocator, made);
        return nullptr;
    }
    return made;
}

} // namespace warpbeam::vm
