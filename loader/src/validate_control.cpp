#include "validate_func.hpp"

#include <algorithm>

/// Blocks, branches, calls and exceptions,
/// https://webassembly.github.io/spec/core/valid/instructions.html#control-instructions ; and legacy
/// exceptions, https://webassembly.github.io/exception-handling/legacy/core/

namespace warpbeam {

bool FuncValidator::unreachable() noexcept {
    set_unreachable();
    return true;
}

// https://webassembly.github.io/spec/core/binary/instructions.html#binary-blocktype
bool FuncValidator::block_type(Block& block) noexcept {
    if (in_.at_end())
        return in_.unexpected_end();
    const BlockCode::Form form = BlockCode::form_of(in_.peek());
    if (form == BlockCode::empty)
        return in_.skip(1);
    return form == BlockCode::result ? types_.value_type(block.result) : block_func_type(block);
}

bool FuncValidator::block_func_type(Block& block) noexcept {
    const size_t start = in_.offset();
    int64_t index = 0;
    if (!in_.s33(index))
        return false;
    if (index < 0)
        return diagnostics().malformed(start, "malformed block type");
    TypeId id = 0;
    if (!types_.resolve(static_cast<uint64_t>(index), start, id))
        return false;
    const SubType& type = registry()[id];
    if (type.kind != CompositeKind::func)
        return diagnostics().invalid(start, "unknown type: type %u of a block is not a function type",
                                     static_cast<unsigned>(index));
    block.type = &type.func;
    return context_.require(Feature::multi_value, start, "a block with parameters or multiple results");
}

bool FuncValidator::enter(Block& block) noexcept {
    if (blocks_.size() > context_.limits.nesting)
        return diagnostics().limit(here(), "blocks nest deeper than the limit of %u",
                                   context_.limits.nesting);
    block.height = height();
    block.initialised = static_cast<uint32_t>(initialised_list_.size());
    block.never_entered = blocks_.back().unreachable || blocks_.back().never_entered;
    if (!blocks_.push(block))
        return diagnostics().out_of_memory();
    base_ = top_;
    return push_all(block.params());
}

bool FuncValidator::begin_block(BlockKind kind) noexcept {
    Block block;
    block.kind = kind;
    if (!block_type(block))
        return false;
    if (kind == BlockKind::if_ && !pop(ValType::i32))
        return false;
    return pop_all(block.params()) && enter(block);
}

/// Checks the operands at the end of the innermost block and removes the block.
bool FuncValidator::leave(Block& block) noexcept {
    block = blocks_.back();
    const std::span<const ValType> results = block.results();
    if (!peek_all(results))
        return false;
    const auto operands = static_cast<size_t>(top_ - base_);
    if (operands > results.size())
        return diagnostics().invalid(here(), "type mismatch: block requires %s but stack has %s",
                                     text_of(results).c_str(),
                                     text_of(std::span<const ValType>{base_, operands}).c_str());
    blocks_.pop();
    top_ = bottom() + block.height;
    base_ = blocks_.empty() ? bottom() : bottom() + blocks_.back().height;
    while (initialised_list_.size() > block.initialised) {
        const uint32_t local = initialised_list_.back();
        initialised_[local / 64] &= ~(uint64_t{1} << (local % 64));
        initialised_list_.pop();
    }
    return true;
}

bool FuncValidator::end() noexcept {
    Block block;
    if (!leave(block))
        return false;
    // Without `else`, the parameters are the results.
    if (block.kind == BlockKind::if_ &&
        !std::ranges::equal(block.params(), block.results(), [this](ValType param, ValType result) {
            return registry().matches(param, result);
        }))
        return diagnostics().invalid(here(), "type mismatch: if without else is of type %s -> %s",
                                     text_of(block.params()).c_str(), text_of(block.results()).c_str());
    return push_all(block.results());
}

bool FuncValidator::begin_else() noexcept {
    if (blocks_.back().kind != BlockKind::if_)
        return diagnostics().malformed(here(), "misplaced else: END opcode expected");
    Block block;
    if (!leave(block))
        return false;
    block.kind = BlockKind::else_;
    block.unreachable = false;
    return enter(block);
}

bool FuncValidator::begin_catch(BlockKind kind) noexcept {
    const BlockKind before = blocks_.back().kind;
    if (before != BlockKind::try_ && before != BlockKind::catch_)
        return diagnostics().malformed(here(), "misplaced %s: END opcode expected", op_name());
    Block block;
    const FuncType* type = nullptr;
    const bool all = kind == BlockKind::catch_all;
    uint32_t index = 0;
    if ((!all && !(in_.u32(index) && exception_tag(index, type))) || !leave(block))
        return false;
    block.kind = kind;
    block.unreachable = false;
    block.height = height();
    if (!blocks_.push(block))
        return diagnostics().out_of_memory();
    base_ = top_;
    return all || push_all(type->params);
}

bool FuncValidator::delegate() noexcept {
    if (blocks_.back().kind != BlockKind::try_)
        return diagnostics().malformed(here(), "misplaced delegate: END opcode expected");
    // The label is counted from outside the `try`; the outermost stands for the caller.
    const Block* target = nullptr;
    Block block;
    return label(target, 1) && leave(block) && push_all(block.results());
}

bool FuncValidator::label(const Block*& block, uint32_t base) noexcept {
    uint32_t depth = 0;
    return in_.u32(depth) && label(depth, block, base);
}

bool FuncValidator::label(uint32_t depth, const Block*& block, uint32_t base) noexcept {
    if (!context_.exists(depth, blocks_.size() - base, here(), "label"))
        return false;
    block = &blocks_[blocks_.size() - 1 - base - depth];
    return true;
}

bool FuncValidator::branch() noexcept {
    const Block* target = nullptr;
    return label(target) && peek_all(target->label_types()) && unreachable();
}

bool FuncValidator::branch_if() noexcept {
    const Block* target = nullptr;
    if (!label(target))
        return false;
    // From here on, what stays on the stack has the label's types.
    const std::span<const ValType> types = target->label_types();
    return pop(ValType::i32) && (types.empty() || (pop_all(types) && push_all(types)));
}

bool FuncValidator::branch_table() noexcept {
    uint32_t count = 0;
    if (!in_.count(count, "labels") || !pop(ValType::i32))
        return false;
    size_t arity = 0;
    for (uint32_t i = 0; i <= count; ++i) {
        const Block* target = nullptr;
        if (!label(target))
            return false;
        const std::span<const ValType> types = target->label_types();
        if (i != 0 && types.size() != arity)
            return diagnostics().invalid(here(),
                                         "type mismatch: br_table has labels that take %zu and %zu operands",
                                         arity, types.size());
        arity = types.size();
        // Each label is compared once, however often it is in the table.
        if (target->table == start_)
            continue;
        target->table = start_;
        if (!peek_all(types))
            return false;
    }
    set_unreachable();
    return true;
}

bool FuncValidator::tag(const FuncType*& type) noexcept {
    uint32_t index = 0;
    return in_.u32(index) && tag(index, type);
}

bool FuncValidator::tag(uint32_t index, const FuncType*& type) noexcept {
    if (!context_.exists(index, context_.module.tags.size(), here(), "tag"))
        return false;
    type = &registry().func(context_.module.tags[index].type);
    return true;
}

/// A tag to throw and catch, which has no results.
bool FuncValidator::exception_tag(uint32_t index, const FuncType*& type) noexcept {
    return tag(index, type) &&
           (type->results.empty() ||
            diagnostics().invalid(here(), "type mismatch: %s with tag %u, whose type has results", op_name(),
                                  index));
}

bool FuncValidator::try_table() noexcept {
    Block block;
    block.kind = BlockKind::try_table;
    return block_type(block) && in_.each("catch clauses", UINT32_MAX, [&] { return catch_clause(); }) &&
           pop_all(block.params()) && enter(block);
}

// https://webassembly.github.io/spec/core/valid/instructions.html#valid-catch
bool FuncValidator::catch_clause() noexcept {
    const size_t start = in_.offset();
    CatchCode clause;
    if (!in_.catch_clause(clause))
        return false;
    if (clause.kind >= std::size(catch_kinds))
        return diagnostics().malformed(start, "malformed catch clause 0x%02x", clause.kind);
    const auto& [keyword, has_tag, by_reference] = catch_kinds[clause.kind];
    const FuncType* type = nullptr;
    const Block* target = nullptr;
    if ((has_tag && !exception_tag(clause.tag, type)) || !label(clause.label, target))
        return false;

    const std::span<const ValType> values = type != nullptr ? type->params : std::span<const ValType>{};
    const std::span<const ValType> wanted = target->label_types();
    const size_t count = values.size() + (by_reference ? 1 : 0);
    bool good = wanted.size() == count;
    for (size_t i = 0; good && i < count; ++i)
        good = registry().matches(i < values.size() ? values[i] : ValType::reference(HeapType::exn, false),
                                  wanted[i]);
    return good ||
           diagnostics().invalid(here(), "type mismatch: the label requires %s but the catch clause has %s%s",
                                 text_of(wanted).c_str(), text_of(values).c_str(),
                                 by_reference ? " and an exnref" : "");
}

bool FuncValidator::return_results() noexcept { return pop_all(blocks_[0].results()) && unreachable(); }

bool FuncValidator::throw_tag() noexcept {
    uint32_t index = 0;
    const FuncType* type = nullptr;
    return in_.u32(index) && exception_tag(index, type) && pop_all(type->params) && unreachable();
}

bool FuncValidator::throw_ref() noexcept {
    return pop(ValType::reference(HeapType::exn, true)) && unreachable();
}

bool FuncValidator::rethrow() noexcept {
    const Block* target = nullptr;
    if (!label(target))
        return false;
    if (target->kind != BlockKind::catch_ && target->kind != BlockKind::catch_all)
        return diagnostics().invalid(here(), "invalid rethrow label: the label is not a catch block");
    set_unreachable();
    return true;
}

bool FuncValidator::func_index(uint32_t& index) noexcept {
    return in_.u32(index) && context_.exists(index, context_.module.funcs.size(), here(), "function");
}

bool FuncValidator::invoke(const FuncType& type, bool tail) noexcept {
    if (!pop_all(type.params))
        return false;
    if (!tail)
        return push_all(type.results);
    const std::span<const ValType> wanted = blocks_[0].results();
    if (!std::ranges::equal(type.results, wanted, [this](ValType result, ValType want) {
            return registry().matches(result, want);
        }))
        return diagnostics().invalid(here(),
                                     "type mismatch: the function returns %s but %s of a function that "
                                     "returns %s",
                                     text_of(wanted).c_str(), op_name(), text_of(type.results).c_str());
    set_unreachable();
    return true;
}

bool FuncValidator::call(bool tail) noexcept {
    uint32_t index = 0;
    return func_index(index) && invoke(registry().func(context_.module.funcs[index]), tail);
}

bool FuncValidator::call_indirect(bool tail) noexcept {
    TypeId id = 0;
    const TableType* from = nullptr;
    if (!types_.func_type(id) || !table(from))
        return false;
    if (!registry().matches(from->element, funcref))
        return diagnostics().invalid(
            here(), "type mismatch: %s requires a table of functions but this is a table of %s", op_name(),
            text_of(from->element).c_str());
    return pop(from->limits.address_type()) && invoke(registry().func(id), tail);
}

bool FuncValidator::call_ref(bool tail) noexcept {
    TypeId id = 0;
    return types_.func_type(id) && pop(ValType::reference(HeapType::defined(id), true)) &&
           invoke(registry().func(id), tail);
}

bool FuncValidator::drop() noexcept {
    ValType dropped;
    return pop_any(dropped);
}

bool FuncValidator::select() noexcept {
    ValType first, second;
    if (!pop(ValType::i32) || !pop_any(second) || !pop_any(first))
        return false;
    if (first.is_ref() || second.is_ref())
        return diagnostics().invalid(here(),
                                     "type mismatch: select without a type requires numbers or vectors but "
                                     "stack has [%s %s]",
                                     text_of(first).c_str(), text_of(second).c_str());
    if (first != second && first != ValType::bot && second != ValType::bot)
        return diagnostics().invalid(here(),
                                     "type mismatch: select requires two operands of one type but stack has "
                                     "[%s %s]",
                                     text_of(first).c_str(), text_of(second).c_str());
    return push(first == ValType::bot ? second : first);
}

bool FuncValidator::select_typed() noexcept {
    uint32_t count = 0;
    ValType type;
    if (!in_.each("types of select", UINT32_MAX, [&] {
            ++count;
            return types_.value_type(type);
        }))
        return false;
    if (count != 1)
        return diagnostics().invalid(here(), "invalid result arity: select with %u types", count);
    return pop(ValType::i32) && pop(type) && pop(type) && push(type);
}

} // namespace warpbeam
