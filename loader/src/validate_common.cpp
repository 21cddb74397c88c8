#include "validate_func.hpp"

#include <algorithm>

/// The fast path, for the instructions that most of a function body is made of, when they are clearly valid.
/// There is one jump per instruction, by its shape, and all else that is to be known of it is data. With few
/// targets the jump is predicted well: `i32.add` and `f64.lt` share one, and so do `local.get` and
/// `i32.const`. https://webassembly.github.io/spec/core/valid/instructions.html

namespace warpbeam {
namespace {

constexpr ValType::Kind kind_of(Sig::Type type) noexcept {
    // Addresses are taken for i32 here.
    constexpr ValType::Kind kinds[] = {ValType::bot, ValType::i32,  ValType::i64, ValType::f32,
                                       ValType::f64, ValType::v128, ValType::i32};
    return kinds[type];
}

/// The end of the number in LEB128 that begins at `p`. There must be a byte below 0x80 from there on.
const uint8_t* end_of_number(const uint8_t* p) noexcept {
    while (*p >= 0x80)
        ++p;
    return p + 1;
}

/// The number of at most nine bytes between them.
uint64_t number_in(const uint8_t* begin, const uint8_t* end) noexcept {
    uint64_t number = 0;
    while (end != begin)
        number = number << 7 | (*--end & 0x7f);
    return number;
}

/// Whether it is the number of an `i32.const` in five bytes, as linkers leave room for. The last byte has
/// four bits of the number, and the others are like its sign.
bool is_longest_i32(uint8_t code, const uint8_t* begin, const uint8_t* end) noexcept {
    return code == static_cast<uint8_t>(Op::i32_const) && end - begin == 5 &&
           (end[-1] <= 0x07 || end[-1] >= 0x78);
}

} // namespace

consteval FuncValidator::CommonTable FuncValidator::all_common() noexcept {
    CommonTable table{};
    for (const InstrRow& row : instr_table) {
        const auto code = static_cast<uint32_t>(row.op);
        if (code >= 256 || row.sig == sig::special || row.sig.arity > 2)
            continue;
        const bool has_result = row.sig.out != Sig::none;
        Common& entry = table[code];
        if (row.sig.arity != 0)
            entry.last = kind_of(row.sig.in[row.sig.arity - 1u]);
        if (row.sig.arity == 2)
            entry.first = kind_of(row.sig.in[0]);
        entry.result = kind_of(row.sig.out);
        // The longest numbers are left out: their last byte has bits that must be zero.
        if (row.imm == Imm::mem_arg) {
            entry.shape = has_result ? Shape::load : Shape::store;
            entry.max_align = row.access_log2;
            entry.max_size = 2 + 4;
        } else if (row.imm == Imm::i32 || row.imm == Imm::i64) {
            entry.shape = Shape::push;
            entry.max_size = row.imm == Imm::i32 ? 1 + 4 : 1 + 9;
        } else if (row.imm == Imm::f32 || row.imm == Imm::f64) {
            entry.shape = Shape::bytes;
            entry.max_size = row.imm == Imm::f32 ? 1 + 4 : 1 + 8;
        } else if (row.imm == Imm::none && row.sig.arity != 0 && has_result) {
            entry.shape = row.sig.arity == 1 ? Shape::unary : Shape::binary;
        }
    }
    constexpr struct {
        Op op;
        Shape shape;
        uint8_t pops = 0;
        BlockKind block = BlockKind::block;
    } others[] = {{Op::local_get, Shape::push},
                  {Op::local_set, Shape::local_set, 1},
                  {Op::local_tee, Shape::local_set},
                  {Op::drop, Shape::drop},
                  {Op::select, Shape::select},
                  {Op::global_get, Shape::global_get},
                  {Op::global_set, Shape::global_set},
                  {Op::block, Shape::block},
                  {Op::loop, Shape::block, 0, BlockKind::loop},
                  {Op::if_, Shape::block, 1, BlockKind::if_},
                  {Op::end, Shape::end_block},
                  {Op::br, Shape::br},
                  {Op::br_if, Shape::br_if},
                  {Op::call, Shape::call}};
    for (const auto& [op, shape, pops, block] : others) {
        Common& entry = table[static_cast<size_t>(op)];
        entry.shape = shape;
        entry.pops = pops;
        entry.block = block;
    }
    Common& get = table[static_cast<size_t>(Op::local_get)];
    get.palette_mask = 0xff;
    get.max_size = 2;
    table[static_cast<size_t>(Op::i32_const)].palette = numbers_in_palette;
    table[static_cast<size_t>(Op::i64_const)].palette = numbers_in_palette + 1;
    return table;
}

void FuncValidator::begin_code() noexcept {
    if (is_small) // All instructions are left to their rules.
        return;
    static constexpr CommonTable all = all_common();
    common_ = all;
    const Vec<MemoryType>& memories = context_.module.memories;
    for (size_t code = 0; code < common_.size(); ++code) {
        Common& entry = common_[code];
        const bool accesses = entry.shape == Shape::load || entry.shape == Shape::store;
        if (!enabled_[code] || (accesses && memories.empty())) {
            entry.shape = Shape::other;
        } else if (accesses && memories[0].limits.is_64) {
            (entry.shape == Shape::load ? entry.last : entry.first) = ValType::i64;
            entry.max_size = 2 + 9;
        }
    }
    palette_.fill(ValType::i8);
    palette_[numbers_in_palette] = ValType::i32;
    palette_[numbers_in_palette + 1] = ValType::i64;
}

void FuncValidator::prepare_palette() noexcept {
    const size_t count = std::min(locals_.size(), max_palette);
    for (size_t i = 0; i < count; ++i) {
        palette_[i] = locals_[i].defaultable() ? locals_[i] : ValType::i8;
        kinds_ |= 1u << locals_[i].kind(); // not done for each instruction
    }
    for (size_t i = count; i < palette_size_; ++i)
        palette_[i] = ValType::i8;
    palette_size_ = count;
}

bool FuncValidator::pass_common() noexcept {
    const uint8_t* const end = in_.position() + in_.remaining();
    const uint8_t* p = in_.position();
    ValType* top = top_;
    ValType* highest = highest_;
    // A case passes its instruction, or leaves it to its rule before it has changed anything.
    while (p < end) {
        const Common& common = common_[*p];
        switch (common.shape) {
        case Shape::local_set: {
            if (top == base_ || top[-1] != palette_[p[1]]) [[unlikely]]
                goto rule;
            top -= common.pops;
            p += 2;
            continue;
        }
        case Shape::push: {
            const ValType type = palette_[common.palette + (p[1] & common.palette_mask)];
            const uint8_t* const to = end_of_number(p + 1);
            if (top == room_ || type == ValType::i8) [[unlikely]]
                goto rule;
            if (to - p > common.max_size && !is_longest_i32(*p, p + 1, to)) [[unlikely]]
                goto rule;
            *top++ = type;
            highest = std::max(highest, top);
            p = to;
            continue;
        }
        case Shape::bytes: {
            const uint8_t size = common.max_size;
            if (end - p < size || top == room_) [[unlikely]]
                goto rule;
            *top++ = common.result;
            highest = std::max(highest, top);
            p += size;
            continue;
        }
        case Shape::unary: {
            if (top == base_ || top[-1] != common.last) [[unlikely]]
                goto rule;
            top[-1] = common.result;
            p += 1;
            continue;
        }
        case Shape::binary: {
            if (!has_two(top, common)) [[unlikely]]
                goto rule;
            --top;
            top[-1] = common.result;
            p += 1;
            continue;
        }
        case Shape::load: {
            if (p[1] > common.max_align || top == base_ || top[-1] != common.last) [[unlikely]]
                goto rule;
            const uint8_t* const to = end_of_number(p + 2);
            if (to - p > common.max_size) [[unlikely]]
                goto rule;
            top[-1] = common.result;
            p = to;
            continue;
        }
        case Shape::store: {
            if (p[1] > common.max_align || !has_two(top, common)) [[unlikely]]
                goto rule;
            const uint8_t* const to = end_of_number(p + 2);
            if (to - p > common.max_size) [[unlikely]]
                goto rule;
            top -= 2;
            p = to;
            continue;
        }
        case Shape::drop: {
            if (top == base_) [[unlikely]]
                goto rule;
            --top;
            p += 1;
            continue;
        }
        case Shape::select: {
            if (top - base_ < 3 || top[-1] != ValType::i32 || top[-2] != top[-3] || top[-2].is_ref())
                [[unlikely]]
                goto rule;
            top -= 2;
            p += 1;
            continue;
        }
        case Shape::global_get: {
            const Vec<GlobalType>& globals = context_.module.globals;
            if (p[1] >= std::min<size_t>(globals.size(), 0x80) || top == room_) [[unlikely]]
                goto rule;
            push_at(top, highest, globals[p[1]].content);
            p += 2;
            continue;
        }
        case Shape::global_set: {
            const Vec<GlobalType>& globals = context_.module.globals;
            if (p[1] >= std::min<size_t>(globals.size(), 0x80) || !globals[p[1]].is_mutable || top == base_ ||
                top[-1] != globals[p[1]].content) [[unlikely]]
                goto rule;
            --top;
            p += 2;
            continue;
        }
        case Shape::block: {
            Block block;
            block.kind = common.block;
            if (p[1] != type_code::empty_block) {
                const PlainType* const plain = find_plain(p[1]);
                if (plain == nullptr || plain->kind > ValType::f64) [[unlikely]]
                    goto rule;
                block.result = plain->kind;
            }
            if (common.pops != 0) {
                if (top == base_ || top[-1] != ValType::i32) [[unlikely]]
                    goto rule;
            }
            if (blocks_.size() > context_.limits.nesting || blocks_.size() == blocks_.capacity()) [[unlikely]]
                goto rule;
            if (common.pops != 0)
                --top;
            const Block& outer = blocks_.back();
            block.height = static_cast<uint32_t>(top - bottom());
            block.initialised = static_cast<uint32_t>(initialised_list_.size());
            block.never_entered = outer.unreachable || outer.never_entered;
            (void)blocks_.push(block); // there is room
            base_ = top;
            p += 2;
            continue;
        }
        case Shape::end_block: {
            const Block& block = blocks_.back();
            if (block.type != nullptr || block.initialised != initialised_list_.size()) [[unlikely]]
                goto rule;
            // What is on the stack is what the block around this one goes on with.
            if (block.result == ValType::bot ? top != base_
                                             : top - base_ != 1 || top[-1] != block.result ||
                                                   block.kind == BlockKind::if_) [[unlikely]]
                goto rule;
            blocks_.pop();
            base_ = bottom() + blocks_.back().height;
            p += 1;
            continue;
        }
        case Shape::br: {
            if (!is_bare_label(p[1])) [[unlikely]]
                goto rule;
            top = base_;
            blocks_.back().unreachable = true;
            p += 2;
            continue;
        }
        case Shape::br_if: {
            if (!is_bare_label(p[1]) || top == base_ || top[-1] != ValType::i32) [[unlikely]]
                goto rule;
            --top;
            p += 2;
            continue;
        }
        case Shape::call: {
            const uint8_t* const to = end_of_number(p + 1);
            uint64_t index = p[1] & 0x7fu;
            if (to - p == 3)
                index |= uint64_t{p[2]} << 7;
            else if (to - p > 3)
                index = to - p <= 6 ? number_in(p + 1, to) : UINT64_MAX;
            if (index >= context_.module.funcs.size()) [[unlikely]]
                goto rule;
            const FuncType& type = registry().func(context_.module.funcs[static_cast<size_t>(index)]);
            const size_t params = type.params.size();
            if (static_cast<size_t>(top - base_) < params || type.results.size() > 1 || top == room_ ||
                !std::equal(type.params.begin(), type.params.end(), top - params)) [[unlikely]]
                goto rule;
            top -= params;
            if (!type.results.empty())
                push_at(top, highest, type.results[0]);
            p = to;
            continue;
        }

        case Shape::other:
            goto rule;
        }
    }
rule:
    top_ = top;
    highest_ = highest;
    if (p <= end) [[likely]]
        return in_.skip(static_cast<size_t>(p - in_.position()));
    // The last instruction goes on beyond what is to be read.
    start_ = in_.position();
    (void)in_.skip(in_.remaining());
    return in_.unexpected_end();
}

} // namespace warpbeam
