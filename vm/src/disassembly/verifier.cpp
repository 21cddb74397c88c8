#include "disassembly/verifier.hpp"

#include "disassembly/code_flow.hpp"
#include "disassembly/extent.hpp"
#include "heap/layout.hpp"
#include "heap/reference.hpp"

#include <warpbeam/vm/observed.hpp>

#include <algorithm>

namespace warpbeam::vm {

namespace {

class Verifier {
public:
    Verifier(const CodeContext& context, Layouts& layouts, const Code& code, Allocator& allocator) noexcept
        : context_{context}, code_{code}, all_layouts_{layouts}, allocator_{allocator}, instrs_{allocator},
          layouts_{allocator} {}

    std::expected<Finding, Exit> run() noexcept {
        head();
        if (found() || !read())
            return result();
        for (const CodeInstr& instr : instrs_)
            check(instr);
        for (uint32_t i = 0; i < code_.try_regions; ++i)
            region(i);
        for (uint32_t i = 0; i < code_.catch_clauses; ++i)
            clause(clauses_of(code_)[i]);
        if (found() || failure_ != Exit::none)
            return result();
        auto finding = CodeFlow{context_, code_, instrs_, allocator_}.check();
        if (finding)
            finding->is_readable = true;
        return finding;
    }

private:
    void head() noexcept;
    bool read() noexcept;
    [[nodiscard]] const CodeInstr& after_check() const noexcept;
    void large_frame(const CodeInstr& open) noexcept;
    void check(const CodeInstr& instr) noexcept;
    void check(const CodeInstr& instr, const FieldRow& field) noexcept;
    void number(const CodeInstr& instr, const FieldRow& field) noexcept;
    void immediates(const CodeInstr& instr) noexcept;
    void region(uint32_t number) noexcept;
    void clause(const CatchClause& clause) noexcept;
    [[nodiscard]] bool is_layout(uint64_t word) noexcept;

    [[nodiscard]] bool found() const noexcept { return finding_.words != nullptr; }
    std::expected<Finding, Exit> result() const noexcept {
        if (failure_ != Exit::none)
            return std::unexpected{failure_};
        return finding_;
    }
    /// The first finding is kept.
    void want(bool holds, size_t position, const char* words) noexcept {
        if (!holds && !found())
            finding_ = {position, words, {}};
    }
    void want(bool holds, const CodeInstr& instr, const FieldRow& field, const char* words) noexcept {
        if (!holds && !found())
            finding_ = {instr.position, words, field_names[static_cast<size_t>(field.name)]};
    }
    /// Whether this number of slots, perhaps zero, lies inside the frame. The first one must, because a later
    /// area may grow from there.
    [[nodiscard]] bool has_slots(uint64_t first, uint64_t count) const noexcept {
        const uint64_t slots = code_.frame_slots - far_slots_;
        return first < slots && count <= slots - first;
    }
    /// The same for far slots, of which some lie below the frame pointer.
    [[nodiscard]] bool has_far_slots(uint64_t first, uint64_t count) const noexcept {
        const int64_t from_base = int64_t{static_cast<int32_t>(first)} + far_slots_;
        return from_base >= 0 && from_base <= code_.frame_slots &&
               count <= code_.frame_slots - static_cast<uint64_t>(from_base);
    }
    [[nodiscard]] bool has_slots(const Pins& pins) const noexcept {
        return has_slots(pins.l0, 1) && has_slots(pins.l1, 1) && has_slots(pins.f0, 1) &&
               has_slots(pins.result, 1);
    }
    [[nodiscard]] bool is_instr(int64_t position) const noexcept {
        const auto found = std::ranges::lower_bound(instrs_, position, {}, &CodeInstr::position);
        return found != instrs_.end() && int64_t{found->position} == position;
    }
    /// Whether the next instruction is a tail call.
    [[nodiscard]] bool is_before_tail_call(const CodeInstr& instr) const noexcept {
        const CodeInstr* const next = &instr + 1;
        return next != instrs_.end() && next->has(effect::calls) && next->has(effect::ends) &&
               next->has(effect::safepoint);
    }
    [[nodiscard]] bool is_func_type(uint32_t id) const noexcept {
        return std::ranges::find(context_.module.types(), id) != context_.module.types().end() &&
               context_.module.type_registry()[id].kind == CompositeKind::func;
    }

