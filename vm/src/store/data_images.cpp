#include "store/data_images.hpp"

#include "store/store_impl.hpp"

#include <warpbeam/loader/instr_reader.hpp>

#include <algorithm>
#include <array>

namespace warpbeam::vm {

namespace {

/// Copying less costs no more than what mapping saves: a system call, and a fault for each page touched. From
/// bench/instantiate.
constexpr size_t worthwhile = 16 * 1024;

/// Evaluates addresses that depend on nothing but constants, before there is an instance.
class ConstantAddress {
public:
    explicit ConstantAddress(const Module& module) noexcept : module_{module} {}

    /// None when an import takes part, or it is longer than what a compiler makes of an address.
    std::optional<uint64_t> of(const ConstExpr& expression) noexcept {
        InstrReader reader{module_, expression.code};
        std::array<uint64_t, 8> stack{};
        size_t depth = 0;
        for (Op op; (op = reader.op()) != Op::end;) {
            // Globals that refer to those before them could take time without end.
            if (depth == stack.size() || steps_++ == 100)
                return std::nullopt;
            switch (op) {
            case Op::i32_const:
                stack[depth++] = static_cast<uint32_t>(reader.s64());
                break;
            case Op::i64_const:
                stack[depth++] = static_cast<uint64_t>(reader.s64());
                break;
            case Op::global_get: {
                const uint32_t index = reader.u32();
                if (index < module_.imported_globals())
                    return std::nullopt;
                const auto value = of(module_.global_decls()[index - module_.imported_globals()].init);
                if (!value)
                    return std::nullopt;
                stack[depth++] = *value;
                break;
            }
            default: {
                if (depth < 2)
                    return std::nullopt;
                const uint64_t right = stack[--depth];
                const auto value = combine(op, stack[depth - 1], right);
                if (!value)
                    return std::nullopt;
                stack[depth - 1] = *value;
            }
            }
        }
        return stack[0];
    }

private:
    static std::optional<uint64_t> combine(Op op, uint64_t left, uint64_t right) noexcept {
        switch (op) {
        case Op::i32_add:
            return static_cast<uint32_t>(left + right);
        case Op::i32_sub:
            return static_cast<uint32_t>(left - right);
        case Op::i32_mul:
            return static_cast<uint32_t>(left * right);
        case Op::i64_add:
            return left + right;
        case Op::i64_sub:
            return left - right;
        case Op::i64_mul:
            return left * right;
        default:
            return std::nullopt;
        }
    }

    const Module& module_;
    int steps_ = 0;
};

/// Where a segment goes if that is known before there is an instance and can't trap.
std::optional<uint64_t> place_of(const Module& module, const DataSegment& segment) noexcept {
    if (segment.memory < module.imported_memories())
        return std::nullopt;
    const MemoryType& type = module.memories()[segment.memory];
    const uint64_t size = bytes_of(type.limits.min, type);
    const std::optional<uint64_t> address = ConstantAddress{module}.of(segment.offset);
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
        uint64_t bytes = 0;
        uint64_t begin = UINT64_MAX;
        uint64_t end = 0;
        for (const DataSegment& segment : module.data()) {
            if (segment.mode != SegmentMode::active || segment.memory != memory)
                continue;
            if (segment.bytes.empty())
                continue;
            const uint64_t place = *place_of(module, segment);
            enough &= pieces.push({place, segment.bytes});
            bytes += segment.bytes.size();
            begin = std::min(begin, place);
            end = std::max(end, place + segment.bytes.size());
        }
        // What is between the segments takes memory of the system too as soon as somebody reads it.
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
