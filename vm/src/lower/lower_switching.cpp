#include "heap/layout.hpp"
#include "lower/lowering.hpp"

/// Continuations, https://github.com/WebAssembly/stack-switching
///
/// Suspending and resuming are like calls: operands in consecutive slots, where the results come back. The
/// handlers of a `resume` are clauses of the function's catch table that no range of code refers to.

namespace warpbeam::vm {

/// The type of the function that continuations of the type in the next immediate run.
const FuncType& Lowering::read_cont_type() noexcept {
    const TypeRegistry& types = module_.type_registry();
    return types.func(types[module_.types()[reader_.u32()]].cont);
}

void Lowering::lower_cont_new() noexcept {
    (void)reader_.u32();
    emit_charge(continuation_object_size + continuation_size);
    emit_general(Op::cont_new, 1, ValType::ref);
}

void Lowering::lower_cont_bind() noexcept {
    const std::span<const ValType> from = read_cont_type().params;
    const std::span<const ValType> given = from.first(from.size() - read_cont_type().params.size());
    emit_charge(continuation_object_size);
    emit_general(Op::cont_bind, static_cast<uint32_t>(given.size()) + 1, ValType::ref, slots_of(given));
}

void Lowering::lower_suspend() noexcept {
    const uint32_t tag = reader_.u32();
    emit_suspend(tag_type(tag), tag, module_.tags()[tag].type, false);
}

void Lowering::lower_switch() noexcept {
    const std::span<const ValType> params = read_cont_type().params;
    const TypeRegistry& types = module_.type_registry();
    // The last parameter is the continuation that is left here; its arguments are what comes back.
    const TypeId left = types[params.back().heap().id()].cont;
    emit_suspend({params.first(params.size() - 1), types.func(left).params}, reader_.u32(), left, true);
}

/// For a switch, the continuation to go on with is above the arguments.
void Lowering::emit_suspend(const FuncType& type, uint32_t tag, TypeId back, bool is_switch) noexcept {
    emit_charge(continuation_object_size);
    const auto [frame, references] = begin_stop(type.params.size() + (is_switch ? 1 : 0));
    emit(Form::suspend, is_switch ? 1 : 0)
        .set(Field::frame, frame)
        .set(Field::count, slots_of(type.params))
        .set(Field::tag, tag)
        .set(Field::back, uint64_t{is_switch} << 32 | back)
        .set(Field::pins, std::bit_cast<uint64_t>(pins_word(frame)));
    note_safepoint(here() - 1, references);
    end_call(type);
}

/// The function may stop at the next instruction with its operands, and in the middle of it without them:
/// returns where they are, and the references of the latter case.
std::pair<uint32_t, uint32_t> Lowering::begin_stop(size_t operands) noexcept {
    if (stack_.size() < operands)
        return {}; // only after a failure
    flush_from(stack_.size() - operands);
    spill_accs();
    const uint32_t before = list_references();
    note_safepoint(here(), before);
    // Everything is in its slot, so this emits nothing.
    const uint32_t frame = begin_call(operands);
    return {frame, list_references()};
}

void Lowering::lower_resume(Op op) noexcept {
    const FuncType& type = read_cont_type();
    std::span<const ValType> operands = type.params;
    static constexpr ValType exception[] = {ValType::reference(HeapType::exn, true)};
    uint32_t tag = 0;
    if (op == Op::resume_throw) {
        tag = reader_.u32();
        operands = tag_type(tag).params;
    } else if (op == Op::resume_throw_ref) {
        operands = exception;
    }
    const auto first = static_cast<uint32_t>(clauses_.size());
    const uint32_t count = reader_.u32();
    for (uint32_t i = 0; i < count; ++i)
        add_handler(reader_.handler_clause(), i + 1 < count ? first + i + 1 : CatchClause::none);
    if (op == Op::resume_throw)
        emit_charge(exception_size(slots_of(operands)));
    const auto [frame, references] = begin_stop(operands.size() + 1);
    const size_t position = here();
    for (uint32_t i = 0; failure() == Exit::none && i < count; ++i)
        if (clauses_[first + i].exception == CatchClause::unwanted)
            clauses_[first + i].target = static_cast<uint32_t>(position);
    emit(Form::resume, static_cast<uint8_t>(static_cast<uint32_t>(op) - static_cast<uint32_t>(Op::resume)))
        .set(Field::frame, frame)
        .set(Field::count, slots_of(operands))
        .set(Field::high, slots_of(type.results))
        .set(Field::first, uint64_t{position} << 32 | (count != 0 ? first : CatchClause::none))
        .set(Field::second, tag)
        .set(Field::pins, std::bit_cast<uint64_t>(pins_word(frame)));
    note_safepoint(here() - 1, references);
    end_call(type);
}

void Lowering::add_handler(const HandlerCode& read, uint32_t next) noexcept {
    // A switch goes on elsewhere: its clause leads to nothing, and `lower_resume` gives it a target that
    // exists.
    if (read.has_label())
        add_clause_to(read.label, read.tag, true, next);
    else
        add_clause({read.tag, 0, next, 0, CatchClause::unwanted, pins_word(0)});
}

} // namespace warpbeam::vm
