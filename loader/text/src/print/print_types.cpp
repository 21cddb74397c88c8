// Types, https://webassembly.github.io/spec/core/binary/types.html

#include "print/module_printer.hpp"

#include <algorithm>
#include <cinttypes>

namespace warpbeam::text {
namespace {

/// A signature is written out wherever it is used, so a long one could turn a few bytes into a lot of text.
constexpr uint32_t longest_signature = 16;

} // namespace

void ModulePrinter::types() noexcept {
    entries(SectionId::type, [&](BinaryReader& in) {
        out_.line(1);
        if (!in.accept(type_code::rec))
            return type_definition(in);
        out_.add("(rec");
        for (uint32_t members = in.count(); members > 0; --members) {
            out_.line(2);
            type_definition(in);
        }
        out_.add(")");
    });
}

void ModulePrinter::type_definition(BinaryReader& in) noexcept {
    const uint32_t index = defined_[static_cast<size_t>(Space::type)];
    out_.add("(type");
    define(Space::type);
    const bool is_final = in.peek() == type_code::sub_final;
    const bool sub = in.accept(type_code::sub_final) || in.accept(type_code::sub);
    if (sub) {
        out_.add(is_final ? " (sub final" : " (sub");
        for (uint32_t supers = in.count(); supers > 0; --supers) {
            space();
            reference_in(in, Space::type);
        }
    }
    for (const auto& [begin, keyword] :
         {std::pair{type_code::describes, " (describes "}, {type_code::descriptor, " (descriptor "}})
        if (in.accept(begin))
            clause(keyword, Space::type, in.u32());
    composite_type(in, index);
    out_.add(sub ? "))" : ")");
}

void ModulePrinter::composite_type(BinaryReader& in, uint32_t index) noexcept {
    const uint8_t form = in.byte();
    TypeInfo info{form == type_code::func, 0, 0, in};
    switch (form) {
    case type_code::func: {
        out_.add(" (func");
        info.params = value_types("param", in, std::nullopt);
        info.results = value_types("result", in, std::nullopt);
        break;
    }
    case type_code::struct_:
        out_.add(" (struct");
        for (uint32_t i = 0, count = in.count(); i < count; ++i) {
            out_.add(" (field");
            name_of(Space::field, index, i);
            space();
            field_type(in);
            out_.add(")");
        }
        break;
    case type_code::array:
        out_.add(" (array ");
        field_type(in);
        break;
    case type_code::cont: {
        const int64_t type = in.s33();
        if (type < 0)
            in.fail("malformed type of a continuation");
        out_.add(" (cont ");
        reference(Space::type, static_cast<uint32_t>(type));
        break;
    }
    default:
        in.fail("malformed definition type");
    }
    out_.add(")");
    keep(types_.push(info));
}

void ModulePrinter::field_type(BinaryReader& in) noexcept {
    FieldType type;
    type.storage = val_type(in);
    const uint8_t mutability = in.byte();
    if (mutability > 1)
        in.fail("malformed mutability");
    type.is_mutable = mutability != 0;
    type_text_.field(type);
}

ValType ModulePrinter::val_type(BinaryReader& in) noexcept {
    if (!in.at_end() && TypeCode{in.peek(), {}}.is_malformed())
        in.fail("malformed value type");
    return val_type(in, in.type_code());
}

/// The type of a code; the id of a defined type is its index in the module.
ValType ModulePrinter::val_type(BinaryReader& in, const TypeCode& code) noexcept {
    if (code.has_heap())
        return ValType::reference(heap_type(in, code.heap), code.first == type_code::ref_null);
    if (!code.is_malformed())
        return type_of(code, HeapType::defined);
    in.fail("malformed value type");
    return ValType::bot;
}

HeapType ModulePrinter::heap_type(BinaryReader& in, const HeapCode& code) noexcept {
    if (code.is_malformed())
        in.fail("malformed heap type");
    else if (code.code < max_type_id)
        return heap_of(code, HeapType::defined);
    else if (!fault_)
        fault_
            .emplace(ErrorCode::limit, "there is no type %" PRId64 ": a module has at most %" PRIu32,
                     code.code, max_type_id)
            .at(in.offset());
    return HeapType::bot;
}

ValType ModulePrinter::ref_type(BinaryReader& in) noexcept {
    if (find_plain(in.peek()) != nullptr)
        in.fail("malformed reference type");
    return val_type(in);
}

HeapType ModulePrinter::heap_type(BinaryReader& in) noexcept { return heap_type(in, in.heap_code()); }

/// The limits after their flags; only the flags in `known` may be set.
Limits ModulePrinter::limits(BinaryReader& in, uint8_t flags, unsigned known) noexcept {
    Limits limits;
    if ((flags & ~known) != 0)
        in.fail("malformed limits flags");
    limits.is_64 = (flags & limits_flag::is_64) != 0;
    limits.has_max = (flags & limits_flag::max) != 0;
    limits.min = in.u64();
    limits.max = limits.has_max ? in.u64() : 0;
    return limits;
}

void ModulePrinter::memory_type(BinaryReader& in) noexcept {
    using namespace limits_flag;
    const uint8_t flags = in.byte();
    MemoryType type;
    type.limits = limits(in, flags, max | is_64 | shared | page_size);
    type.shared = (flags & shared) != 0;
    const bool with_page_size = (flags & page_size) != 0;
    const uint32_t log2 = with_page_size ? in.u32() : 0;
    if (log2 > 63)
        return in.fail("invalid custom page size");
    type.page_size_log2 = static_cast<uint8_t>(log2);
    space();
    type_text_.memory(type, with_page_size);
}

/// The element type comes first in the binary format and last in the text.
void ModulePrinter::table_type(BinaryReader& in) noexcept {
    TableType type;
    type.element = ref_type(in);
    type.limits = limits(in, in.byte(), limits_flag::max | limits_flag::is_64);
    space();
    type_text_.table(type);
}

/// Prints a vector of them and returns their number.
uint32_t ModulePrinter::value_types(const char* keyword, BinaryReader& in,
                                    std::optional<uint32_t> func) noexcept {
    ValueGroup group{*this, keyword, func};
    const uint32_t count = in.count();
    for (uint32_t i = 0; i < count; ++i) {
        group.next(i);
        type_text_.value(val_type(in));
    }
    return count;
}

void ModulePrinter::ValueGroup::next(uint32_t index) noexcept {
    const bool named = func && printer.names_.find(Space::local, *func, index) != nullptr;
    if (named || alone)
        close();
    if (!open)
        printer.out_.add(" (").add(keyword);
    if (named)
        printer.name_of(Space::local, *func, index);
    printer.space();
    open = true;
    alone = named;
}

void ModulePrinter::ValueGroup::close() noexcept {
    if (open)
        printer.out_.add(")");
    open = false;
}

void ModulePrinter::type_use(uint32_t type, std::optional<uint32_t> func) noexcept {
    clause(" (type ", Space::type, type);
    if (type >= types_.size() || !types_[type].is_func)
        return;
    const TypeInfo& info = types_[type];
    const bool named = func && names_.any(Space::local, *func);
    if (!named && (info.params > longest_signature || info.results > longest_signature))
        return;
    BinaryReader at = info.at;
    value_types("param", at, func);
    value_types("result", at, std::nullopt);
}

} // namespace warpbeam::text
