#include "trap/type_text.hpp"

#include <warpbeam/loader/type_printer.hpp>

namespace warpbeam {
namespace {

// Types may refer to themselves and be as long as a module, so the text must be limited.
constexpr int max_depth = 2;
constexpr size_t max_length = 400;

class Writer final : public TypePrinter {
public:
    Writer(Text& text, const TypeRegistry& types) noexcept
        : text_{text}, types_{types}, end_{text.view().size() + max_length} {}

private:
    void add(std::string_view words) noexcept override { text_.add(words); }
    void defined(TypeId id) noexcept override {
        if (!types_.contains(id))
            return add("(a type of another engine)");
        if (depth_ == max_depth)
            return add("...");
        ++depth_;
        add("(");
        composite(types_[id]);
        add(")");
        --depth_;
    }
    bool full() noexcept override { return text_.view().size() >= end_; }

    Text& text_;
    const TypeRegistry& types_;
    size_t end_;
    int depth_ = 0;
};

} // namespace

void add_type(Text& text, ValType type, const TypeRegistry& types) noexcept {
    Writer{text, types}.value(type);
}
void add_type(Text& text, const FuncType& type, const TypeRegistry& types) noexcept {
    Writer{text, types}.func(type);
}
void add_type(Text& text, const ExternType& type, const TypeRegistry& types) noexcept {
    // The functions that are found are always exact, so messages leave that out.
    if (type.kind == ExternKind::func && !types.contains(type.func)) {
        text.add("func (a type of another engine)");
        return;
    }
    ExternType inexact = type;
    inexact.exact = false;
    Writer{text, types}.external(inexact, types);
}

} // namespace warpbeam