    const CodeContext& context_;
    const Code& code_;
    uint32_t far_slots_ = 0; ///< below the frame pointer
    Layouts& all_layouts_;
    Allocator& allocator_;
    Vec<CodeInstr> instrs_;
    Vec<const Layout*> layouts_; ///< those of the module's types, once they are needed
    Finding finding_;
    Exit failure_ = Exit::none;
};

void Verifier::head() noexcept {
    want(has_slots(code_.zero_from, zeroed_slots(code_.zero_count)), 0, "locals are outside the frame");
    want(has_slots(code_.pins), 0, "locals pinned at entry are outside the frame");
}

/// Decodes all instructions, which follow each other without gaps.
bool Verifier::read() noexcept {
    const HandlerIndex* const index = HandlerIndex::get();
    if (index == nullptr) {
        failure_ = Exit::out_of_memory;
        return false;
    }
    const std::span<const char> code = instructions_of(code_);
    for (size_t position = 0; position < code.size(); position += instrs_.back().size) {
        const std::optional<CodeInstr> instr = read_instr(*index, code, position);
        want(instr.has_value(), position, "the instruction is incomplete");
        if (found())
            return false;
        if (!instrs_.push(*instr)) {
            failure_ = Exit::out_of_memory;
            return false;
        }
    }
    want(!instrs_.empty(), 0, "there are no instructions");
    if (!found())
        if (const CodeInstr& first = after_check(); first.choice.form == Form::open_frame)
            large_frame(first);
    if (!found())
        want(instrs_.back().has(effect::ends), instrs_.back().position,
             "execution runs past the end of the code");
    return !found();
}

/// The first instruction but for the check of the stack.
const CodeInstr& Verifier::after_check() const noexcept {
    return instrs_[instrs_.size() > 1 && instrs_[0].choice.form == Form::check_stack ? 1 : 0];
}

/// The instruction that opens a large frame, which is that one.
void Verifier::large_frame(const CodeInstr& open) noexcept {
    const uint64_t far = open.get(Field::count);
    const uint64_t first = open.get(Field::first);
    want(far < code_.frame_slots, 0, "more slots are below the frame pointer than the frame has");
    want(first <= far && open.get(Field::zeros) <= code_.frame_slots - first, 0,
         "locals are outside the frame");
    if (!found())
        far_slots_ = static_cast<uint32_t>(far);
    want(has_slots(code_.pins), 0, "locals pinned at entry are outside the frame");
}

// ---- One instruction ----

void Verifier::check(const CodeInstr& instr) noexcept {
    const Form form = instr.choice.form;
    want(form != Form::exit_run && form != Form::restore_instance && form != Form::lower_now &&
             form != Form::call_host,
         instr.position, "the instruction is not allowed in a function");
    want(form != Form::open_frame || &instr == &after_check(), instr.position, "a frame is opened twice");
    want(form != Form::check_stack || instr.position == 0, instr.position, "the stack is checked twice");
    want(form != Form::close_frame || (instr.get(Field::count) == far_slots_ && is_before_tail_call(instr)),
         instr.position, "a frame is closed without a tail call");
    for (size_t i = 0; i < instr.target_count(); ++i)
        want(is_instr(instr.target(i)), instr.position, "a jump target is not an instruction");
    // Indices first: the number of slots of an instruction may depend on them.
    for (const FieldRow& field : instr.row().fields)
        if (field.kind == FieldKind::number || field.kind == FieldKind::pointer)
            number(instr, field);
    if (is_general(form))
        immediates(instr);
    for (const FieldRow& field : instr.row().fields)
        if (!found() && failure_ == Exit::none && instr.uses(field))
            check(instr, field);
}

void Verifier::check(const CodeInstr& instr, const FieldRow& field) noexcept {
    switch (field.kind) {
    case FieldKind::result:
        if (instr.result() == Dst::acc)
            return;
        break;
    case FieldKind::operand:
        if (const Src src = instr.source(field.name); src == Src::acc || src == Src::imm)
            return;
        break;
    case FieldKind::source:
    case FieldKind::sources:
    case FieldKind::destination:
    case FieldKind::area:
        break;
    case FieldKind::pins:
        want(has_slots(instr.pins()), instr, field, "a slot is outside the frame");
        return;
    default:
        return;
    }
    const uint64_t slot = instr.get(field.name);
    want(has_slots(slot, extent_of(context_, instr, field)), instr, field, "a slot is outside the frame");
    // With a reach that is less than 16 bits, a far slot that was not brought near shows.
    want(slot < context_.slot_reach || instr.bits(field.name) > 16, instr, field, "a far slot in 16 bits");
}

void Verifier::number(const CodeInstr& instr, const FieldRow& field) noexcept {
    const Module& module = context_.module;
    const uint64_t value = instr.get(field.name);
    const auto below = [&](size_t size) { want(value < size, instr, field, "index out of range"); };
    switch (field.name) {
    case Field::memory:
        return below(module.memories().size());
    case Field::global:
        return below(module.globals().size());
    case Field::tag:
        return below(module.tags().size());
    case Field::function:
        return below(module.imported_funcs());
    case Field::code:
        return want(value > static_cast<uint64_t>(Exit::host_trap) &&
                        value <= static_cast<uint64_t>(Exit::host_trap) + 1 +
                                     static_cast<uint64_t>(TrapCode::usage),
                    instr, field, "unknown trap");
    case Field::event:
        return want(value <= static_cast<uint64_t>(Observed::access), instr, field, "unknown event");
    case Field::callee: {
        const auto offset = value - reinterpret_cast<uintptr_t>(context_.cells.data());
        return want(offset < context_.cells.size_bytes() && offset % sizeof(CodeCell) == 0, instr, field,
                    "unknown function");
    }
    case Field::far:
    case Field::far2:
        return want(has_far_slots(value, instr.choice.form == Form::far_copy
                                             ? instr.get(Field::count)
                                             : uint64_t{instr.choice.variant.option} + 1),
                    instr, field, "a slot is outside the frame");
    case Field::first:
        // A resume names its own position, and its first handler.
        if (instr.choice.form == Form::resume) {
            want(value >> 32 == instr.position, instr, field, "not the position of the instruction");
            const auto clause = static_cast<uint32_t>(value);
            return want(clause == CatchClause::none || clause < code_.catch_clauses, instr, field,
                        "unknown clause");
        }
        break;
    case Field::second:
        if (instr.choice.form == Form::resume && instr.choice.variant.option == 1)
            return below(module.tags().size());
        break;
    case Field::type:
        if (instr.choice.form == Form::call_indirect || instr.choice.form == Form::return_call_indirect) {
            want(is_func_type(static_cast<uint32_t>(value)), instr, field, "unknown function type");
            return want(value >> 32 < module.tables().size(), instr, field, "unknown table");
        }
        break;
    case Field::back:
        return want(is_func_type(static_cast<uint32_t>(value)) && value >> 32 == instr.choice.variant.option,
                    instr, field, "unknown function type");
    default:
        break;
    }
    if (instr.has_layout(field.name))
        want(is_layout(value), instr, field, "unknown object type");
}

/// The indices among the immediates of general instructions.
void Verifier::immediates(const CodeInstr& instr) noexcept {
    const Module& module = context_.module;
    const auto below = [&](Field field, size_t size) {
        const size_t i = field_index(instr.choice.form, field);
        if (i < max_fields)
            want(instr.get(field) < size, instr, instr.row().fields[i], "index out of range");
    };
    const bool has_type = instr.has_layout(Field::first);
    switch (warpbeam::row_of(instr.choice.op).imm) {
    case Imm::func:
        return below(Field::first, module.funcs().size());
    case Imm::mem_arg:
    case Imm::memory:
        return below(Field::first, module.memories().size());
    case Imm::memory_memory:
        below(Field::first, module.memories().size());
        return below(Field::second, module.memories().size());
    case Imm::table:
        return below(Field::first, module.tables().size());
    case Imm::table_table:
        below(Field::first, module.tables().size());
        return below(Field::second, module.tables().size());
    case Imm::elem_table:
        below(Field::second, module.tables().size());
        [[fallthrough]];
    case Imm::elem:
        return below(Field::first, module.elements().size());
    case Imm::data_memory:
        below(Field::second, module.memories().size());
        [[fallthrough]];
    case Imm::data:
        return below(Field::first, module.data().size());
    case Imm::type_data:
        return below(has_type ? Field::second : Field::first, module.data().size());
    case Imm::type_elem:
        return below(has_type ? Field::second : Field::first, module.elements().size());
    default:
        return;
    }
}

bool Verifier::is_layout(uint64_t word) noexcept {
    if (layouts_.empty())
        for (const TypeId id : context_.module.types()) {
            const CompositeKind kind = context_.module.type_registry()[id].kind;
            if (kind != CompositeKind::struct_ && kind != CompositeKind::array)
                continue;
            const Layout* const layout = all_layouts_.of(id);
            if (layout == nullptr || !layouts_.push(layout)) {
                failure_ = Exit::out_of_memory;
                return true;
            }
        }
    return std::ranges::any_of(
        layouts_, [&](const Layout* layout) { return reinterpret_cast<uintptr_t>(layout) == word; });
}

// ---- The catch table ----

void Verifier::region(uint32_t number) noexcept {
    const TryRegion* const region = regions_of(code_) + number;
    want(number == 0 || region[-1].begin <= region->begin, region->begin, "try regions are not in order");
    want(region->begin == code_.size || is_instr(region->begin), region->begin,
         "a try region begins inside an instruction");
    want(region->clause == CatchClause::none || region->clause < code_.catch_clauses, region->begin,
         "a try region has no clause");
    // Clauses are tried one after the other, so they must not form a cycle.
    uint32_t clause = region->clause;
    for (uint32_t i = 0; i < code_.catch_clauses && clause < code_.catch_clauses; ++i)
        clause = clauses_of(code_)[clause].next;
    want(clause >= code_.catch_clauses, region->begin, "the clauses of a try region form a cycle");
}

void Verifier::clause(const CatchClause& clause) noexcept {
    const Module& module = context_.module;
    want(clause.next == CatchClause::none || clause.next < code_.catch_clauses, clause.target,
         "a catch clause has no successor");
    if (clause.tag == CatchClause::never)
        return;
    want(is_instr(clause.target), clause.target, "the target of a catch clause is not an instruction");
    want(has_slots(clause.pins), clause.target, "a catch clause pins a slot outside the frame");
    want(clause.exception == CatchClause::unwanted || has_slots(clause.exception, 1), clause.target,
         "a caught exception is outside the frame");
    if (clause.tag == CatchClause::all)
        return;
    want(clause.tag < module.tags().size(), clause.target, "a catch clause has no tag");
    if (!found())
        want(has_slots(clause.payload,
                       slots_of(module.type_registry().func(module.tags()[clause.tag].type).params)),
             clause.target, "the values of a catch clause are outside the frame");
}

} // namespace

std::expected<Finding, Exit> verify(const CodeContext& context, Layouts& layouts, const Code& code,
                                    Allocator& allocator) noexcept {
    return Verifier{context, layouts, code, allocator}.run();
}

} // namespace warpbeam::vm
