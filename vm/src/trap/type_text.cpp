#include "trap/type_text.hpp"

#include <cinttypes>

namespace warpbeam {
namespace {

// Types may refer to themselves, and be as long as a module: the spelling has to end.
constexpr int deepest = 2;
constexpr size_t longest = 400;

class Writer {
public:
    Writer(Text& text, const TypeRegistry& types) noexcept
        : text_{text}, types_{types}, end_{text.view().size() + longest} {}

    void add(ValType type, int depth) noexcept;
    void add(HeapType heap, int depth) noexcept;
    void add(const FuncType& type, int depth) noexcept;
    void add(const SubType& type, int depth) noexcept;
    void add(const Limits& limits) noexcept;
    void add(const ExternType& type) noexcept;

private:
    void add_list(const char* keyword, std::span<const ValType> types, int depth) noexcept;
    /// Whether the text is long enough; then it says so.
    bool full() noexcept;

    Text& text_;
    const TypeRegistry& types_;
    size_t end_;
};

std::string_view name_of_abstract(HeapType heap) noexcept {
    switch (heap.code()) {
    case HeapType::func:
        return "func";
    case HeapType::nofunc:
        return "nofunc";
    case HeapType::extern_:
        return "extern";
    case HeapType::noextern:
        return "noextern";
    case HeapType::any:
        return "any";
    case HeapType::eq:
        return "eq";
    case HeapType::i31:
        return "i31";
    case HeapType::struct_:
        return "struct";
    case HeapType::array:
        return "array";
    case HeapType::none:
        return "none";
    case HeapType::exn:
        return "exn";
    case HeapType::noexn:
        return "noexn";
    default:
        return "bot";
    }
}

bool Writer::full() noexcept {
    if (text_.view().size() < end_)
        return false;
    text_.add("...");
    return true;
}

void Writer::add(HeapType heap, int depth) noexcept {
    if (!heap.is_defined()) {
        text_.add(name_of_abstract(heap));
    } else if (depth == deepest) {
        text_.add("...");
    } else {
        text_.add(heap.is_exact() ? "(exact (" : "(");
        add(types_[heap.id()], depth + 1);
        text_.add(heap.is_exact() ? "))" : ")");
    }
}

void Writer::add(ValType type, int depth) noexcept {
    switch (type.kind()) {
    case ValType::i32:
        text_.add("i32");
        return;
    case ValType::i64:
        text_.add("i64");
        return;
    case ValType::f32:
        text_.add("f32");
        return;
    case ValType::f64:
        text_.add("f64");
        return;
    case ValType::v128:
        text_.add("v128");
        return;
    case ValType::i8:
        text_.add("i8");
        return;
    case ValType::i16:
        text_.add("i16");
        return;
    case ValType::bot:
        text_.add("bot");
        return;
    case ValType::ref:
        break;
    }
    if (type == funcref) {
        text_.add("funcref");
    } else if (type == externref) {
        text_.add("externref");
    } else {
        text_.add(type.nullable() ? "(ref null " : "(ref ");
        add(type.heap(), depth);
        text_.add(")");
    }
}

void Writer::add_list(const char* keyword, std::span<const ValType> types, int depth) noexcept {
    if (types.empty())
        return;
    text_.print(" (%s", keyword);
    for (const ValType type : types) {
        text_.add(" ");
        if (full())
            break;
        add(type, depth);
    }
    text_.add(")");
}

void Writer::add(const FuncType& type, int depth) noexcept {
    text_.add("func");
    add_list("param", type.params, depth);
    add_list("result", type.results, depth);
}

void Writer::add(const SubType& type, int depth) noexcept {
    if (type.kind == CompositeKind::func) {
        add(type.func, depth);
        return;
    }
    const bool array = type.kind == CompositeKind::array;
    text_.add(array ? "array" : "struct");
    for (const FieldType& field : type.fields) {
        text_.add(array ? " " : " (field ");
        if (full())
            return;
        text_.add(field.is_mutable ? "(mut " : "");
        add(field.storage, depth);
        text_.add(field.is_mutable ? ")" : "");
        text_.add(array ? "" : ")");
    }
}

void Writer::add(const Limits& limits) noexcept {
    text_.print("%s%" PRIu64, limits.is_64 ? "i64 " : "", limits.min);
    if (limits.has_max)
        text_.print(" %" PRIu64, limits.max);
}

void Writer::add(const ExternType& type) noexcept {
    switch (type.kind) {
    case ExternKind::func: {
        const SubType& func = types_[type.func];
        if (!func.is_final || func.supertype != SubType::no_supertype)
            text_.add("sub ");
        add(func.func, 0);
        break;
    }
    case ExternKind::table:
        text_.add("table ");
        add(type.table.limits);
        text_.add(" ");
        add(type.table.element, 0);
        break;
    case ExternKind::memory:
        text_.add("memory ");
        add(type.memory.limits);
        text_.add(type.memory.shared ? " shared" : "");
        if (type.memory.page_size_log2 != 16)
            text_.print(" (pagesize %" PRIu64 ")", uint64_t{1} << type.memory.page_size_log2);
        break;
    case ExternKind::global:
        text_.add(type.global.is_mutable ? "global (mut " : "global ");
        add(type.global.content, 0);
        text_.add(type.global.is_mutable ? ")" : "");
        break;
    case ExternKind::tag:
        text_.add("tag");
        add_list("param", types_.func(type.tag.type).params, 0);
        add_list("result", types_.func(type.tag.type).results, 0);
        break;
    }
}

} // namespace

void add_type(Text& text, ValType type, const TypeRegistry& types) noexcept {
    Writer{text, types}.add(type, 0);
}
void add_type(Text& text, const FuncType& type, const TypeRegistry& types) noexcept {
    Writer{text, types}.add(type, 0);
}
void add_type(Text& text, const ExternType& type, const TypeRegistry& types) noexcept {
    Writer{text, types}.add(type);
}

} // namespace warpbeam
