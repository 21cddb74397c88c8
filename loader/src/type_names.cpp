#include "type_names.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace warpbeam {
namespace {

constexpr const char* abstract_names[] = {"func",   "nofunc", "extern", "noextern", "any",   "eq", "i31",
                                          "struct", "array",  "none",   "exn",      "noexn", "bot"};
constexpr const char* kind_names[] = {"bot", "i32", "i64", "f32", "f64", "v128", "i8", "i16"};

/// The shorthand for a nullable reference to an abstract type.
constexpr const char* shorthand_of(HeapType heap) noexcept {
    constexpr const char* names[] = {"funcref", "nullfuncref", "externref",     "nullexternref", "anyref",
                                     "eqref",   "i31ref",      "structref",     "arrayref",      "nullref",
                                     "exnref",  "nullexnref",  "(ref null bot)"};
    return names[heap.code() - HeapType::func];
}

} // namespace

void TypeText::print(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    const int written = std::vsnprintf(text_ + length_, sizeof text_ - length_, format, arguments);
    va_end(arguments);
    if (written > 0)
        length_ = std::min(length_ + static_cast<size_t>(written), sizeof text_ - 1);
}

TypeText& TypeText::add(HeapType heap) noexcept {
    if (!heap.is_defined()) {
        print("%s", abstract_names[heap.code() - HeapType::func]);
        return *this;
    }
    const auto found = std::ranges::find(module_->types, heap.id());
    if (found == module_->types.end())
        print("of another module");
    else
        print(heap.is_exact() ? "(exact %u)" : "%u", static_cast<unsigned>(found - module_->types.begin()));
    return *this;
}

TypeText& TypeText::add(ValType type) noexcept {
    if (!type.is_ref()) {
        print("%s", kind_names[type.kind()]);
    } else if (type.nullable() && !type.heap().is_defined()) {
        print("%s", shorthand_of(type.heap()));
    } else {
        print("(ref %s", type.nullable() ? "null " : "");
        add(type.heap());
        print(")");
    }
    return *this;
}

TypeText& TypeText::add(std::span<const ValType> types) noexcept {
    print("[");
    for (size_t i = 0; i < types.size() && length_ + 1 < sizeof text_; ++i) {
        if (i != 0)
            print(" ");
        add(types[i]);
    }
    print("]");
    return *this;
}

} // namespace warpbeam
