// Functions and instruction sequences, https://webassembly.github.io/spec/core/binary/instructions.html

#include "print/module_printer.hpp"

#include <warpbeam/loader/limits.hpp>

#include <algorithm>

namespace warpbeam::text {

void ModulePrinter::funcs() noexcept {
    entries(SectionId::func, [&](BinaryReader& in) { keep(func_types_.push(in.u32())); });
    size_t bodies = defined_[static_cast<size_t>(Space::func)];
    entries(SectionId::code, [&](BinaryReader& in) {
        BinaryReader body = in.part(in.u32());
        if (++bodies <= func_types_.size())
            func(body);
    });
    if (bodies != func_types_.size())
        section(SectionId::code).fail("function and code section have inconsistent lengths");
}

void ModulePrinter::func(BinaryReader body) noexcept {
    const uint32_t index = defined_[static_cast<size_t>(Space::func)];
    out_.line(1).add("(func");
    define(Space::func);
    const uint32_t type = func_types_[index];
    type_use(type, index);
    func_ = index;
    label_count_ = 0;
    const BinaryReader begin = body;
    locals(body, index, type < types_.size() ? types_[type].params : 0);
    expression(body, begin.offset());
    func_.reset();
    if (!body.at_end())
        body.fail("code after the end of the function");
    out_.add(")");
}

void ModulePrinter::locals(BinaryReader& in, uint32_t func, uint32_t first) noexcept {
    ValueGroup group{*this, "local", func};
    uint64_t total = 0;
    for (uint32_t runs = in.count(); runs > 0; --runs) {
        const uint32_t length = in.u32();
        total += length;
        if (total > ModuleLimits{}.locals && !fault_)
            fault_.emplace(ErrorCode::limit, "too many locals").at(in.offset());
        const ValType type = val_type(in);
        for (uint32_t i = 0; i < length && !fault_; ++i) {
            group.next(first++);
            type_text_.value(type);
        }
    }
}

/// Prints up to the closing `end`. In a function, which begins at `func_start`, each instruction gets a line.
void ModulePrinter::expression(BinaryReader& in, std::optional<size_t> func_start) noexcept {
    labels_.clear();
    while (!fault_) {
        const size_t offset = in.offset();
        const InstrRow* const row = opcode(in);
        if (row == nullptr || (row->op == Op::end && labels_.empty()))
            return;
        const bool continues = continue_block(row->op, in);
        if (fault_)
            return;
        if (row->op == Op::end || row->op == Op::delegate)
            labels_.pop();
        if (offsets_ != nullptr)
            keep(offsets_->push(offset));
        const size_t depth = labels_.size() - (continues ? 1 : 0);
        if (func_start)
            out_.line(depth + 2);
        else
            space();
        if (func_start)
            hint(*row, offset - *func_start);
        out_.add(row->text());
        immediates(*row, in);
    }
}

void ModulePrinter::print_expression() noexcept {
    BinaryReader in{module_, fault_};
    expression(in, std::nullopt);
}

void ModulePrinter::print_body(Vec<size_t>& offsets) noexcept {
    BinaryReader in{module_, fault_};
    offsets_ = &offsets;
    expression(in, 0);
}

const InstrRow* ModulePrinter::opcode(BinaryReader& in) noexcept {
    const size_t start = in.offset();
    const auto code = static_cast<uint32_t>(in.op());
    const InstrRow* const row = find_instr(code);
    if (row == nullptr && !fault_)
        fault_.emplace(ErrorCode::malformed, "illegal opcode 0x%x", code).at(start);
    return fault_ ? nullptr : row;
}

/// Handles an instruction that divides or ends the open block; it must be a block of the right kind.
bool ModulePrinter::continue_block(Op op, BinaryReader& in) noexcept {
    const bool continues = op == Op::else_ || op == Op::catch_ || op == Op::catch_all;
    if (!continues && op != Op::delegate)
        return false;
    const Op open = labels_.empty() ? Op::end : labels_.back().op;
    const bool fits = op == Op::else_      ? open == Op::if_
                      : op == Op::delegate ? open == Op::try_
                                           : open == Op::try_ || open == Op::catch_;
    if (!fits) {
        in.fail(op == Op::else_      ? "else without if"
                : op == Op::delegate ? "delegate without try"
                                     : "catch without try");
        return false;
    }
    if (continues)
        labels_.back().op = op;
    return continues;
}

void ModulePrinter::begin_block(Op op, BinaryReader& in) noexcept {
    const NameSection::Entry* const entry =
        func_ ? names_.find(Space::label, *func_, label_count_++) : nullptr;
    if (entry != nullptr) {
        ++names_used_;
        out_.add(" ").identifier(entry->name);
    }
    block_type(in);
    if (op == Op::try_table)
        catch_clauses(in);
    keep(labels_.push({op, entry != nullptr ? entry->name : std::string_view{}}));
}

void ModulePrinter::block_type(BinaryReader& in) noexcept {
    const BlockCode code = in.block_code();
    switch (code.form) {
    case BlockCode::empty:
        return;
    case BlockCode::result:
        out_.add(" (result ");
        type_text_.value(val_type(in, code.result_type));
        out_.add(")");
        return;
    case BlockCode::index:
        if (code.type < 0)
            return in.fail("malformed block type");
        return type_use(static_cast<uint32_t>(code.type), std::nullopt);
    }
}

void ModulePrinter::catch_clauses(BinaryReader& in) noexcept {
    for (uint32_t count = in.count(); count > 0; --count) {
        const CatchCode clause = in.catch_clause();
        if (clause.kind >= std::size(catch_kinds))
            return in.fail("malformed catch clause");
        out_.add(" (").add(catch_kinds[clause.kind].keyword);
        if (catch_kinds[clause.kind].has_tag) {
            space();
            reference(Space::tag, clause.tag);
        }
        label(clause.label);
        out_.add(")");
    }
}

void ModulePrinter::handler_clauses(BinaryReader& in) noexcept {
    for (uint32_t count = in.count(); count > 0; --count) {
        const HandlerCode clause = in.handler_clause();
        if (clause.is_malformed())
            return in.fail("malformed handler clause");
        out_.add(" (on ");
        reference(Space::tag, clause.tag);
        if (clause.has_label())
            label(clause.label);
        else
            out_.add(" switch");
        out_.add(")");
    }
}

/// Uses the label's name if it has one that no inner block has too.
void ModulePrinter::label(uint32_t depth) noexcept {
    constexpr uint32_t deepest_named = 64;
    space();
    if (depth >= labels_.size() || depth > deepest_named)
        return (void)out_.natural(depth);
    const Label* const end = labels_.end();
    const Label* const target = end - 1 - depth;
    const bool hidden =
        std::any_of(target + 1, end, [&](const Label& inner) { return inner.name == target->name; });
    if (target->name.empty() || hidden)
        out_.natural(depth);
    else
        out_.identifier(target->name);
}

/// The annotation before an instruction at an offset in its function.
void ModulePrinter::hint(const InstrRow& row, size_t offset) noexcept {
    if (hints_used_ == hints_.size() || (row.op != Op::if_ && row.op != Op::br_if))
        return;
    const BranchHint& next = hints_[hints_used_];
    if (next.func != *func_ || next.offset != offset)
        return;
    ++hints_used_;
    out_.add("(@").add(hint_section).add(next.likely ? " \"\\01\") " : " \"\\00\") ");
}

} // namespace warpbeam::text
