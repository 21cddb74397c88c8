#include "demangle/itanium_printer.hpp"

#include <utility>

namespace warpbeam::demangling {
namespace {

constexpr uint32_t max_depth = 400;
const Node nothing{};

} // namespace

const Node& ItaniumPrinter::resolve(const Node& node) noexcept {
    const Node* at = &node;
    // A parameter may stand for something that contains it, so that this, and what calls it in a loop, would
    // not end: these are steps, too.
    for (; steps_ != 0; --steps_) {
        if (at->kind == Kind::forward && at->a != nullptr) {
            at = at->a;
        } else if (at->kind == Kind::pack) {
            // The first pack in an expansion says how often that is repeated.
            if (pack_size_ == unset) {
                pack_size_ = static_cast<uint32_t>(at->list.size());
                pack_index_ = 0;
            }
            if (pack_index_ >= at->list.size())
                return nothing;
            at = at->list[pack_index_];
        } else {
            return *at;
        }
    }
    return nothing;
}

bool ItaniumPrinter::is_array(const Node& node) noexcept {
    const Node* at = &resolve(node);
    while (at->kind == Kind::qualified)
        at = &resolve(*at->a);
    return at->kind == Kind::array;
}

bool ItaniumPrinter::surrounds(const Node& node) noexcept {
    const Node* at = &resolve(node);
    while (at->kind == Kind::qualified)
        at = &resolve(*at->a);
    return at->kind == Kind::array || at->kind == Kind::function;
}

bool ItaniumPrinter::has_right(const Node& node) noexcept {
    const Node* at = &resolve(node);
    for (;;) {
        switch (at->kind) {
        case Kind::array:
        case Kind::function:
        case Kind::encoding:
            return true;
        case Kind::pointer:
        case Kind::lvalue_ref:
        case Kind::rvalue_ref:
        case Kind::qualified:
            at = &resolve(*at->a);
            break;
        case Kind::member_pointer:
            at = &resolve(*at->b);
            break;
        default:
            return false;
        }
    }
}

ItaniumPrinter::Reference ItaniumPrinter::collapse(const Node& node) noexcept {
    bool is_lvalue = node.kind == Kind::lvalue_ref;
    const Node* target = &resolve(*node.a);
    while (target->kind == Kind::lvalue_ref || target->kind == Kind::rvalue_ref) {
        is_lvalue |= target->kind == Kind::lvalue_ref;
        target = &resolve(*target->a);
    }
    return {target, is_lvalue};
}

void ItaniumPrinter::qualifiers(uint8_t bits) noexcept {
    if ((bits & const_bit) != 0)
        out_.add(" const");
    if ((bits & volatile_bit) != 0)
        out_.add(" volatile");
    if ((bits & restrict_bit) != 0)
        out_.add(" restrict");
    if ((bits & lvalue_bit) != 0)
        out_.add(" &");
    if ((bits & rvalue_bit) != 0)
        out_.add(" &&");
}

void ItaniumPrinter::comma_list(Node::List list) noexcept {
    bool is_first = true;
    for (const Node* const each : list) {
        const size_t before = out_.size();
        if (!is_first)
            out_.add(", ");
        const size_t start = out_.size();
        print(*each);
        if (out_.size() == start)
            out_.truncate(before);
        else
            is_first = false;
        if (!good())
            return;
    }
}

void ItaniumPrinter::args(Node::List list) noexcept {
    if (out_.back() == '<') // as in operator<
        out_.add(' ');
    out_.add('<');
    comma_list(list);
    out_.add('>');
}

void ItaniumPrinter::expansion(const Node& node) noexcept {
    const uint32_t index = std::exchange(pack_index_, unset);
    const uint32_t size = std::exchange(pack_size_, unset);
    const size_t start = out_.size();
    print(*node.a);
    if (pack_size_ == unset) // there is no pack in it
        out_.add("...");
    else if (pack_size_ == 0)
        out_.truncate(start);
    else
        for (uint32_t i = 1; i < pack_size_ && good(); ++i) {
            out_.add(", ");
            pack_index_ = i;
            print(*node.a);
        }
    pack_index_ = index;
    pack_size_ = size;
}

void ItaniumPrinter::last_name(const Node& node) noexcept {
    const Node* at = &node;
    for (;;) {
        if (at->kind == Kind::nested || at->kind == Kind::standard)
            at = at->b;
        else if (at->kind == Kind::with_args || at->kind == Kind::tagged)
            at = at->a;
        else
            return print(*at);
    }
}

void ItaniumPrinter::open_pointer(const Node& target) noexcept {
    left(target);
    if (is_array(target))
        out_.add(' ');
    if (surrounds(target))
        out_.add('(');
}

void ItaniumPrinter::left(const Node& node) noexcept {
    if (steps_ == 0 || !out_.good())
        return;
    --steps_;
    if (depth_ == max_depth) {
        steps_ = 0;
        return;
    }
    ++depth_;
    switch (node.kind) {
    case Kind::text:
    case Kind::standard:
        out_.add(node.text);
        break;
    case Kind::nested:
        print(*node.a);
        out_.add("::");
        print(*node.b);
        break;
    case Kind::with_args:
        print(*node.a);
        args(node.list);
        break;
    case Kind::tagged:
        print(*node.a);
        out_.add("[abi:").add(node.text).add("]");
        break;
    case Kind::arg_pack:
    case Kind::comma_list:
        comma_list(node.list);
        break;
    case Kind::pack:
    case Kind::forward:
        left(resolve(node));
        break;
    case Kind::expansion:
        expansion(node);
        break;
    case Kind::encoding:
        if (node.b != nullptr) {
            left(*node.b);
            if (!has_right(*node.b))
                out_.add(' ');
        }
        print(*node.a);
        break;
    case Kind::function:
        left(*node.b);
        out_.add(' ');
        break;
    case Kind::pointer:
        open_pointer(*node.a);
        out_.add('*');
        break;
    case Kind::lvalue_ref:
    case Kind::rvalue_ref: {
        const Reference reference = collapse(node);
        open_pointer(*reference.target);
        out_.add(reference.is_lvalue ? "&" : "&&");
        break;
    }
    case Kind::member_pointer:
        left(*node.b);
        out_.add(surrounds(*node.b) ? "(" : " ");
        print(*node.a);
        out_.add("::*");
        break;
    case Kind::array:
        left(*node.a);
        break;
    case Kind::qualified:
        left(*node.a);
        qualifiers(node.qualifiers);
        break;
    case Kind::followed:
        print(*node.a);
        out_.add(node.text);
        break;
    case Kind::constructor:
        last_name(*node.a);
        break;
    case Kind::destructor:
        out_.add('~');
        last_name(*node.a);
        break;
    case Kind::conversion:
        out_.add("operator ");
        print(*node.a);
        break;
    case Kind::lambda:
        out_.add("'lambda").add(node.text).add("'(");
        comma_list(node.list);
        out_.add(')');
        break;
    case Kind::sequence:
    case Kind::compound:
        for (const Node* const part : node.list) {
            const bool in_parentheses = node.kind == Kind::compound && part->kind == Kind::compound;
            if (in_parentheses)
                out_.add('(');
            print(*part);
            if (in_parentheses)
                out_.add(')');
        }
        break;
    }
    --depth_;
}

void ItaniumPrinter::right(const Node& node) noexcept {
    if (steps_ == 0 || !out_.good())
        return;
    --steps_;
    if (depth_ == max_depth) {
        steps_ = 0;
        return;
    }
    ++depth_;
    switch (node.kind) {
    case Kind::pack:
    case Kind::forward:
        right(resolve(node));
        break;
    case Kind::encoding:
    case Kind::function:
        out_.add('(');
        comma_list(node.list);
        out_.add(')');
        if (node.b != nullptr)
            right(*node.b);
        qualifiers(node.qualifiers);
        if (node.kind == Kind::function)
            print(*node.a);
        break;
    case Kind::pointer:
        if (surrounds(*node.a))
            out_.add(')');
        right(*node.a);
        break;
    case Kind::lvalue_ref:
    case Kind::rvalue_ref: {
        const Reference reference = collapse(node);
        if (surrounds(*reference.target))
            out_.add(')');
        right(*reference.target);
        break;
    }
    case Kind::member_pointer:
        if (surrounds(*node.b))
            out_.add(')');
        right(*node.b);
        break;
    case Kind::array:
        if (out_.back() != ']')
            out_.add(' ');
        out_.add('[');
        if (node.b != nullptr)
            print(*node.b);
        out_.add(']');
        right(*node.a);
        break;
    case Kind::qualified:
        right(*node.a);
        break;
    default:
        break;
    }
    --depth_;
}

} // namespace warpbeam::demangling
