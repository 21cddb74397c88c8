#include "type_text.hpp"

namespace warpbeam::cli {

namespace {

/// The abstract heap types that have a short form: `(ref null func)` is `funcref`.
struct HeapName {
    HeapType::Abstract heap;
    const char* name;
    const char* nullable_reference;
};
constexpr HeapName heap_names[] = {
    {HeapType::func, "func", "funcref"},        {HeapType::nofunc, "nofunc", "nullfuncref"},
    {HeapType::extern_, "extern", "externref"}, {HeapType::noextern, "noextern", "nullexternref"},
    {HeapType::any, "any", "anyref"},           {HeapType::eq, "eq", "eqref"},
    {HeapType::i31, "i31", "i31ref"},           {HeapType::struct_, "struct", "structref"},
    {HeapType::array, "array", "arrayref"},     {HeapType::none, "none", "nullref"},
    {HeapType::exn, "exn", "exnref"},           {HeapType::noexn, "noexn", "nullexnref"},
};

const HeapName* find(HeapType type) {
    for (const HeapName& row : heap_names)
        if (type == row.heap)
            return &row;
    return nullptr;
}

} // namespace

TypeText::TypeText(const Module& module) : registry_{module.type_registry()} {
    for (size_t i = 0; i < module.types().size(); ++i)
        indices_.emplace(module.types()[i], i);
}

std::string TypeText::index(TypeId id) const {
    const auto found = indices_.find(id);
    return found != indices_.end() ? std::to_string(found->second) : "?";
}

std::string TypeText::heap(HeapType type) const {
    if (type.is_defined())
        return type.is_exact() ? "(exact " + index(type.id()) + ")" : index(type.id());
    const HeapName* const row = find(type);
    return row != nullptr ? row->name : "bot";
}

std::string TypeText::value(ValType type) const {
    switch (type.kind()) {
    case ValType::bot:
        return "bot";
    case ValType::i32:
        return "i32";
    case ValType::i64:
        return "i64";
    case ValType::f32:
        return "f32";
    case ValType::f64:
        return "f64";
    case ValType::v128:
        return "v128";
    case ValType::i8:
        return "i8";
    case ValType::i16:
        return "i16";
    case ValType::ref:
        break;
    }
    if (!type.nullable())
        return "(ref " + heap(type.heap()) + ")";
    const HeapName* const row = find(type.heap());
    return row != nullptr ? row->nullable_reference : "(ref null " + heap(type.heap()) + ")";
}

std::string TypeText::func(const FuncType& type) const {
    const auto list = [this](const char* keyword, std::span<const ValType> types) {
        if (types.empty())
            return std::string{};
        std::string text = std::string(" (") + keyword;
        for (const ValType each : types)
            text += " " + value(each);
        return text + ")";
    };
    return "func" + list("param", type.params) + list("result", type.results);
}

std::string TypeText::field(const FieldType& type) const {
    return type.is_mutable ? "(mut " + value(type.storage) + ")" : value(type.storage);
}

std::string TypeText::definition(TypeId id) const {
    const SubType& type = registry_[id];
    std::string composite;
    switch (type.kind) {
    case CompositeKind::func:
        composite = func(type.func);
        break;
    case CompositeKind::array:
        composite = "array " + field(type.fields[0]);
        break;
    case CompositeKind::struct_:
        composite = "struct";
        for (const FieldType& each : type.fields)
            composite += " (field " + field(each) + ")";
        break;
    }
    composite = "(" + composite + ")";
    if (type.descriptor != SubType::no_type)
        composite.insert(0, "(descriptor " + index(type.descriptor) + ") ");
    if (type.described != SubType::no_type)
        composite.insert(0, "(describes " + index(type.described) + ") ");
    const bool has_supertype = type.supertype != SubType::no_supertype;
    if (type.is_final && !has_supertype)
        return composite;
    return std::string("(sub ") + (type.is_final ? "final " : "") +
           (has_supertype ? index(type.supertype) + " " : "") + composite + ")";
}

std::string TypeText::limits(const Limits& limits) const {
    return (limits.is_64 ? "i64 " : "") + std::to_string(limits.min) +
           (limits.has_max ? " " + std::to_string(limits.max) : "");
}

std::string TypeText::table(const TableType& type) const {
    return "table " + limits(type.limits) + " " + value(type.element);
}

std::string TypeText::memory(const MemoryType& type) const {
    std::string text = "memory " + limits(type.limits) + (type.shared ? " shared" : "");
    if (type.page_size_log2 != 16)
        text += " (pagesize " + std::to_string(uint64_t{1} << type.page_size_log2) + ")";
    return text;
}

std::string TypeText::global(const GlobalType& type) const {
    return "global " + (type.is_mutable ? "(mut " + value(type.content) + ")" : value(type.content));
}

std::string TypeText::tag(const TagType& type) const {
    return "tag" + func(registry_.func(type.type)).substr(std::string_view{"func"}.size());
}

std::string TypeText::external(const ExternType& type) const {
    switch (type.kind) {
    case ExternKind::func:
        return type.exact ? "(exact " + func(registry_.func(type.func)) + ")"
                          : func(registry_.func(type.func));
    case ExternKind::table:
        return table(type.table);
    case ExternKind::memory:
        return memory(type.memory);
    case ExternKind::global:
        return global(type.global);
    case ExternKind::tag:
        return tag(type.tag);
    }
    return "?";
}

const char* name_of(ExternKind kind) noexcept {
    switch (kind) {
    case ExternKind::func:
        return "func";
    case ExternKind::table:
        return "table";
    case ExternKind::memory:
        return "memory";
    case ExternKind::global:
        return "global";
    case ExternKind::tag:
        return "tag";
    }
    return "?";
}

} // namespace warpbeam::cli
