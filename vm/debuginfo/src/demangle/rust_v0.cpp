#include "demangle/rust_reader.hpp"

#include <algorithm>

namespace warpbeam::demangling {

uint64_t RustReader::decimal() noexcept {
    if (accept('0'))
        return 0;
    uint64_t value = 0;
    const auto end =
        std::from_chars(name_.data() + std::min(at_, name_.size()), name_.data() + name_.size(), value);
    if (end.ec != std::errc{})
        fail();
    at_ = static_cast<size_t>(end.ptr - name_.data());
    return value;
}

uint64_t RustReader::base62() noexcept {
    if (accept('_'))
        return 0;
    uint64_t value = 0;
    while (good() && !accept('_')) {
        const char c = next();
        uint64_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<uint64_t>(c - '0');
        else if (c >= 'a' && c <= 'z')
            digit = static_cast<uint64_t>(c - 'a') + 10;
        else if (c >= 'A' && c <= 'Z')
            digit = static_cast<uint64_t>(c - 'A') + 36;
        else
            fail();
        if (value > (UINT64_MAX - digit) / 62)
            fail();
        value = value * 62 + digit;
    }
    return add_one(value);
}

RustReader::Identifier RustReader::plain_identifier() noexcept {
    Identifier found;
    found.is_punycode = accept('u');
    const uint64_t length = decimal();
    accept('_'); // if a digit or an underscore follows
    if (!good() || length > name_.size() - std::min(at_, name_.size())) {
        fail();
        return found;
    }
    found.text = name_.substr(at_, static_cast<size_t>(length));
    at_ += static_cast<size_t>(length);
    return found;
}

RustReader::Identifier RustReader::identifier() noexcept {
    const uint64_t number = optional_base62('s');
    Identifier found = plain_identifier();
    found.number = number;
    return found;
}

void RustReader::print_name(const Identifier& name) noexcept {
    if (!name.is_punycode)
        return print(name.text);
    if (muted_ || (good_ && punycode(name.text, out_)))
        return;
    // As it is, but marked; the last underscore stands for the hyphen.
    print("punycode{");
    const size_t split = name.text.rfind('_');
    if (split != std::string_view::npos) {
        print(name.text.substr(0, split));
        print("-");
    }
    print(name.text.substr(split == std::string_view::npos ? 0 : split + 1));
    print("}");
}

bool RustReader::read() noexcept {
    if (peek() >= '0' && peek() <= '9')
        return false; // a later version of the encoding
    path(Place::value);
    // The crate for which generic code was made.
    if (good() && peek() >= 'A' && peek() <= 'Z') {
        muted_ = true;
        path(Place::value);
        muted_ = false;
    }
    if (good() && at_ < name_.size()) {
        const std::string_view suffix = name_.substr(at_);
        if (suffix[0] != '.')
            fail();
        else if (!suffix.starts_with(".llvm."))
            print(suffix);
    }
    return good_;
}

void RustReader::impl_path() noexcept {
    const bool around = std::exchange(muted_, true);
    (void)optional_base62('s');
    path(Place::type);
    muted_ = around;
}

void RustReader::nested_path(Place place) noexcept {
    const char space = next();
    if ((space < 'a' || space > 'z') && (space < 'A' || space > 'Z'))
        fail();
    path(place);
    const Identifier name = identifier();
    if (space >= 'a') {
        if (!name.text.empty()) {
            print("::");
            print_name(name);
        }
        return;
    }
    print("::{");
    print(space == 'C' ? "closure" : space == 'S' ? "shim" : std::string_view{&space, 1});
    if (!name.text.empty()) {
        print(":");
        print_name(name);
    }
    print("#");
    print_number(name.number);
    print("}");
}

bool RustReader::path(Place place, bool leave_open) noexcept {
    const Level level{*this};
    if (!good())
        return false;
    bool is_open = false;
    switch (next()) {
    case 'C':
        print_name(identifier());
        break;
    case 'M':
        impl_path();
        print("<");
        type();
        print(">");
        break;
    case 'X':
        impl_path();
        [[fallthrough]];
    case 'Y':
        print("<");
        type();
        print(" as ");
        path(Place::type);
        print(">");
        break;
    case 'N':
        nested_path(place);
        break;
    case 'I':
        path(place);
        if (place == Place::value)
            print("::");
        print("<");
        list([this] { generic_arg(); });
        is_open = leave_open;
        if (!is_open)
            print(">");
        break;
    case 'B':
        back_reference([&] { is_open = path(place, leave_open); });
        break;
    default:
        fail();
        break;
    }
    return is_open;
}

void RustReader::generic_arg() noexcept {
    if (accept('L'))
        lifetime(base62());
    else if (accept('K'))
        constant(true);
    else
        type();
}

void RustReader::lifetime(uint64_t index) noexcept {
    print("'");
    if (index == 0)
        return print("_");
    if (index > bound_lifetimes_)
        return fail();
    const uint64_t depth = bound_lifetimes_ - index;
    if (depth < 26) {
        const char letter = static_cast<char>('a' + depth);
        print({&letter, 1});
    } else {
        print("z");
        print_number(depth - 25);
    }
}

/// Lifetimes that what follows may use.
void RustReader::binder() noexcept {
    const uint64_t count = optional_base62('G');
    if (!good() || count == 0)
        return;
    if (count > 1000)
        return fail();
    print("for<");
    for (uint64_t i = 0; i < count && good(); ++i) {
        if (i > 0)
            print(", ");
        ++bound_lifetimes_;
        lifetime(1);
    }
    print("> ");
}

bool rust_v0(std::string_view name, Output& out) noexcept {
    if (name.starts_with("__R"))
        name.remove_prefix(3);
    else if (name.starts_with("_R"))
        name.remove_prefix(2);
    else
        return false;
    return RustReader{name, out}.read();
}

} // namespace warpbeam::demangling
