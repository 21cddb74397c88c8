#pragma once

#include "isa/operand.hpp"

#include <array>
#include <iterator>
#include <string_view>

/// The forms of threaded instructions: their fields, where these lie, the variants and the effects. Encoder,
/// decoder, sizes, handler tables, disassembler and verifier are all generated from here.
///
/// An instruction is the address of its handler, a 64-bit head, and as many 64-bit words as its form needs.

namespace warpbeam::vm {

/// Where a field lies: in one of the four 16-bit lanes of the head, in two of them together, in the next
/// word, in the next two, or in all that follow. Words are taken in the order of the fields.
// In the head: bytes 0, 2, 4, 6, 4 to 7, and 0 to 3.
enum class Lane : uint8_t { d, a, b, c, bc, da, word, pair, rest };

enum class FieldKind : uint8_t {
    none,
    result,      ///< the result's destination; a slot, unless it is only the accumulator
    operand,     ///< an operand of any class; its slot, or its value
    source,      ///< a slot that is read
    sources,     ///< the first of several slots that are read
    destination, ///< a slot that is written
    area,        ///< the first of several slots that are read or written
    number,      ///< an index, a count, an offset
    jump,        ///< a signed distance in bytes from the beginning of the instruction
    jumps,       ///< `count` + 1 distances of 32 bits
    pointer,
    pins, ///< a `Pins`
};

/// The type of a field's value: which bank it uses, and how many bytes a constant takes.
enum class Typed : uint8_t {
    index, ///< i32, and addresses of 32 bits
    wide,  ///< i64, and references
    in0,   ///< the type of the operand in the WebAssembly instruction's signature ...
    in1,
    in2,
    out,       ///< ... or its result
    by_option, ///< given by the option: a Bank
};

/// The effects of an instruction besides computing its result.
namespace effect {
inline constexpr uint8_t traps = 1;
inline constexpr uint8_t calls = 2;     ///< enters or leaves a frame
inline constexpr uint8_t allocates = 4; ///< an object; the garbage collector may run
inline constexpr uint8_t branches = 8;  ///< may continue elsewhere
inline constexpr uint8_t ends = 16;     ///< never continues with the next instruction
/// A point where an execution can be suspended: all operands are in the frame.
inline constexpr uint8_t safepoint = 32;
} // namespace effect

// clang-format off
/// The names of fields.
#define WARPBEAM_FIELDS(X)                                                                                   \
    X(result) X(left) X(right) X(operand) X(third) X(condition) X(local) X(step) X(shift) X(address) X(base)  \
    X(addend) X(offset) X(memory) X(value) X(expected) X(from) X(to) X(from2) X(to2) X(count) X(pin0) X(pin1) \
    X(pin2) X(target) X(targets) X(code) X(callee) X(frame) X(function) X(type) X(pins) X(tag) X(global)      \
    X(operands) X(first) X(second) X(high) X(lane) X(lanes) X(object) X(index) X(layout) X(descriptor)     \
    X(zeros) X(far) X(far2) X(excess) X(event) X(back)
// clang-format on
enum class Field : uint8_t {
#define WARPBEAM_FIELD(name) name,
    WARPBEAM_FIELDS(WARPBEAM_FIELD)
#undef WARPBEAM_FIELD
};
inline constexpr std::string_view field_names[] = {
#define WARPBEAM_FIELD(name) #name,
    WARPBEAM_FIELDS(WARPBEAM_FIELD)
#undef WARPBEAM_FIELD
};
#undef WARPBEAM_FIELDS

struct FieldRow {
    Field name{};
    FieldKind kind = FieldKind::none;
    Lane lane = Lane::d;
    Typed typed = Typed::index;
    /// For an operand: where it lies if it is a constant. `bc` is for 32-bit constants; a wider one takes
    /// words anyway.
    Lane constant = Lane::word;
};
inline constexpr size_t max_fields = 6;

enum class Form : uint8_t {
#define WARPBEAM_FORM(name, options, effects, ...) name,
#include "isa/forms.inc"
#undef WARPBEAM_FORM
};

struct FormRow {
    Form form;
    uint8_t options; ///< the number of options
    uint8_t effects;
    std::array<FieldRow, max_fields> fields;
};

inline constexpr FormRow form_table[] = {
#define WARPBEAM_FORM(name, options, effects, ...) {Form::name, options, effects, {{__VA_ARGS__}}},
#include "isa/forms.inc"
#undef WARPBEAM_FORM
};
inline constexpr size_t form_count = std::size(form_table);

/// The names of the forms, for listings of code.
inline constexpr std::string_view form_names[] = {
#define WARPBEAM_FORM(name, options, effects, ...) #name,
#include "isa/forms.inc"
#undef WARPBEAM_FORM
};
constexpr std::string_view name_of(Form form) noexcept { return form_names[static_cast<size_t>(form)]; }

constexpr const FormRow& row_of(Form form) noexcept { return form_table[static_cast<size_t>(form)]; }

/// What the fields of a form say about its variants.
struct FormFacts {
    uint8_t operands = 0;      ///< the number of operands of any class
    bool has_result = false;   ///< whether there is a result of any class
    bool has_open = false;     ///< whether an operand's type depends on the instruction or the option
    Typed open = Typed::index; ///< what it depends on; all possible constants have the same type
};
inline constexpr auto form_facts = [] {
    std::array<FormFacts, form_count> facts;
    for (const FormRow& row : form_table) {
        FormFacts& of = facts[static_cast<size_t>(row.form)];
        of.has_result = row.fields[0].kind == FieldKind::result;
        for (const FieldRow& field : row.fields) {
            if (field.kind != FieldKind::operand)
                continue;
            ++of.operands;
            if (!of.has_open && field.typed >= Typed::in0) {
                of.has_open = true;
                of.open = field.typed;
            }
        }
    }
    return facts;
}();
constexpr const FormFacts& facts_of(Form form) noexcept { return form_facts[static_cast<size_t>(form)]; }

/// The index of a field among the operands, from 0.
constexpr size_t operand_index(Form form, Field name) noexcept {
    size_t index = 0;
    for (const FieldRow& field : row_of(form).fields) {
        if (field.name == name && field.kind == FieldKind::operand)
            break;
        index += field.kind == FieldKind::operand;
    }
    return index;
}

/// Where a field lies: its first byte after the handler's address, and its number of bits.
struct BitRange {
    uint8_t byte = 0;
    uint8_t count = 0; ///< 0 if the form does not have this field
};

/// The words after the head, and the positions of the fields, of one variant.
struct Encoding {
    std::array<BitRange, max_fields> fields;
    uint8_t words = 0;
};

/// `constants` says which operands are constants (Variant::constants); `width` is the size in bytes of a
/// constant whose type the form leaves open.
constexpr Encoding encoding_of(Form form, unsigned constants, size_t width) noexcept {
    constexpr BitRange lanes[] = {{0, 16}, {2, 16}, {4, 16}, {6, 16}, {4, 32}, {0, 32}};
    Encoding encoding;
    size_t operand = 0;
    for (size_t i = 0; i < max_fields; ++i) {
        const FieldRow& field = row_of(form).fields[i];
        Lane lane = field.lane;
        size_t bytes = 8;
        if (field.kind == FieldKind::none)
            break;
        if (field.kind == FieldKind::operand && (constants >> operand++ & 1) != 0) {
            lane = field.constant;
            bytes = field.typed == Typed::index ? 4 : field.typed == Typed::wide ? 8 : width;
            if (lane == Lane::bc && bytes > 4)
                lane = Lane::word;
        }
        if (lane == Lane::pair)
            bytes = 16;
        if (lane <= Lane::da) {
            encoding.fields[i] = lanes[static_cast<size_t>(lane)];
        } else {
            encoding.fields[i] = {static_cast<uint8_t>(8 + 8 * encoding.words),
                                  static_cast<uint8_t>(bytes == 16 ? 128 : 64)};
            if (lane != Lane::rest)
                encoding.words = static_cast<uint8_t>(encoding.words + (bytes == 16 ? 2 : 1));
        }
    }
    return encoding;
}

constexpr size_t field_index(Form form, Field name) noexcept {
    for (size_t i = 0; i < max_fields; ++i)
        if (row_of(form).fields[i].kind != FieldKind::none && row_of(form).fields[i].name == name)
            return i;
    return max_fields;
}

/// The type that the form leaves open, for a WebAssembly instruction: one from its signature.
constexpr Sig::Type type_of(Typed typed, const Sig& sig, uint8_t option) noexcept {
    constexpr Sig::Type of_bank[] = {Sig::i64, Sig::f64, Sig::v128};
    const auto known = [&](Sig::Type type) {
        return type == Sig::none || type == Sig::addr ? Sig::i64 : type;
    };
    switch (typed) {
    case Typed::index:
        return Sig::i32;
    case Typed::wide:
        break;
    case Typed::in0:
        return known(sig.in[0]);
    case Typed::in1:
        return known(sig.in[1]);
    case Typed::in2:
        return known(sig.in[2]);
    case Typed::out:
        return known(sig.out);
    case Typed::by_option:
        return of_bank[option % std::size(of_bank)];
    }
    return Sig::i64;
}
constexpr size_t bytes_of(Sig::Type type) noexcept {
    return type == Sig::i32 || type == Sig::f32 ? 4 : type == Sig::v128 ? 16 : 8;
}

/// The size of a constant operand whose type the form leaves open.
constexpr size_t constant_width(Form form, const Sig& sig, uint8_t option) noexcept {
    const FormFacts& facts = facts_of(form);
    return facts.has_open ? bytes_of(type_of(facts.open, sig, option)) : 8;
}

} // namespace warpbeam::vm
