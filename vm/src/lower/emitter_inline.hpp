#pragma once

#include "lower/emitter.hpp"

/// What the emitter does for nearly every WebAssembly instruction, inline: lowering takes some hundred
/// machine instructions for each, so calls would be a large part of it.

namespace warpbeam::vm {

namespace detail {

WARPBEAM_LOWER_INLINE inline void write_words(Operand* to, const uint64_t (&words)[4]) noexcept {
    for (size_t i = 0; i < std::size(words); ++i)
        std::memcpy(reinterpret_cast<char*>(to) + sizeof words[0] * i, &words[i], sizeof words[0]);
}

/// Writes whole words: what is read at once in larger parts than it was written in has to wait.
WARPBEAM_LOWER_INLINE inline void write(Operand* to, const Operand& operand) noexcept {
    if constexpr (is_little_endian) {
        const uint64_t words[] = {
            static_cast<uint64_t>(operand.where) | static_cast<uint64_t>(operand.kind) << 8 |
                static_cast<uint64_t>(operand.stored) << 16 | static_cast<uint64_t>(operand.src) << 24 |
                uint64_t{operand.slot} << 32,
            operand.index | uint64_t{operand.references} << 32, operand.field, operand.high};
        static_assert(sizeof words == sizeof operand && offsetof(Operand, kind) == 1 &&
                      offsetof(Operand, stored) == 2 && offsetof(Operand, src) == 3 &&
                      offsetof(Operand, slot) == 4 && offsetof(Operand, index) == 8 &&
                      offsetof(Operand, references) == 12 && offsetof(Operand, field) == 16);
        write_words(to, words);
    } else {
        *to = operand;
    }
}

} // namespace detail

WARPBEAM_LOWER_INLINE inline bool Emitter::push(Operand::Where where, Kind kind, bool stored, Src src,
                                                uint32_t index, uint64_t field, uint64_t high) noexcept {
    const uint32_t slot = height_;
    raise_height(slots_of(kind));
    if (stack_.size() == stack_.capacity()) [[unlikely]] {
        grow_stack();
        if (stack_.size() == stack_.capacity())
            return false;
    }
    // The end is set first: after other writes, its parts would have to be read again.
    Operand* const top = stack_.end();
    stack_.set_end(top + 1);
    detail::write(top, {where, kind, stored, src, slot, index, 0, field, high});
    return true;
}

WARPBEAM_LOWER_INLINE inline void Emitter::push_home(Kind kind, bool stored) noexcept {
    has_references_ |= kind == ValType::ref;
    (void)push(Operand::home, kind, stored, Src::slot, blank_, height_, 0);
}

WARPBEAM_LOWER_INLINE inline void Emitter::push_const(Kind kind, uint64_t value, uint64_t high) noexcept {
    (void)push(Operand::constant, kind, false, Src::imm, blank_, value, high);
}

WARPBEAM_LOWER_INLINE inline void Emitter::push_local(uint32_t local) noexcept {
    LocalInfo& info = locals_[local];
    static_assert(ValType::f64 < ValType::v128 && ValType::f64 < ValType::ref);
    const size_t size = stack_.size();
    const uint32_t height = height_;
    if (!is_little_endian || is_far(info.slot) || info.kind > ValType::f64 || height + 1 >= max_height_ ||
        size == stack_.capacity()) [[unlikely]]
        return push_rare_local(local);
    height_ = height + 1;
    Operand* const top = stack_.begin() + size;
    stack_.set_end(top + 1);
    uint32_t beginning;
    std::memcpy(&beginning, &info, sizeof beginning);
    const uint64_t words[] = {beginning | uint64_t{height} << 32, local, info.slot,
                              std::exchange(info.last, size + 1)};
    detail::write_words(top, words);
}

/// To be called when `count` operands, the lowest of which is at `place`, are taken from the stack.
WARPBEAM_LOWER_INLINE inline void Emitter::forget_operands(const Operand* first, size_t place,
                                                           size_t count) noexcept {
    for (Accumulator& accumulator : accs_)
        accumulator.operand = accumulator.operand >= place ? no_operand : accumulator.operand;
    forget_locals(first, place, count);
}

WARPBEAM_LOWER_INLINE inline void Emitter::forget_locals(const Operand* first, size_t place,
                                                         size_t count) noexcept {
    // From the highest one down: each is the highest one that is this local.
    LocalInfo* const locals = locals_.begin();
    for (size_t i = count; i-- != 0;)
        locals[first[i].index].last = first[i].high;
    if (place < lowest_mark_) [[unlikely]]
        correct_marks(place);
}

inline Emitter::Popped Emitter::discard() noexcept {
    if (stack_.empty()) [[unlikely]]
        return {{Operand::home, ValType::i32, true, Src::slot, 0, blank_, 0, 0, 0}, false}; // after a failure
    Popped popped{stack_.back(), false};
    stack_.pop();
    const size_t size = stack_.size();
    if (size < lowest_mark_)
        correct_marks(size);
    height_ -= slots_of(popped.operand.kind);
    // It is the highest one that is this local.
    locals_[popped.operand.index].last = popped.operand.high;
    Accumulator& accumulator = acc(is_float_kind(popped.operand.kind));
    if (accumulator.operand == size) {
        popped.in_acc = true;
        accumulator.operand = no_operand;
    }
    return popped;
}

inline Emitter::Popped Emitter::pop() noexcept {
    Popped popped = discard();
    if (is_far(popped.operand.slot)) [[unlikely]]
        come_near(popped);
    return popped;
}

inline Src Emitter::classify(const Popped& popped) const noexcept {
    const Operand& operand = popped.operand;
    const bool is_local_in_acc =
        operand.src == Src::slot && acc(is_float_kind(operand.kind)).local == operand.index;
    return popped.in_acc || is_local_in_acc ? Src::acc : operand.src;
}

inline const Producer* Emitter::last_producer(const Popped& popped) const noexcept {
    if (!popped.in_acc || popped.operand.where != Operand::home)
        return nullptr;
    const Producer& producer = acc(is_float_kind(popped.operand.kind)).producer;
    if (popped.operand.stored && !producer.born_stored)
        return nullptr;
    if (!producer.exists || producer.end != here() || last_label_ > producer.begin)
        return nullptr;
    return &producer;
}

/// Appends an instruction of that many bytes, of which only the handler is written.
WARPBEAM_LOWER_INLINE inline uint8_t* Emitter::add_instr(size_t size, ChoiceKey choice,
                                                         Handler handler) noexcept {
    ++serial_;
    const size_t position = here();
    if (marks_ != nullptr) [[unlikely]]
        mark(position);
    if (position >= code_room_) [[unlikely]] {
        grow_code();
        if (failure_ != Exit::none)
            return reinterpret_cast<uint8_t*>(discarded_.data());
    }
    uint8_t* const instr = code_.end();
    // The rest is padding where addresses have 32 bits.
    const std::array<Handler, head_offset / sizeof handler> padded{handler};
    std::memcpy(instr, padded.data(), head_offset);
    code_.set_end(instr + size);
    PlacedChoice* const emitted = instrs_.end();
    instrs_.set_end(emitted + 1);
    *emitted = {static_cast<uint32_t>(position), choice};
    return instr;
}

/// The same; its fields are zero.
template <size_t max_size>
WARPBEAM_LOWER_INLINE inline uint8_t* Emitter::append(size_t size, ChoiceKey choice,
                                                      Handler handler) noexcept {
    if (handler == nullptr) [[unlikely]]
        fail(Exit::limit);
    uint8_t* const instr = add_instr(size, choice, handler);
    // There is room for more than that, and a constant size needs no loop.
    static_assert(max_size <= sizeof discarded_);
    std::memset(instr + head_offset, 0, max_size - head_offset);
    return instr;
}

#if WARPBEAM_SMALL

template <Form form>
KnownFields<form> Emitter::emit_known(Op op, Variant variant) noexcept {
    return KnownFields<form>{emit({form, op, variant})};
}
template <Form form>
KnownFields<form> Emitter::emit_result_known(Op op, Variant variant, Kind kind) noexcept {
    return KnownFields<form>{emit_result({form, op, variant}, kind)};
}

#else

template <Form form>
WARPBEAM_LOWER_INLINE inline KnownFields<form> Emitter::emit_known(const OpHandlers& handlers, Op op,
                                                                   Variant variant, size_t number,
                                                                   Handler handler) noexcept {
    constexpr FormFacts facts = facts_of(form);
    unsigned constants = 0;
    if constexpr (facts.operands > 0)
        constants |= variant.a == Src::imm ? 1u : 0u;
    if constexpr (facts.operands > 1)
        constants |= variant.b == Src::imm ? 2u : 0u;
    if constexpr (facts.operands > 2)
        constants |= variant.c == Src::imm ? 4u : 0u;
    size_t width = 1;
    if (constants != 0 && facts.has_open) {
        if constexpr (facts.open >= Typed::in0 && facts.open <= Typed::out)
            width = handlers.widths >>
                        2 * (static_cast<unsigned>(facts.open) - static_cast<unsigned>(Typed::in0)) &
                    3;
        else
            width = constant_width({form, op, variant}) >> 3;
    }
    const Encoding* const encoding = &encodings[static_cast<size_t>(form)][constants][width];
    const size_t words = constants == 0 ? encoding_of(form, 0, 8).words : encoding->words;
    constexpr size_t max_words = encoding_of(form, 7, 16).words; // as grow_code makes sure
    uint8_t* const instr = append<sizeof(Instr) + sizeof(uint64_t) * max_words>(
        sizeof(Instr) + sizeof(uint64_t) * words, handlers.first + static_cast<ChoiceKey>(number), handler);
    return {instr, constants, *encoding};
}

template <Form form>
WARPBEAM_LOWER_INLINE inline KnownFields<form> Emitter::emit_known(Op op, Variant variant) noexcept {
    const OpHandlers& handlers = select(form, op);
    const size_t number = number_of(form, variant);
    return emit_known<form>(handlers, op, variant, number, handlers.row.at(number));
}

template <Form form>
WARPBEAM_LOWER_INLINE inline KnownFields<form> Emitter::emit_result_known(Op op, Variant variant,
                                                                          Kind kind) noexcept {
    Accumulator& accumulator = acc(is_float_kind(kind));
    spill(accumulator);
    const auto begin = static_cast<uint32_t>(here());
    const OpHandlers& handlers = select(form, op);
    size_t number = number_of(form, variant);
    Handler handler = handlers.row.at(number);
    const bool stored = handler == nullptr;
    if (stored) {
        variant.result = Dst::slot;
        number += to_slot(form);
        handler = handlers.row.at(number);
    }
    KnownFields<form> fields = emit_known<form>(handlers, op, variant, number, handler);
    if (stored)
        fields.template set<Field::result>(near_or_transit(height_));
    const uint32_t before = accumulator.local;
    const auto instr = static_cast<uint32_t>(instrs_.size() - 1);
    accumulator.operand = stack_.size();
    accumulator.local = no_local;
    accumulator.producer = {{form, op, variant},           kind,    true,  stored, instr, begin,
                            static_cast<uint32_t>(here()), serial_, before};
    push_home(kind, stored && !is_far(height_));
    return fields;
}

#endif

} // namespace warpbeam::vm
