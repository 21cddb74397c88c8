#include "lower/lowering.hpp"

namespace warpbeam::vm {

bool Lowering::prepare() noexcept {
    const FuncType& type = module_.type_registry().func(body_.type);
    Vec<Kind> kinds{code_.allocator()};
    const auto add = [&](Kind kind) {
        const LocalInfo info{kind, static_cast<uint16_t>(height_), 0};
        raise_height(slots_of(kind));
        return kinds.push(kind) && locals_.push(info);
    };
    for (const ValType param : type.params)
        if (!add(param.kind()))
            return false;
    zero_from_ = height_;
    for (const LocalRun& run : body_.locals)
        for (uint32_t i = 0; i < run.count; ++i)
            if (!add(run.type.kind()))
                return false;
    zero_count_ = height_ - zero_from_;
    // Two slots at least, so that the stack of records can't overflow before the value stack does.
    if (height_ < 2)
        raise_height(2 - height_);
    if (!choose_pins(module_, body_, kinds, choice_))
        return false;
    pins_ = choice_.sets[0];
    return true;
}

void Lowering::lower() noexcept {
    if (!prepare()) {
        fail(Exit::out_of_memory);
        return;
    }
    BlockType type;
    type.func = &module_.type_registry().func(body_.type);
    if (!control_.push({ControlKind::func, type, 0, height_, pins_})) {
        fail(Exit::out_of_memory);
        return;
    }
    emit_poll();
    while (failure() == Exit::none && !reader_.done()) {
        offset_ = reader_.offset();
        lower_instr(reader_.op());
        while (failure() == Exit::none && !control_.empty() && !control_.back().reachable)
            skip_unreachable(0);
    }
}

void Lowering::lower_instr(Op op) noexcept {
    switch (family_of(op)) {
    case Family::none:
        return;
    case Family::control:
        return lower_control(op);
    case Family::call:
        return lower_call(op);
    case Family::exception:
        return lower_exception(op);
    case Family::parametric:
        return lower_parametric(op);
    case Family::variable:
        return lower_variable(op);
    case Family::constant:
        return lower_constant(op);
    case Family::nothing:
        // An i32 is stored zero-extended, and all references that convert are encoded alike.
        if (op == Op::i64_extend_i32_u && !stack_.empty())
            stack_.back().kind = ValType::i64;
        return;
    case Family::equality:
        return lower_equality(op);
    case Family::i32_binary:
    case Family::i64_binary:
    case Family::float_binary:
    case Family::vector_int_binary:
    case Family::vector_float_binary:
        return lower_binary(op, kind_of(sig_of(op).out));
    case Family::unary:
    case Family::vector_unary:
        return lower_unary(op, kind_of(sig_of(op).out));
    case Family::reference_unary:
        return lower_unary(op, op == Op::ref_i31 ? ValType::ref : ValType::i32);
    case Family::i32_load:
    case Family::i64_load:
    case Family::float_load:
    case Family::vector_load:
        return lower_load(op);
    case Family::store:
        return lower_store(op);
    case Family::general0:
    case Family::general1:
    case Family::general2:
        return lower_general(op);
    case Family::atomic:
        return lower_atomic(op);
    case Family::fence:
        (void)reader_.byte();
        emit(Form::fence);
        return;
    case Family::wide_sum:
    case Family::wide_product:
        return lower_wide(op);
    case Family::object:
        return lower_object(op);
    case Family::vector_ternary:
        return lower_ternary(op);
    case Family::vector_shift:
    case Family::vector_replace: {
        const Popped scalar = pop();
        const Popped vector = pop();
        const bool is_shift = family_of(op) == Family::vector_shift;
        return lower_with_scalar(is_shift ? Form::shift : Form::replace_lane, op, vector, scalar,
                                 is_shift ? uint8_t{0} : reader_.byte());
    }
    case Family::vector_extract:
        return lower_extract_lane(op, reader_.byte());
    case Family::vector_shuffle:
        return lower_shuffle(op);
    case Family::vector_lane_load:
        return lower_lane_load(op);
    case Family::vector_lane_store:
        return lower_lane_store(op);
    }
}

Code* Lowering::run(uint32_t func) noexcept {
    lower();
    if (failure() != Exit::none)
        return nullptr;
    thread_jumps();
    Allocator& allocator = code_.allocator();
    const Code head{frame_slots(),
                    static_cast<uint16_t>(zero_from_),
                    static_cast<uint16_t>(zero_count_),
                    pins_word(choice_.sets[0], 0),
                    static_cast<uint32_t>(code_.size()),
                    func,
                    static_cast<uint32_t>(regions_.size()),
                    static_cast<uint32_t>(clauses_.size())};
    void* const memory = allocator.allocate(bytes_of(head), alignof(Code));
    if (memory == nullptr) {
        fail(Exit::out_of_memory);
        return nullptr;
    }
    auto* const code = ::new (memory) Code{head};
    auto* to = reinterpret_cast<uint8_t*>(code + 1);
    const auto append = [&](const auto& part) {
        const size_t bytes = part.size() * sizeof(part[0]);
        if (bytes != 0)
            std::memcpy(to, part.data(), bytes);
        to += bytes;
    };
    append(code_);
    append(regions_);
    append(clauses_);
    return code;
}

Exit Lowering::locate(Vec<CodeMark>& marks) noexcept {
    marks_ = &marks;
    lower();
    return failure();
}

} // namespace warpbeam::vm
