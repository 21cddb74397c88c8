// Instruction sequences, folded and plain, https://webassembly.github.io/spec/core/text/instructions.html
//
// A folded instruction waits in `deferred_` until its operands are written. Blocks of both kinds are frames
// on a separate stack, so nesting takes memory in proportion and no native stack.

#include "keywords.hpp"
#include "module_parser.hpp"
#include "old_names.hpp"

namespace warpbeam::text {

void ModuleParser::push(const Frame& frame) noexcept {
    if (!frames_.push(frame))
        fail_memory();
}

void ModuleParser::instructions(bool single) noexcept {
    const size_t base = frames_.size();
    push({});
    while (!failed()) {
        const Frame::Kind top = frames_.back().kind;
        const bool outermost = frames_.size() == base + 1;
        if (at(TokenKind::rpar)) {
            if (outermost)
                break;
            close();
            if (single && frames_.size() == base + 1)
                break;
        } else if (at(TokenKind::lpar)) {
            open();
        } else if (top == Frame::operands || top == Frame::folded_if || top == Frame::folded_try) {
            unexpected();
        } else {
            instruction(false, branch_hint());
        }
    }
    frames_.truncate(base);
}

/// At an opening parenthesis: a folded instruction, or an arm of the enclosing one.
void ModuleParser::open() noexcept {
    const Frame& top = frames_.back();
    if (top.kind == Frame::folded_if && (top.stage != Frame::before_arms || at_open("then")))
        return open_if_arm();
    if (top.kind == Frame::folded_try)
        return open_try_arm();
    const std::optional<uint8_t> hint = branch_hint();
    advance();
    instruction(true, hint);
}

/// At the keyword of an instruction.
void ModuleParser::instruction(bool folded, std::optional<uint8_t> hint) noexcept {
    if (!at(TokenKind::keyword))
        return unexpected("an instruction");
    const InstrRow* const row = find_keyword(text());
    if (row == nullptr)
        return fail("unknown operator %s%s", Shown{text()}.c_str(), NameHint{text()}.c_str());
    if (hint && row->op != Op::if_ && row->op != Op::br_if)
        return fail_with(ErrorCode::invalid, token().begin,
                         "@metadata.code.branch_hint annotation: invalid target");
    switch (row->op) {
    case Op::block:
    case Op::loop:
    case Op::try_table:
    case Op::try_:
        return block_instruction(*row, folded);
    case Op::if_:
        return if_instruction(folded, hint);
    case Op::else_:
    case Op::end:
    case Op::catch_:
    case Op::catch_all:
    case Op::delegate:
        return folded ? unexpected("an instruction") : continue_block(row->op);
    default:
        break;
    }
    const size_t place = token().begin;
    advance();
    if (folded) {
        push({.kind = Frame::operands, .deferred = deferred_.size(), .place = place, .hint = hint});
        plain_instruction(*row, deferred_);
    } else {
        mark_instruction(place);
        hint_here(hint);
        plain_instruction(*row, *out_);
    }
}

void ModuleParser::block_instruction(const InstrRow& row, bool folded) noexcept {
    mark_instruction(token().begin);
    advance();
    const Symbol symbol = accept_id();
    opcode(row.op, *out_);
    block_type(*out_);
    if (row.op == Op::try_table)
        catch_clauses(*out_);
    push_label(symbol);
    // Legacy exception handling has arms, unlike `try_table`.
    const bool has_arms = row.op == Op::try_;
    push({.kind = folded ? (has_arms ? Frame::folded_try : Frame::folded_block)
                         : (has_arms ? Frame::plain_try : Frame::plain_block),
          .label = symbol});
}

void ModuleParser::if_instruction(bool folded, std::optional<uint8_t> hint) noexcept {
    const size_t place = token().begin;
    advance();
    const Symbol symbol = accept_id();
    if (folded) {
        push({.kind = Frame::folded_if,
              .label = symbol,
              .deferred = deferred_.size(),
              .place = place,
              .hint = hint});
        opcode(Op::if_, deferred_);
        block_type(deferred_);
    } else {
        mark_instruction(place);
        hint_here(hint);
        opcode(Op::if_, *out_);
        block_type(*out_);
        push_label(symbol);
        push({.kind = Frame::plain_if, .label = symbol});
    }
}

/// At `(then` or `(else`; the condition is complete.
void ModuleParser::open_if_arm() noexcept {
    Frame& top = frames_.back();
    if (top.stage == Frame::before_arms) {
        top.stage = Frame::after_first;
        emit_deferred(top);
        push_label(top.label);
    } else if (top.stage == Frame::after_first && at_open("else")) {
        top.stage = Frame::complete;
        mark_instruction(ahead().begin);
        opcode(Op::else_, *out_);
    } else {
        return unexpected("\")\"");
    }
    advance();
    advance();
    push({.kind = Frame::arm});
}

/// At `(do`, `(catch`, `(catch_all` or `(delegate`.
void ModuleParser::open_try_arm() noexcept {
    Frame& top = frames_.back();
    mark_instruction(ahead().begin);
    const bool may_catch = top.stage == Frame::after_first || top.stage == Frame::after_catch;
    if (top.stage == Frame::before_arms && accept_open("do")) {
        top.stage = Frame::after_first;
    } else if (may_catch && accept_open("catch")) {
        top.stage = Frame::after_catch;
        opcode(Op::catch_, *out_);
        out_->u32(index(Space::tag));
    } else if (may_catch && accept_open("catch_all")) {
        top.stage = Frame::complete;
        opcode(Op::catch_all, *out_);
    } else if (top.stage == Frame::after_first && accept_open("delegate")) {
        top.stage = Frame::delegated;
        pop_label();
        opcode(Op::delegate, *out_);
        out_->u32(label());
        return expect_close();
    } else {
        return unexpected(top.stage == Frame::before_arms ? "(do" : "a catch clause");
    }
    push({.kind = Frame::arm});
}

/// At a closing parenthesis that belongs to the topmost frame.
void ModuleParser::close() noexcept {
    const Frame top = frames_.back();
    if (top.kind != Frame::operands)
        mark_instruction(token().begin);
    switch (top.kind) {
    case Frame::operands:
        emit_deferred(top);
        break;
    case Frame::folded_if:
        if (top.stage == Frame::before_arms)
            return unexpected("(then");
        [[fallthrough]];
    case Frame::folded_block:
        opcode(Op::end, *out_);
        pop_label();
        break;
    case Frame::folded_try:
        if (top.stage == Frame::before_arms)
            return unexpected("(do");
        if (top.stage != Frame::delegated) {
            opcode(Op::end, *out_);
            pop_label();
        }
        break;
    case Frame::arm:
        break;
    default:
        return unexpected("end");
    }
    frames_.pop();
    advance();
}

/// At a keyword that divides or ends plain blocks.
void ModuleParser::continue_block(Op op) noexcept {
    mark_instruction(token().begin);
    Frame& top = frames_.back();
    const bool in_try = top.kind == Frame::plain_try || top.kind == Frame::plain_catch;
    if (op == Op::end && top.kind >= Frame::plain_block) {
        advance();
        end_label(top.label);
        opcode(Op::end, *out_);
        end_block();
    } else if (op == Op::else_ && top.kind == Frame::plain_if) {
        top.kind = Frame::plain_else;
        advance();
        end_label(top.label);
        opcode(op, *out_);
    } else if (op == Op::catch_ && in_try) {
        top.kind = Frame::plain_catch;
        advance();
        opcode(op, *out_);
        out_->u32(index(Space::tag));
    } else if (op == Op::catch_all && in_try) {
        top.kind = Frame::plain_catch_all;
        advance();
        opcode(op, *out_);
    } else if (op == Op::delegate && top.kind == Frame::plain_try) {
        advance();
        end_block();
        opcode(op, *out_);
        out_->u32(label());
    } else {
        unexpected();
    }
}

void ModuleParser::end_block() noexcept {
    pop_label();
    frames_.pop();
}

/// The label may be repeated at the end of a block.
void ModuleParser::end_label(Symbol opened) noexcept {
    const size_t offset = token().begin;
    const bool repeated = at(TokenKind::id);
    if (repeated && accept_id() != opened)
        fail_at(offset, "mismatching label");
}

void ModuleParser::emit_deferred(const Frame& frame) noexcept {
    mark_instruction(frame.place);
    hint_here(frame.hint);
    out_->raw(deferred_.view(frame.deferred));
    deferred_.truncate(frame.deferred);
}

/// Records a hint for the next instruction in `out_`.
void ModuleParser::hint_here(std::optional<uint8_t> hint) noexcept {
    if (hint && func_ && !hints_.push({*func_, static_cast<uint32_t>(out_->size()), *hint != 0}))
        fail_memory();
}

void ModuleParser::push_label(Symbol symbol) noexcept {
    if (label_of_.size() <= symbol && !label_of_.resize(names_.symbol_count()))
        return fail_memory();
    uint32_t& current = label_of_[symbol];
    if (!labels_.push({symbol, current}))
        return fail_memory();
    if (func_)
        remember_name(Space::label, *func_, label_count_++, symbol, no_symbol);
    if (symbol != no_symbol)
        current = static_cast<uint32_t>(labels_.size());
}

void ModuleParser::pop_label() noexcept {
    if (labels_.empty())
        return; // memory ran out
    label_of_[labels_.back().symbol] = labels_.back().shadowed;
    labels_.pop();
}

uint32_t ModuleParser::label() noexcept {
    if (!at(TokenKind::id))
        return natural_u32();
    const Symbol symbol = names_.intern(text());
    const uint32_t position = symbol < label_of_.size() ? label_of_[symbol] : 0;
    if (symbol == no_symbol || position == 0)
        fail("unknown label %s", Shown{text()}.c_str());
    advance();
    return static_cast<uint32_t>(labels_.size()) - position;
}

/// https://webassembly.github.io/spec/core/binary/instructions.html#control-instructions
void ModuleParser::catch_clauses(Bytes& out) noexcept {
    uint32_t count = 0;
    catches_.clear();
    const auto one = [&] {
        for (const CatchKind& clause : catch_kinds)
            if (accept_open(clause.keyword)) {
                catches_.byte(static_cast<uint8_t>(&clause - catch_kinds));
                if (clause.has_tag)
                    catches_.u32(index(Space::tag));
                catches_.u32(label());
                expect_close();
                return true;
            }
        return false;
    };
    while (one())
        ++count;
    out.u32(count);
    out.raw(catches_);
}

} // namespace warpbeam::text
