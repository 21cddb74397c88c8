#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/loader/type_printer.hpp>

#include <charconv>

namespace warpbeam {

void TypePrinter::number(uint64_t value) noexcept {
    char text[20];
    add({text, static_cast<size_t>(std::to_chars(text, text + sizeof text, value).ptr - text)});
}

void TypePrinter::heap(HeapType type) noexcept {
    if (!type.is_defined()) {
        const AbstractHeap* const row = row_of(type);
        return add(row != nullptr ? row->keyword : "bot");
    }
    if (type.is_exact())
        add("(exact ");
    defined(type.id());
    if (type.is_exact())
        add(")");
}

void TypePrinter::value(ValType type) noexcept {
    if (!type.is_ref()) {
        const PlainType* const row = row_of(type.kind());
        return add(row != nullptr ? row->keyword : "bot");
    }
    if (const AbstractHeap* const row = row_of(type.heap()); row != nullptr && type.nullable())
        return add(row->ref);
    add(type.nullable() ? "(ref null " : "(ref ");
    heap(type.heap());
    add(")");
}

void TypePrinter::values(std::span<const ValType> types) noexcept {
    for (const ValType type : types) {
        add(" ");
        if (full())
            return add("...");
        value(type);
    }
}

void TypePrinter::list(std::string_view keyword, std::span<const ValType> types) noexcept {
    if (types.empty())
        return;
    add(" (");
    add(keyword);
    values(types);
    add(")");
}

void TypePrinter::signature(const FuncType& type) noexcept {
    list("param", type.params);
    list("result", type.results);
}

void TypePrinter::func(const FuncType& type) noexcept {
    add("func");
    signature(type);
}

void TypePrinter::field(const FieldType& type) noexcept {
    if (type.is_mutable)
        add("(mut ");
    value(type.storage);
    if (type.is_mutable)
        add(")");
}

void TypePrinter::composite(const SubType& type) noexcept {
    switch (type.kind) {
    case CompositeKind::func:
        return func(type.func);
    case CompositeKind::cont:
        add("cont ");
        return defined(type.cont);
    case CompositeKind::array:
        add("array ");
        return field(type.fields[0]);
    case CompositeKind::struct_:
        add("struct");
        for (const FieldType& each : type.fields) {
            if (full())
                return add(" ...");
            add(" (field ");
            field(each);
            add(")");
        }
    }
}

void TypePrinter::definition(const SubType& type) noexcept {
    const bool has_supertype = type.supertype != SubType::no_supertype;
    const bool is_sub = has_supertype || !type.is_final;
    if (is_sub)
        add(type.is_final ? "(sub final " : "(sub ");
    if (has_supertype) {
        defined(type.supertype);
        add(" ");
    }
    const auto clause = [this](std::string_view begin, TypeId id) {
        if (id == SubType::no_type)
            return;
        add(begin);
        defined(id);
        add(") ");
    };
    clause("(describes ", type.described);
    clause("(descriptor ", type.descriptor);
    add("(");
    composite(type);
    add(is_sub ? "))" : ")");
}

void TypePrinter::limits(const Limits& limits) noexcept {
    if (limits.is_64)
        add("i64 ");
    number(limits.min);
    if (limits.has_max) {
        add(" ");
        number(limits.max);
    }
}

void TypePrinter::table(const TableType& type) noexcept {
    limits(type.limits);
    add(" ");
    value(type.element);
}

void TypePrinter::memory(const MemoryType& type, bool with_page_size) noexcept {
    limits(type.limits);
    if (type.shared)
        add(" shared");
    if (!with_page_size)
        return;
    add(" (pagesize ");
    number(uint64_t{1} << type.page_size_log2);
    add(")");
}

void TypePrinter::global(const GlobalType& type) noexcept { field({type.content, type.is_mutable}); }

void TypePrinter::external(const ExternType& type, const TypeRegistry& types) noexcept {
    const bool exact = type.kind == ExternKind::func && type.exact;
    if (exact)
        add("(exact ");
    // A type that can have subtypes differs from one that can't.
    if (type.kind == ExternKind::func)
        add(types[type.func].is_final && types[type.func].supertype == SubType::no_supertype ? "" : "sub ");
    add(row_of(type.kind).keyword);
    add(type.kind == ExternKind::func || type.kind == ExternKind::tag ? "" : " ");
    switch (type.kind) {
    case ExternKind::func:
        signature(types.func(type.func));
        break;
    case ExternKind::table:
        table(type.table);
        break;
    case ExternKind::memory:
        memory(type.memory);
        break;
    case ExternKind::global:
        global(type.global);
        break;
    case ExternKind::tag:
        signature(types.func(type.tag.type));
        break;
    }
    if (exact)
        add(")");
}

} // namespace warpbeam
