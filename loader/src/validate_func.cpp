#include "validate_func.hpp"

#include <algorithm>

/// The bodies of functions, https://webassembly.github.io/spec/core/valid/modules.html#functions ; wide
/// arithmetic, https://github.com/WebAssembly/wide-arithmetic

namespace warpbeam {
namespace {

constexpr ValType to_val_type(Sig::Type type) noexcept {
    constexpr ValType::Kind kinds[] = {ValType::bot, ValType::i32, ValType::i64,
                                       ValType::f32, ValType::f64, ValType::v128};
    return kinds[type];
}

} // namespace

FuncValidator::FuncValidator(LoadContext& context) noexcept
    : context_{context}, in_{context.module.bytes, context.diagnostics}, types_{context, in_},
      stack_{context.allocator}, blocks_{context.allocator}, locals_{context.allocator},
      run_ends_{context.allocator}, initialised_{context.allocator}, initialised_list_{context.allocator} {
    for (uint32_t code = 0; code < 256; ++code) {
        const InstrRow* const row = find_instr(code);
        enabled_[code] = is_prefix(code) || (row != nullptr && context.has(row->feature));
    }
    // Both exception proposals have this instruction.
    if (context.has(Feature::legacy_exceptions))
        enabled_[static_cast<uint8_t>(Op::throw_)] = true;
}

bool FuncValidator::prepare() noexcept { return stack_.resize(128) || diagnostics().out_of_memory(); }

void FuncValidator::begin(const Reader& in) noexcept {
    in_ = in;
    blocks_.clear();
    kinds_ = 0;
    top_ = base_ = highest_ = bottom();
    room_ = top_ + std::min(stack_.size() - 2, max_operands_);
}

bool FuncValidator::prepare_locals(const FuncBody& body) noexcept {
    const std::span<const ValType> params = registry().func(body.type).params;
    local_count_ = static_cast<uint32_t>(params.size()) + body.local_count;
    runs_ = body.locals;
    tracks_locals_ = false;
    locals_.clear();
    run_ends_.clear();
    initialised_list_.clear();
    if (!locals_.append(params) || !run_ends_.reserve(runs_.size()))
        return diagnostics().out_of_memory();
    // A function can't name more locals than it has bytes; a few extra do no harm.
    const size_t written_out = std::min<size_t>(local_count_, params.size() + 256 + in_.remaining());
    if (!locals_.reserve(written_out))
        return diagnostics().out_of_memory();
    auto run_end = static_cast<uint32_t>(params.size());
    for (const LocalRun& run : runs_) {
        run_end += run.count;
        tracks_locals_ |= !run.type.defaultable();
        if (!run_ends_.push(run_end))
            return diagnostics().out_of_memory();
        while (locals_.size() < std::min<size_t>(run_end, written_out))
            if (!locals_.push(run.type))
                return diagnostics().out_of_memory();
    }
    prepare_palette();
    if (!tracks_locals_)
        return true;
    initialised_.clear();
    if (!initialised_.resize((local_count_ + 63) / 64))
        return diagnostics().out_of_memory();
    for (size_t i = 0; i < params.size(); ++i)
        initialised_[i / 64] |= uint64_t{1} << (i % 64);
    return true;
}

bool FuncValidator::begin_function(const Reader& in, const FuncBody& body) noexcept {
    is_constant_ = false;
    func_type_ = &registry().func(body.type);
    uint64_t local_slots = slots_of(func_type_->params);
    for (const LocalRun& run : body.locals)
        local_slots += uint64_t{slots_of(run.type)} * run.count;
    if (local_slots > context_.limits.frame_slots)
        return diagnostics().limit(in.offset(), "too many locals: %llu slots (the limit is %u)",
                                   static_cast<unsigned long long>(local_slots), context_.limits.frame_slots);
    max_operands_ = static_cast<size_t>(context_.limits.frame_slots - local_slots);

    start_ = in.position();
    code_ = static_cast<uint32_t>(Op::end);
    Block outermost;
    outermost.type = func_type_;
    begin(in);
    return prepare_locals(body) && (blocks_.push(outermost) || diagnostics().out_of_memory());
}

bool FuncValidator::function(const Reader& in, FuncBody& body) noexcept {
    is_ended_ = in.remaining() != 0 && in.position()[in.remaining() - 1] == static_cast<uint8_t>(Op::end);
    if (!begin_function(in, body) || !run())
        return false;
    if (!in_.at_end())
        return diagnostics().malformed(in_.offset(),
                                       "section size mismatch: code after the end of the function");

    // A v128 takes two slots. How many vectors there are at the highest point is not tracked, so all operands
    // count as vectors.
    const auto highest = static_cast<uint32_t>(highest_ - bottom());
    body.max_stack = (kinds_ & (1u << ValType::v128)) != 0 ? highest * 2 : highest;
    if (body.max_stack > max_operands_)
        return diagnostics().limit(here(), "the operand stack exceeds the limit of %u slots",
                                   context_.limits.frame_slots);
    body.code_offset = static_cast<uint32_t>(in.offset());
    body.code = in_.since(in.position());
    return true;
}

bool FuncValidator::wide(unsigned operands) noexcept {
    static constexpr ValType all[] = {ValType::i64, ValType::i64, ValType::i64, ValType::i64};
    return pop_all({all, operands}) && push(ValType::i64) && push(ValType::i64);
}

bool FuncValidator::apply(const Sig& sig, ValType address) noexcept {
    for (unsigned i = sig.arity; i-- > 0;)
        if (!pop(sig.in[i] == Sig::addr ? address : to_val_type(sig.in[i])))
            return false;
    if (sig.out == Sig::none)
        return true;
    return push(sig.out == Sig::addr ? address : to_val_type(sig.out));
}

bool FuncValidator::mem_arg(uint8_t access_log2, bool atomic, ValType& address) noexcept {
    MemArg arg;
    if (!in_.mem_arg(arg))
        return false;
    const auto [align, index, offset, has_index] = arg;
    if (align >= mem_arg_flag::limit)
        return diagnostics().malformed(here(), "malformed memop flags 0x%x", align);
    if (has_index && !context_.require(Feature::multi_memory, here(), "a memory index"))
        return false;
    if (index >= context_.module.memories.size()) [[unlikely]]
        return diagnostics().invalid(here(), "unknown memory %u", index);
    if (align > access_log2) [[unlikely]]
        return diagnostics().invalid(here(),
                                     "alignment must not be larger than natural: 2^%u for %s of 2^%u bytes",
                                     align, op_name(), unsigned{access_log2});
    if (atomic && align != access_log2) [[unlikely]]
        return diagnostics().invalid(here(), "atomic alignment must be natural: 2^%u for %s of 2^%u bytes",
                                     align, op_name(), unsigned{access_log2});
    const Limits& limits = context_.module.memories[index].limits;
    if (!limits.is_64 && offset > UINT32_MAX) [[unlikely]]
        return diagnostics().invalid(here(), "offset out of range: %llu in a memory with 32-bit addresses",
                                     static_cast<unsigned long long>(offset));
    address = limits.address_type();
    return true;
}

bool FuncValidator::lane(unsigned lanes) noexcept {
    uint8_t index = 0;
    if (!in_.byte(index))
        return false;
    return index < lanes || diagnostics().invalid(here(), "invalid lane index %u: %s has lanes 0 to %u",
                                                  index, op_name(), lanes - 1);
}

} // namespace warpbeam
