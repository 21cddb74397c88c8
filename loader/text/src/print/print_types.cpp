// Types, https://webassembly.github.io/spec/core/binary/types.html

#include "print/module_printer.hpp"
#include "vocabulary.hpp"

#include <algorithm>

namespace warpbeam::text {
namespace {

/// A signature is written out wherever it is used, so that a long one could make much text of few bytes.
constexpr uint32_t longest_signature = 16;

} // namespace

void ModulePrinter::types() noexcept {
    entries(1, [&](ByteReader& in) {
        out_.line(1);
        if (!in.accept(code::rec))
            return type_definition(in);
        out_.add("(rec");
        for (uint32_t members = in.count(); members > 0; --members) {
            out_.line(2);
            type_definition(in);
        }
        out_.add(")");
    });
}

void ModulePrinter::type_definition(ByteReader& in) noexcept {
    const uint32_t index = defined_[static_cast<size_t>(Space::type)];
    out_.add("(type");
    define(Space::type);
    const bool is_final = in.peek() == code::sub_final;
    const bool sub = in.accept(code::sub_final) || in.accept(code::sub);
    if (sub) {
        out_.add(is_final ? " (sub final" : " (sub");
        for (uint32_t supers = in.count(); supers > 0; --supers) {
            space();
            reference_in(in, Space::type);
        }
    }
    for (const auto& [begin, keyword] :
         {std::pair{code::describes, " (describes "}, {code::descriptor, " (descriptor "}})
        if (in.accept(begin)) {
            out_.add(keyword);
            reference_in(in, Space::type);
            out_.add(")");
        }
    composite_type(in, index);
    out_.add(sub ? "))" : ")");
}

void ModulePrinter::composite_type(ByteReader& in, uint32_t index) noexcept {
    const uint8_t form = in.byte();
    TypeInfo info{form == code::func, 0, 0, in};
    switch (form) {
    case code::func: {
        out_.add(" (func");
        info.params = value_types("param", in, std::nullopt);
        info.results = value_types("result", in, std::nullopt);
        break;
    }
    case code::struct_:
        out_.add(" (struct");
        for (uint32_t i = 0, count = in.count(); i < count; ++i) {
            out_.add(" (field");
            name_of(Space::field, index, i);
            space();
            field_type(in);
            out_.add(")");
        }
        break;
    case code::array:
        out_.add(" (array ");
        field_type(in);
        break;
    default:
        in.fail("malformed definition type");
    }
    out_.add(")");
    keep(types_.push(info));
}

void ModulePrinter::field_type(ByteReader& in) noexcept {
    // What is mutable is said in front in the text.
    ByteReader ahead = in;
    skip_value_type(ahead);
    const uint8_t mutability = ahead.byte();
    if (mutability > 1)
        ahead.fail("malformed mutability");
    out_.add(mutability != 0 ? "(mut " : "");
    value_type(in);
    out_.add(mutability != 0 ? ")" : "");
    in = ahead;
}

void ModulePrinter::skip_value_type(ByteReader& in) noexcept {
    const uint8_t first = in.byte();
    if (first != code::ref && first != code::ref_null)
        return;
    if (in.accept(code::exact))
        in.u32();
    else
        in.s33();
}

void ModulePrinter::value_type(ByteReader& in) noexcept {
    const auto* const plain = std::ranges::find(plain_keywords, in.peek(), &PlainKeyword::code);
    if (plain == std::end(plain_keywords))
        return ref_type(in);
    in.byte();
    out_.add(plain->keyword);
}

void ModulePrinter::ref_type(ByteReader& in) noexcept {
    const bool nullable = in.accept(code::ref_null);
    if (nullable || in.accept(code::ref))
        return ref_type(nullable, in);
    // The code of an abstract heap type stands for a nullable reference.
    const auto* const found = std::ranges::find(heap_keywords, int64_t{in.peek()} - 0x80, &HeapKeyword::code);
    if (found == std::end(heap_keywords))
        return in.fail("malformed value type");
    in.byte();
    out_.add(found->ref);
}

void ModulePrinter::ref_type(bool nullable, ByteReader& heap) noexcept {
    out_.add(nullable ? "(ref null " : "(ref ");
    heap_type(heap);
    out_.add(")");
}

void ModulePrinter::heap_type(ByteReader& in) noexcept {
    if (in.accept(code::exact)) {
        out_.add("(exact ");
        reference_in(in, Space::type);
        out_.add(")");
        return;
    }
    const int64_t heap = in.s33();
    if (heap >= 0)
        return reference(Space::type, static_cast<uint32_t>(heap));
    const auto* const found = std::ranges::find(heap_keywords, heap, &HeapKeyword::code);
    if (found == std::end(heap_keywords))
        return in.fail("malformed heap type");
    out_.add(found->heap);
}

void ModulePrinter::limits(ByteReader& in, bool is_memory) noexcept {
    using namespace limits_flag;
    const uint8_t flags = in.byte();
    if ((flags & ~(max | is_64 | (is_memory ? shared | page_size : 0))) != 0)
        return in.fail("malformed limits flags");
    out_.add((flags & is_64) != 0 ? " i64 " : " ").natural(in.u64());
    if ((flags & max) != 0)
        out_.add(" ").natural(in.u64());
    if ((flags & shared) != 0)
        out_.add(" shared");
    if ((flags & page_size) == 0)
        return;
    const uint32_t log2 = in.u32();
    if (log2 > 63)
        return in.fail("invalid custom page size");
    out_.add(" (pagesize ").natural(uint64_t{1} << log2).add(")");
}

/// The element type comes first in the binary format and last in the text.
void ModulePrinter::table_type(ByteReader& in) noexcept {
    ByteReader element = in;
    skip_value_type(in);
    limits(in, false);
    space();
    ref_type(element);
}

/// A vector of them, and returns how many they are.
uint32_t ModulePrinter::value_types(const char* keyword, ByteReader& in,
                                    std::optional<uint32_t> func) noexcept {
    ValueGroup group{*this, keyword, func};
    const uint32_t count = in.count();
    for (uint32_t i = 0; i < count; ++i) {
        group.next(i);
        value_type(in);
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
    out_.add(" (type ");
    reference(Space::type, type);
    out_.add(")");
    if (type >= types_.size() || !types_[type].is_func)
        return;
    const TypeInfo& info = types_[type];
    const bool named = func && names_.any(Space::local, *func);
    if (!named && (info.params > longest_signature || info.results > longest_signature))
        return;
    ByteReader at = info.at;
    value_types("param", at, func);
    value_types("result", at, std::nullopt);
}

} // namespace warpbeam::text
