#include "disassembly/disassembler.hpp"

#include <charconv>

namespace warpbeam::vm {

namespace {

/// The names of a form's options: for the values of a small number, or for its bits.
struct OptionWords {
    Form form;
    bool are_bits;
    std::string_view words[3];
};
constexpr OptionWords option_words[] = {
    {Form::compare_branch, true, {"not"}},
    {Form::load, true, {"guarded", "64-bit"}},
    {Form::load_at, true, {"guarded"}},
    {Form::load_sum, true, {"guarded", "64-bit"}},
    {Form::load_indexed, true, {"guarded"}},
    {Form::load_displaced, true, {"guarded"}},
    {Form::store, true, {"guarded", "64-bit"}},
    {Form::store_at, true, {"guarded"}},
    {Form::store_sum, true, {"guarded", "64-bit"}},
    {Form::store_displaced, true, {"guarded"}},
    {Form::jump_if_null, true, {"not"}},
    {Form::poll, false, {"fuel", "interrupt", "fuel+interrupt"}},
    // Bit 0 says how the type is given.
    {Form::ref_test, true, {"", "nullable"}},
    {Form::ref_cast, true, {"", "nullable"}},
    {Form::br_on_cast, true, {"", "nullable", "not"}},
    {Form::br_on_cast_desc, true, {"", "nullable", "not"}},
    {Form::far_get, true, {"vector"}},
    {Form::far_set, true, {"vector"}},
    {Form::canonical_f32, false, {"", "float", "vector"}},
    {Form::canonical_f64, false, {"", "float", "vector"}},
    {Form::select, false, {"", "float", "vector"}},
    {Form::move, false, {"", "float", "vector"}},
    {Form::copy_register, false, {"", "float", "vector"}},
    {Form::global_get, false, {"", "float", "vector"}},
    {Form::global_set, false, {"", "float", "vector"}},
    {Form::return_value, false, {"", "float", "vector"}},
    {Form::suspend, true, {"switch"}},
    {Form::resume, false, {"", "throw", "throw_ref"}},
};
// The only other option is the number of fields of `struct_new`, which is also one of its fields.
static_assert(std::ranges::all_of(form_table, [](const FormRow& row) {
    return row.options == 1 || row.form == Form::struct_new ||
           std::ranges::find(option_words, row.form, &OptionWords::form) != std::end(option_words);
}));

/// Whether the form's instructions are the same as the WebAssembly instruction with that name.
constexpr bool is_plain(Form form) noexcept {
    switch (form) {
    case Form::binary:
    case Form::unary:
    case Form::ternary:
    case Form::shift:
    case Form::replace_lane:
    case Form::extract_lane:
    case Form::shuffle:
    case Form::wide_sum:
    case Form::wide_product:
    case Form::load:
    case Form::store:
    case Form::atomic:
        return true;
    default:
        return is_general(form);
    }
}

constexpr std::string_view pin_names[] = {"l0=", "l1=", "f0="};

} // namespace

// ---- Parts ----

void Disassembler::decimal(uint64_t value) noexcept {
    char text[24];
    add({text, std::to_chars(text, text + sizeof text, value).ptr});
}
void Disassembler::signed_decimal(int64_t value) noexcept {
    char text[24];
    add({text, std::to_chars(text, text + sizeof text, value).ptr});
}
void Disassembler::hexadecimal(uint64_t value, size_t digits) noexcept {
    char text[24];
    const std::string_view made{text, std::to_chars(text, text + sizeof text, value, 16).ptr};
    add("0x");
    for (size_t i = made.size(); i < digits; ++i)
        add("0");
    add(made);
}

/// Types are shown by their index in the module; equal types have several, and the first stands for all.
void Disassembler::defined(TypeId id) noexcept {
    const auto types = module_->types();
    const auto found = std::ranges::find(types, id);
    add("type ");
    decimal(static_cast<size_t>(found - types.begin()));
}

void Disassembler::pins(const Pins& pins) noexcept {
    const uint16_t slots[] = {pins.l0, pins.l1, pins.f0};
    for (size_t i = 0; i < std::size(slots); ++i) {
        separate();
        add(pin_names[i]);
        slot(slots[i]);
    }
}

void Disassembler::type(const CodeInstr& instr, uint64_t word) noexcept {
    if (instr.has_layout(Field::type))
        defined(reinterpret_cast<const Layout*>(static_cast<uintptr_t>(word))->type);
    else
        heap(HeapType::from_code(static_cast<uint32_t>(word)));
}

// ---- Operands ----

void Disassembler::constant(const CodeInstr& instr, const FieldRow& field) noexcept {
    add("#");
    if (instr.is_variant())
        return;
    const uint64_t bits = instr.get(field.name);
    char text[32];
    switch (instr.choice.form == Form::latch && field.name == Field::step ? Sig::none : instr.type(field)) {
    case Sig::none: // a constant step has 16 bits
        return signed_decimal(static_cast<int16_t>(bits));
    case Sig::i32:
        return signed_decimal(static_cast<int32_t>(bits));
    case Sig::f32:
        if (const auto value = std::bit_cast<float>(static_cast<uint32_t>(bits)); value == value)
            return add({text, std::to_chars(text, text + sizeof text, value).ptr});
        return hexadecimal(bits);
    case Sig::f64:
        // A bank has no type, so a moved value is just bits.
        if (const auto value = std::bit_cast<double>(bits); value == value && field.typed != Typed::by_option)
            return add({text, std::to_chars(text, text + sizeof text, value).ptr});
        return hexadecimal(bits);
    case Sig::v128:
        hexadecimal(instr.high(field.name), 16);
        add("_");
        return hexadecimal(bits, 16);
    default:
        return signed_decimal(static_cast<int64_t>(bits));
    }
}

void Disassembler::source(const CodeInstr& instr, const FieldRow& field) noexcept {
    separate();
    if (field.kind == FieldKind::source) {
        if (field.name >= Field::pin0 && field.name <= Field::pin2)
            add(pin_names[static_cast<size_t>(field.name) - static_cast<size_t>(Field::pin0)]);
        return slot(instr, field);
    }
    const bool is_float = bank_of(instr.type(field)) != Bank::integer;
    switch (instr.source(field.name)) {
    case Src::slot:
        return slot(instr, field);
    case Src::acc:
        return add(is_float ? "facc" : "acc");
    case Src::l0:
        return add(is_float ? "f0" : "l0");
    case Src::l1:
        return add("l1");
    case Src::imm:
        return constant(instr, field);
    }
}

void Disassembler::sink(const CodeInstr& instr, const FieldRow& field) noexcept {
    separate();
    const bool is_float = field.kind == FieldKind::result && bank_of(instr.type(field)) != Bank::integer;
    const Dst dst = field.kind == FieldKind::result ? instr.result() : Dst::slot;
    if (dst == Dst::acc)
        return add(is_float ? "facc" : "acc");
    if (is_pin(dst))
        add(is_float ? "f0=" : dst == Dst::l0 ? "l0=" : "l1=");
    slot(instr, field);
}

// ---- Other fields, which have names ----

void Disassembler::number(const CodeInstr& instr, const FieldRow& field) noexcept {
    const uint64_t value = instr.get(field.name);
    const bool is_call =
        instr.choice.form == Form::call_indirect || instr.choice.form == Form::return_call_indirect;
    if ((field.name == Field::offset || field.name == Field::addend) && value == 0)
        return;
    separate();
    if (field.lane == Lane::pair) {
        add("#");
        hexadecimal(instr.high(field.name), 16);
        add("_");
        return hexadecimal(value, 16);
    }
    if (field.name == Field::value) {
        add("#");
        return value <= UINT32_MAX ? decimal(value) : hexadecimal(value);
    }
    if (field.name == Field::code)
        return add(text_of(code_of(static_cast<Exit>(value))));
    if (field.name == Field::type && is_call) {
        add("table=");
        decimal(value >> 32);
        add(", ");
        return defined(static_cast<TypeId>(value));
    }
    if (field.name == Field::type)
        return type(instr, value);
    if (field.name == Field::back) {
        add("back=");
        return defined(static_cast<TypeId>(value));
    }
    if (instr.has_layout(field.name))
        return defined(reinterpret_cast<const Layout*>(static_cast<uintptr_t>(value))->type);
    add(field_names[static_cast<size_t>(field.name)]);
    add("=");
    if (field.name == Field::addend && field.lane == Lane::d)
        signed_decimal(static_cast<int16_t>(value));
    else if (field.name == Field::addend || field.name == Field::far || field.name == Field::far2)
        signed_decimal(static_cast<int32_t>(value));
    else
        decimal(value);
}

void Disassembler::property(const CodeInstr& instr, const FieldRow& field) noexcept {
    switch (field.kind) {
    case FieldKind::sources:
    case FieldKind::area:
        separate();
        add(field_names[static_cast<size_t>(field.name)]);
        add("=");
        return slot(instr, field);
    case FieldKind::number:
        return number(instr, field);
    case FieldKind::pointer:
        separate();
        if (field.name == Field::callee) {
            add("func ");
            return decimal(
                reinterpret_cast<const CodeCell*>(static_cast<uintptr_t>(instr.get(field.name)))->func);
        }
        return defined(reinterpret_cast<const Layout*>(static_cast<uintptr_t>(instr.get(field.name)))->type);
    case FieldKind::pins:
        pins(instr.pins());
        add(", result=");
        return slot(instr.pins().result);
    default:
        return;
    }
}

// ---- Instructions ----

void Disassembler::option(const CodeInstr& instr) noexcept {
    const auto* const row = std::ranges::find(option_words, instr.choice.form, &OptionWords::form);
    if (row == std::end(option_words))
        return;
    for (size_t i = 0; i < std::size(row->words); ++i) {
        const uint8_t option = instr.choice.variant.option;
        if (row->words[i].empty() || !(row->are_bits ? (option >> i & 1) != 0 : option == i))
            continue;
        add(" ");
        add(row->words[i]);
    }
}

void Disassembler::name(const CodeInstr& instr) noexcept {
    const bool has_op = instr.choice.op != Op::nop;
    if (!has_op || !is_plain(instr.choice.form)) {
        std::string_view name = name_of(instr.choice.form);
        // Some names are not C++ identifiers.
        if (name.ends_with("_"))
            name.remove_suffix(1);
        add(name);
        if (has_op)
            add(" ");
    }
    if (has_op)
        add(warpbeam::row_of(instr.choice.op).text());
    option(instr);
}

void Disassembler::instr(const CodeInstr& instr) noexcept {
    constexpr size_t width = 26;
    const size_t begin = out_.size();
    name(instr);
    const size_t end = out_.size();
    const auto each = [&](auto&& want, auto print) {
        for (const FieldRow& field : instr.row().fields)
            if (want(field.kind) && instr.uses(field))
                (this->*print)(instr, field);
    };
    const auto is_sink = [](FieldKind kind) {
        return kind == FieldKind::result || kind == FieldKind::destination;
    };
    const auto is_source = [](FieldKind kind) {
        return kind == FieldKind::operand || kind == FieldKind::source;
    };
    do
        add(" ");
    while (complete_ && out_.size() < begin + width);
    const size_t operands = out_.size();
    parts_ = 0;
    each(is_sink, &Disassembler::sink);
    if (parts_ != 0)
        add(" <- ");
    parts_ = 0;
    each(is_source, &Disassembler::source);
    if (!instr.is_variant())
        each([&](FieldKind kind) { return !is_sink(kind) && !is_source(kind); }, &Disassembler::property);
    for (size_t i = 0; !instr.is_variant() && i < instr.target_count(); ++i) {
        add(i != 0 ? " " : parts_ != 0 ? " -> " : "-> ");
        position(instr.target(i));
    }
    if (out_.size() == operands)
        out_.truncate(end); // it has none
}

// ---- Around the instructions ----

void Disassembler::head(const Code& code) noexcept {
    parts_ = 0;
    add("frame=");
    decimal(code.frame_slots);
    if (code.zero_count != 0) {
        add(", zero=");
        slot(code.zero_from);
        add("..");
        slot(uint64_t{code.zero_from} + code.zero_count - 1);
    }
    ++parts_;
    pins(code.pins);
}

void Disassembler::region(const Code& code, size_t number) noexcept {
    const TryRegion* const region = regions_of(code) + number;
    add("try from ");
    position(region->begin);
    if (region->clause == CatchClause::none)
        return add(": nothing");
    add(": clause ");
    decimal(region->clause);
}

void Disassembler::clause(const Code& code, size_t number) noexcept {
    const CatchClause& clause = clauses_of(code)[number];
    add("clause ");
    decimal(number);
    add(": ");
    if (clause.tag == CatchClause::never) {
        add("never");
    } else {
        parts_ = 0;
        separate();
        if (clause.tag == CatchClause::all) {
            add("all");
        } else {
            add("tag=");
            decimal(clause.tag);
            separate();
            add("payload=");
            slot(clause.payload);
        }
        if (clause.exception != CatchClause::unwanted) {
            separate();
            add("exception=");
            slot(clause.exception);
        }
        pins(clause.pins);
        add(" -> ");
        position(clause.target);
    }
    if (clause.next != CatchClause::none) {
        add(", else clause ");
        decimal(clause.next);
    }
}

} // namespace warpbeam::vm
