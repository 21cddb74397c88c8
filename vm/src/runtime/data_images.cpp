#include "runtime/data_images.hpp"

#include "lower/body_reader.hpp"
#include "runtime/store_impl.hpp"

namespace warpbeam::vm {

namespace {

/// Copying less costs no more than what mapping saves: a system call, and a fault for each page touched. From
/// bench/instantiate.
constexpr size_t worthwhile = 16 * 1024;

/// The value of an address that is a mere constant.
std::optional<uint64_t> constant_address(const Module& module, const ConstExpr& expression) noexcept {
    BodyReader reader{module, expression.code};
    uint64_t value = 0;
    switch (reader.op()) {
    case Op::i32_const:
        value = static_cast<uint32_t>(reader.s64());
        break;
    case Op::i64_const:
        value = static_cast<uint64_t>(reader.s64());
        break;
    default:
        return std::nullopt;
    }
    return reader.op() == Op::end ? std::optional{value} : std::nullopt;
}

/// Where a segment goes if that is known before there is an instance and can't trap.
std::optional<uint64_t> place_of(const Module& module, const DataSegment& segment) noexcept {
    if (segment.memory < module.imported_memories())
        return std::nullopt;
    const MemoryType& type = module.memories()[segment.memory];
    const uint64_t size = bytes_of(type.limits.min, type);
    const std::optional<uint64_t> address = constant_address(module, segment.offset);
    const bool fits = address && *address <= size && segment.bytes.size() <= size - *address;
    return fits ? address : std::nullopt;
}

} // namespace

DataImages* DataImages::create(const Module& module, Allocator& allocator) noexcept {
    auto* const made = warpbeam::create<DataImages>(allocator, allocator);
    if (made == nullptr)
        return nullptr;
    made->first_ = module.imported_memories();
    // When a segment traps, those before it have been applied and those after it have not.
    for (const DataSegment& segment : module.data())
        if (segment.mode == SegmentMode::active && !place_of(module, segment))
            return made;

    Vec<MemoryImage::Piece> pieces{allocator};
    bool enough = made->images_.reserve(module.memories().size() - made->first_) &&
                  pieces.reserve(module.data().size());
    for (size_t memory = made->first_; enough && memory < module.memories().size(); ++memory) {
        pieces.clear();
        size_t bytes = 0;
        for (const DataSegment& segment : module.data()) {
            if (segment.mode != SegmentMode::active || segment.memory != memory)
                continue;
            enough &= pieces.push({*place_of(module, segment), segment.bytes});
            bytes += segment.bytes.size();
        }
        const bool shared = bytes >= worthwhile && !module.memories()[memory].shared;
        enough &= made->images_.emplace(shared ? MemoryImage::create(pieces) : std::nullopt) != nullptr;
    }
    if (!enough) {
        destroy(allocator, made);
        return nullptr;
    }
    return made;
}

} // namespace warpbeam::vm
