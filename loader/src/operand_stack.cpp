#include "validate_func.hpp"

#include <warpbeam/build.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace warpbeam {

bool FuncValidator::make_room(size_t count) noexcept {
    const size_t used = height();
    if (count > max_operands_ || used > max_operands_ - count)
        return diagnostics().limit(here(), "the operand stack exceeds the limit of %u slots",
                                   context_.limits.frame_slots);
    const auto base = base_ - bottom();
    const auto highest = highest_ - bottom();
    if (!stack_.resize(std::max((used + count) * 2, size_t{128})))
        return diagnostics().out_of_memory();
    top_ = bottom() + used;
    base_ = bottom() + base;
    highest_ = bottom() + highest;
    room_ = bottom() + std::min(stack_.size() - 2, max_operands_);
    return true;
}

// A call of two bytes may have a thousand parameters and results, so these lists are copied in bulk.
bool FuncValidator::push_some(std::span<const ValType> types) noexcept {
    if (static_cast<size_t>(room_ - top_) < types.size() && !make_room(types.size()))
        return false;
    std::memcpy(static_cast<void*>(top_), types.data(), types.size_bytes());
    top_ += types.size();
    highest_ = std::max(highest_, top_);
    bool any_vector = false;
    for (const ValType type : types)
        any_vector |= type == ValType::v128;
    kinds_ |= any_vector ? 1u << ValType::v128 : 0u;
    return true;
}

bool FuncValidator::pop_some(std::span<const ValType> types) noexcept {
    if (!peek_some(types))
        return false;
    top_ -= std::min(types.size(), static_cast<size_t>(top_ - base_));
    return true;
}

bool FuncValidator::peek_some(std::span<const ValType> types) noexcept {
    if (static_cast<size_t>(top_ - base_) >= types.size() &&
        std::memcmp(top_ - types.size(), types.data(), types.size_bytes()) == 0)
        return true;
    const ValType* operand = top_;
    for (size_t i = types.size(); i-- > 0;) {
        if (operand == base_)
            return blocks_.back().unreachable || mismatch(types);
        --operand;
        if (!registry().matches(*operand, types[i]))
            return mismatch(types);
    }
    return true;
}

bool FuncValidator::pop_ref(ValType& found) noexcept {
    if (!pop_any(found))
        return false;
    if (found == ValType::bot)
        found = ValType::reference(HeapType::bot, false);
    if (found.is_ref())
        return true;
    return diagnostics().invalid(here(), "type mismatch: %s requires a reference but stack has [%s]",
                                 op_name(), text_of(found).c_str());
}

bool FuncValidator::mismatch(std::span<const ValType> expected) noexcept {
    const size_t shown = std::min(static_cast<size_t>(top_ - base_), std::max(expected.size(), size_t{1}));
    return diagnostics().invalid(here(), "type mismatch: %s requires %s but stack has %s", op_name(),
                                 expected.empty() ? "an operand" : text_of(expected).c_str(),
                                 text_of(std::span<const ValType>{top_ - shown, shown}).c_str());
}

const char* FuncValidator::op_name() noexcept {
    if constexpr (WARPBEAM_NAMES != 0) {
        const InstrRow* const row = find_instr(code_);
        return row != nullptr ? row->text().data() : "instruction";
    } else {
        const bool has_prefix = code_ >= 0x100;
        std::snprintf(op_text_.data(), op_text_.size(), has_prefix ? "opcode %02x %u" : "opcode %02x",
                      has_prefix ? code_ >> 12 : code_, code_ & sub_opcode_limit);
        return op_text_.data();
    }
}

} // namespace warpbeam
