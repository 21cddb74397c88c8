#include "external.hpp"

#include <bit>
#include <cmath>

namespace warpbeam::serve::external {

namespace {

constexpr std::string_view node = "warpbeam@serve";
constexpr size_t handle_words = 3;

Tag tag_of(Bytes bytes) noexcept { return static_cast<Tag>(bytes[0]); }

/// A fixed number of bytes at `begin`, if they are there.
std::optional<size_t> past(Bytes bytes, size_t begin, uint64_t size) noexcept {
    if (begin > bytes.size() || size > bytes.size() - begin)
        return std::nullopt;
    return begin + static_cast<size_t>(size);
}

/// A count in a term whose size is known, so that there is as much as it says.
size_t count_at(Bytes term, size_t offset, size_t size) noexcept {
    return static_cast<size_t>(number_at(term, offset, size));
}

/// What is behind a count of `width` bytes at `begin` and as many bytes as it says and `more`.
std::optional<size_t> past_counted(Bytes bytes, size_t begin, size_t width, size_t more = 0) noexcept {
    if (!past(bytes, begin, width))
        return std::nullopt;
    return past(bytes, begin + width, number_at(bytes, begin, width) + more);
}

std::optional<size_t> past_atom(Bytes bytes, size_t begin) noexcept {
    if (begin >= bytes.size())
        return std::nullopt;
    switch (tag_of(bytes.subspan(begin))) {
    case Tag::small_atom:
    case Tag::small_atom_utf8:
        return past_counted(bytes, begin + 1, 1);
    case Tag::atom:
    case Tag::atom_utf8:
        return past_counted(bytes, begin + 1, 2);
    default:
        return std::nullopt;
    }
}

/// An atom and then `more` bytes.
std::optional<size_t> past_node(Bytes bytes, size_t begin, size_t more) noexcept {
    const auto end = past_atom(bytes, begin);
    return end ? past(bytes, *end, more) : std::nullopt;
}

std::optional<size_t> past_reference(Bytes bytes, size_t begin, size_t creation) noexcept {
    constexpr size_t max_words = 5;
    if (!past(bytes, begin, 2) || number_at(bytes, begin, 2) > max_words)
        return std::nullopt;
    return past_node(bytes, begin + 2, creation + 4 * count_at(bytes, begin, 2));
}

/// The end of one term but for its elements, whose number is added to `elements`.
std::optional<size_t> past_one(Bytes bytes, size_t begin, uint64_t& elements) noexcept {
    const auto count = [&](size_t width, uint64_t each, uint64_t more) -> std::optional<size_t> {
        const auto end = past(bytes, begin + 1, width);
        if (end)
            elements += number_at(bytes, begin + 1, width) * each + more;
        return end;
    };
    const size_t after = begin + 1;
    switch (tag_of(bytes.subspan(begin))) {
    case Tag::nil:
        return after;
    case Tag::small_integer:
        return past(bytes, after, 1);
    case Tag::integer:
        return past(bytes, after, 4);
    case Tag::float_:
        return past(bytes, after, 8);
    case Tag::small_atom:
    case Tag::small_atom_utf8:
    case Tag::atom:
    case Tag::atom_utf8:
        return past_atom(bytes, begin);
    case Tag::string:
        return past_counted(bytes, after, 2);
    case Tag::binary:
        return past_counted(bytes, after, 4);
    case Tag::bit_binary:
        return past_counted(bytes, after, 4, 1);
    case Tag::small_big:
        return past_counted(bytes, after, 1, 1);
    case Tag::large_big:
        return past_counted(bytes, after, 4, 1);
    case Tag::small_tuple:
        return count(1, 1, 0);
    case Tag::large_tuple:
        return count(4, 1, 0);
    case Tag::list:
        return count(4, 1, 1);
    case Tag::map:
        return count(4, 2, 0);
    case Tag::export_:
        elements += 3;
        return after;
    case Tag::new_fun: {
        constexpr size_t width = 4; // of the size, which counts itself
        if (!past(bytes, after, width) || number_at(bytes, after, width) < width)
            return std::nullopt;
        return past(bytes, after, number_at(bytes, after, width));
    }
    case Tag::pid:
        return past_node(bytes, after, 4 + 4 + 1);
    case Tag::new_pid:
        return past_node(bytes, after, 4 + 4 + 4);
    case Tag::port:
        return past_node(bytes, after, 4 + 1);
    case Tag::new_port:
        return past_node(bytes, after, 4 + 4);
    case Tag::v4_port:
        return past_node(bytes, after, 8 + 4);
    case Tag::new_reference:
        return past_reference(bytes, after, 1);
    case Tag::newer_reference:
        return past_reference(bytes, after, 4);
    }
    return std::nullopt;
}

} // namespace

uint64_t number_at(Bytes bytes, size_t offset, size_t size) noexcept {
    uint64_t number = 0;
    for (size_t i = 0; i != size; ++i)
        number = number << 8 | bytes[offset + i];
    return number;
}

std::optional<size_t> size_of(Bytes bytes) noexcept {
    size_t at = 0;
    // Elements follow after what has them, so that counting those to come is enough, at any depth.
    for (uint64_t to_come = 1; to_come != 0;) {
        if (to_come > bytes.size() - at) // each has a byte at least
            return std::nullopt;
        --to_come;
        const auto end = past_one(bytes, at, to_come);
        if (!end)
            return std::nullopt;
        at = *end;
    }
    return at;
}

std::optional<Integer> integer(Bytes term) noexcept {
    switch (tag_of(term)) {
    case Tag::small_integer:
        return Integer{false, term[1]};
    case Tag::integer: {
        const auto value = static_cast<int32_t>(static_cast<uint32_t>(number_at(term, 1, 4)));
        return Integer{value < 0, static_cast<uint64_t>(int64_t{value})};
    }
    case Tag::small_big: {
        uint64_t magnitude = 0; // little-endian
        for (size_t i = term[1]; i-- != 0;) {
            if (magnitude >> 56 != 0)
                return std::nullopt;
            magnitude = magnitude << 8 | term[3 + i];
        }
        const bool is_negative = term[2] != 0 && magnitude != 0;
        if (is_negative && magnitude > uint64_t{1} << 63)
            return std::nullopt;
        return Integer{is_negative, is_negative ? ~magnitude + 1 : magnitude};
    }
    default:
        return std::nullopt;
    }
}

std::optional<double> number(Bytes term) noexcept {
    if (tag_of(term) != Tag::float_)
        return std::nullopt;
    const auto value = std::bit_cast<double>(number_at(term, 1, 8));
    return std::isfinite(value) ? std::optional{value} : std::nullopt;
}

std::optional<std::string_view> atom(Bytes term) noexcept {
    const size_t width = tag_of(term) == Tag::small_atom || tag_of(term) == Tag::small_atom_utf8 ? 1
                         : tag_of(term) == Tag::atom || tag_of(term) == Tag::atom_utf8           ? 2
                                                                                                 : 0;
    if (width == 0)
        return std::nullopt;
    return std::string_view{reinterpret_cast<const char*>(term.data()) + 1 + width, term.size() - 1 - width};
}

std::optional<Bytes> binary(Bytes term) noexcept {
    return tag_of(term) == Tag::binary ? std::optional{term.subspan(1 + 4)} : std::nullopt;
}

std::optional<Elements> tuple(Bytes term) noexcept {
    if (tag_of(term) == Tag::small_tuple)
        return Elements{count_at(term, 1, 1), 1 + 1};
    if (tag_of(term) == Tag::large_tuple)
        return Elements{count_at(term, 1, 4), 1 + 4};
    return std::nullopt;
}

std::optional<Elements> list(Bytes term) noexcept {
    if (tag_of(term) == Tag::nil)
        return Elements{0, 0}; // it is its own tail
    return tag_of(term) == Tag::list ? std::optional{Elements{count_at(term, 1, 4), 1 + 4}} : std::nullopt;
}

std::optional<Elements> map(Bytes term) noexcept {
    return tag_of(term) == Tag::map ? std::optional{Elements{2 * count_at(term, 1, 4), 1 + 4}} : std::nullopt;
}

bool flatten(Bytes term, std::vector<uint8_t>& to) {
    // For each list around: how many elements it has left; its tail counts, and may be no number.
    std::vector<uint64_t> left;
    size_t at = 0;
    do {
        const Bytes rest = term.subspan(at);
        const bool may_be_number = !left.empty() && left.back() > 1;
        if (!left.empty() && --left.back() == 0)
            left.pop_back();
        switch (tag_of(rest)) {
        case Tag::nil:
            at += 1;
            break;
        case Tag::small_integer:
        case Tag::integer: {
            const size_t size = tag_of(rest) == Tag::integer ? 4 : 1;
            const uint64_t byte = number_at(rest, 1, size);
            if (!may_be_number || byte > UINT8_MAX)
                return false;
            to.push_back(static_cast<uint8_t>(byte));
            at += 1 + size;
            break;
        }
        case Tag::string: {
            const auto bytes = rest.subspan(3, count_at(rest, 1, 2));
            to.insert(to.end(), bytes.begin(), bytes.end());
            at += 3 + bytes.size();
            break;
        }
        case Tag::binary: {
            const auto bytes = rest.subspan(5, count_at(rest, 1, 4));
            to.insert(to.end(), bytes.begin(), bytes.end());
            at += 5 + bytes.size();
            break;
        }
        case Tag::list:
            left.push_back(number_at(rest, 1, 4) + 1);
            at += 5;
            break;
        default:
            return false;
        }
    } while (!left.empty());
    return true;
}

std::optional<uint64_t> handle(Bytes term, uint32_t creation) noexcept {
    if (tag_of(term) != Tag::newer_reference || number_at(term, 1, 2) != handle_words)
        return std::nullopt;
    const size_t end = *past_atom(term, 3);
    if (atom(term.subspan(3, end - 3)) != node || number_at(term, end, 4) != creation ||
        number_at(term, end + 4, 4) != 0)
        return std::nullopt;
    return number_at(term, end + 8, 8);
}

// ---- Writing ----

void write(Buffer& to, uint64_t number, size_t size) {
    for (size_t i = size; i-- != 0;)
        to.push_back(static_cast<uint8_t>(number >> 8 * i));
}

void write_tag(Buffer& to, Tag tag) { to.push_back(static_cast<uint8_t>(tag)); }

void write_header(Buffer& to, Tag tag, uint32_t count) {
    write_tag(to, tag);
    write(to, count, 4);
}

void write_integer(Buffer& to, bool is_negative, uint64_t bits) {
    const auto value = static_cast<int64_t>(bits);
    if (is_negative ? value >= INT32_MIN : bits <= INT32_MAX) {
        const bool is_byte = !is_negative && bits <= UINT8_MAX;
        write_tag(to, is_byte ? Tag::small_integer : Tag::integer);
        return write(to, static_cast<uint32_t>(bits), is_byte ? 1 : 4);
    }
    const uint64_t magnitude = is_negative ? ~bits + 1 : bits;
    const auto size = static_cast<size_t>(std::bit_width(magnitude) + 7) / 8;
    write_tag(to, Tag::small_big);
    to.push_back(static_cast<uint8_t>(size));
    to.push_back(is_negative ? 1 : 0);
    for (size_t i = 0; i != size; ++i)
        to.push_back(static_cast<uint8_t>(magnitude >> 8 * i));
}

void write_float(Buffer& to, double value) {
    write_tag(to, Tag::float_);
    write(to, std::bit_cast<uint64_t>(value), 8);
}

void write_atom(Buffer& to, std::string_view text) {
    write_tag(to, Tag::small_atom_utf8);
    write(to, text.size(), 1);
    to.insert(to.end(), text.begin(), text.end());
}

void write_tuple_header(Buffer& to, uint32_t arity) {
    if (arity > UINT8_MAX)
        return write_header(to, Tag::large_tuple, arity);
    write_tag(to, Tag::small_tuple);
    write(to, arity, 1);
}

void write_handle(Buffer& to, uint32_t creation, uint64_t number) {
    write_tag(to, Tag::newer_reference);
    write(to, handle_words, 2);
    write_atom(to, node);
    write(to, creation, 4);
    write(to, 0, 4); // the runtime system keeps only some bits of the first word
    write(to, number, 8);
}

} // namespace warpbeam::serve::external
