#include "validate_func.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

/// The fast path. Most of a function body is locals, constants, numeric instructions, loads and stores with
/// short immediates and operands of exactly the expected types. Their effects are data, so one sequence
/// without unpredictable branches handles them all; a jump per instruction would be mispredicted too often.
/// https://webassembly.github.io/spec/core/valid/instructions.html#numeric-instructions

namespace warpbeam {
namespace {

/// Where the types that are not those of locals begin in the palette; they are in the order of Sig::Type.
constexpr uint8_t palette_types = 128;

constexpr uint64_t load_little_endian(const uint8_t* p) noexcept {
    uint64_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return std::endian::native == std::endian::big ? std::byteswap(value) : value;
}

} // namespace

constexpr FuncValidator::CommonTable FuncValidator::all_common() noexcept {
    CommonTable table{};
    for (const InstrRow& row : instr_table) {
        const auto code = static_cast<uint32_t>(row.op);
        const bool simple = row.imm == Imm::none || row.imm == Imm::mem_arg || row.imm == Imm::i32 ||
                            row.imm == Imm::i64 || row.imm == Imm::f32 || row.imm == Imm::f64;
        if (code >= 256 || row.sig == sig::special || row.sig.arity > 2 || !simple)
            continue;
        // Addresses are assumed to be i32; if the module has no such memory, these instructions are left out.
        const auto index_of = [](Sig::Type type) {
            return static_cast<uint8_t>(palette_types + (type == Sig::addr ? Sig::i32 : type));
        };
        Common& entry = table[code];
        entry.stops = false;
        entry.arity = row.sig.arity;
        entry.pushes = row.sig.out == Sig::none ? 0 : 1;
        entry.result = index_of(row.sig.out);
        if (row.sig.arity != 0) {
            entry.last = index_of(row.sig.in[row.sig.arity - 1u]);
            entry.last_mask = ~0u;
        }
        if (row.sig.arity == 2) {
            entry.first = index_of(row.sig.in[0]);
            entry.first_mask = ~0u;
        }
        if (row.imm == Imm::mem_arg) {
            entry.take_numbers(2);
            entry.max_first_byte = row.access_log2;
            entry.needs_memory = true;
        } else if (row.imm == Imm::i32 || row.imm == Imm::i64) {
            entry.take_numbers(1);
        } else if (row.imm == Imm::f32 || row.imm == Imm::f64) {
            entry.fixed_size = row.imm == Imm::f32 ? 5 : 9;
        }
    }
    // The palette begins with the first 128 locals.
    Common local;
    local.stops = false;
    local.take_numbers(1);
    local.max_first_byte = 0x7f;
    local.local_mask = 0x7f;
    Common& get = table[static_cast<uint8_t>(Op::local_get)] = local;
    get.pushes = 1;
    Common& set = table[static_cast<uint8_t>(Op::local_set)] = local;
    set.arity = 1;
    set.last_mask = ~0u;
    Common& tee = table[static_cast<uint8_t>(Op::local_tee)] = set;
    tee.pushes = 1;
    Common& drop = table[static_cast<uint8_t>(Op::drop)];
    drop.stops = false;
    drop.arity = 1;
    return table;
}

void FuncValidator::begin_code() noexcept {
    static constexpr CommonTable all = all_common();
    common_ = all;
    const Vec<MemoryType>& memories = context_.module.memories;
    const bool has_memory = !memories.empty() && !memories[0].limits.is_64;
    for (size_t code = 0; code < 256; ++code)
        common_[code].stops |= !enabled_[code] || (common_[code].needs_memory && !has_memory);
    constexpr ValType types[] = {ValType::bot, ValType::i32, ValType::i64, ValType::f32, ValType::f64};
    std::ranges::copy(types, palette_.begin() + palette_types);
}

void FuncValidator::prepare_palette() noexcept {
    // A packed type never occurs on the stack, so it marks what does not exist or needs the slow path.
    const size_t count = std::min<size_t>(locals_.size(), palette_types);
    for (size_t i = 0; i < count; ++i) {
        palette_[i] = locals_[i].defaultable() ? locals_[i] : ValType::i8;
        // The only vectors that the fast path may push.
        kinds_ |= 1u << locals_[i].kind();
    }
    std::fill(palette_.begin() + static_cast<ptrdiff_t>(count), palette_.begin() + palette_types,
              ValType::i8);
}

void FuncValidator::pass_common() noexcept {
    // No instruction handled here is longer, so none needs to check for the end.
    constexpr size_t longest = 16;
    if (in_.remaining() < longest)
        return;
    const uint8_t* p = in_.position();
    const uint8_t* const last_start = p + (in_.remaining() - longest);
    ValType* top = top_;
    ValType* highest = highest_;

    while (p <= last_start && top < room_) {
        const Common& common = common_[*p];
        // Each number in the immediates ends with a byte below 0x80, which leaves one bit set here. The sizes
        // of one number and of two are both computed before it is known which is needed, because the next
        // instruction waits for the result. The last bit avoids a special case if no number ends; eight bytes
        // are too many for any number.
        const uint64_t ends = (~load_little_endian(p + 1) & 0x8080'8080'8080'8080) | uint64_t{1} << 63;
        const auto one_size = static_cast<uint32_t>(std::countr_zero(ends) + 1) / 8;
        const auto two_size =
            static_cast<uint32_t>(std::countr_zero((ends & (ends - 1)) | uint64_t{1} << 63) + 1) / 8;
        const uint32_t numbers_size = (one_size & common.one_mask) | (two_size & common.two_mask);

        const uint32_t local = p[1] & common.local_mask;
        const ValType last = palette_[common.last + local];
        const ValType result = palette_[common.result + local];
        // Below the stack there is room for two missing operands.
        const uint32_t differences = ((top[-1].bits() ^ last.bits()) & common.last_mask) |
                                     ((top[-2].bits() ^ palette_[common.first].bits()) & common.first_mask);
        const bool stops = common.stops | (p[1] > common.max_first_byte) |
                           (numbers_size > common.max_numbers_size) | (top - base_ < common.arity) |
                           (differences != 0) | (result == ValType::i8);
        if (stops)
            break;
        top -= common.arity;
        *top = result;
        top += common.pushes;
        highest = std::max(highest, top);
        p += common.fixed_size + numbers_size;
    }
    (void)in_.skip(static_cast<size_t>(p - in_.position()));
    top_ = top;
    highest_ = highest;
}

} // namespace warpbeam
