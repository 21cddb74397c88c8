#include "parse_script.hpp"

#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/text/number.hpp>

#include <optional>

namespace warpbeam::spectest {
namespace {

std::optional<HeapType> heap_of(std::string_view keyword) {
    for (const AbstractHeap& row : abstract_heaps)
        if (row.keyword == keyword)
            return row.heap;
    return std::nullopt;
}

struct NumberKeyword {
    std::string_view keyword;
    unsigned bits;
    Pattern::Kind kind;
    bool floating;
};
constexpr NumberKeyword number_keywords[] = {
    {"i32.const", 32, Pattern::i32, false},
    {"i64.const", 64, Pattern::i64, false},
    {"f32.const", 32, Pattern::f32, true},
    {"f64.const", 64, Pattern::f64, true},
};

} // namespace

/// An argument or a result.
Pattern ScriptParser::pattern() {
    Pattern pattern;
    expect(text::TokenKind::lpar, "a value");
    const std::string_view keyword = text();
    if (accept_keyword("either")) {
        pattern.kind = Pattern::either;
        // Alternatives do not nest.
        while (at(text::TokenKind::lpar) && !at_open("either"))
            pattern.alternatives.push_back(this->pattern());
        expect_close();
        return pattern;
    }
    for (const NumberKeyword& number_keyword : number_keywords)
        if (accept_keyword(number_keyword.keyword)) {
            pattern.kind = number_keyword.kind;
            pattern.lanes[0] = number(number_keyword.bits, number_keyword.floating);
            expect_close();
            return pattern;
        }
    if (accept_keyword("v128.const"))
        vector(pattern);
    else if (at(text::TokenKind::keyword) && keyword.starts_with("ref"))
        reference(keyword, pattern);
    else
        unexpected("a value");
    expect_close();
    return pattern;
}

Pattern::Lane ScriptParser::number(unsigned bits, bool floating) {
    Pattern::Lane lane;
    if (floating && accept_keyword("nan:canonical")) {
        lane.nan = NanKind::canonical;
        return lane;
    }
    if (floating && accept_keyword("nan:arithmetic")) {
        lane.nan = NanKind::arithmetic;
        return lane;
    }
    const bool integer = at(text::TokenKind::natural) || at(text::TokenKind::integer);
    std::optional<uint64_t> value;
    if (!floating && integer)
        value = text::parse_integer(text(), bits);
    else if (floating && (integer || at(text::TokenKind::floating)))
        value = bits == 32 ? std::optional<uint64_t>{text::parse_f32(text())} : text::parse_f64(text());
    if (!value)
        unexpected("a number that fits");
    lane.bits = value.value_or(0);
    advance();
    return lane;
}

void ScriptParser::vector(Pattern& pattern) {
    struct Shape {
        std::string_view keyword;
        unsigned bits;
        LaneShape shape;
        bool floating;
    };
    static constexpr Shape shapes[] = {
        {"i8x16", 8, LaneShape::i8x16, false},  {"i16x8", 16, LaneShape::i16x8, false},
        {"i32x4", 32, LaneShape::i32x4, false}, {"i64x2", 64, LaneShape::i64x2, false},
        {"f32x4", 32, LaneShape::f32x4, true},  {"f64x2", 64, LaneShape::f64x2, true},
    };
    pattern.kind = Pattern::v128;
    for (const Shape& shape : shapes)
        if (accept_keyword(shape.keyword)) {
            pattern.shape = shape.shape;
            for (unsigned i = 0; i < lane_count(shape.shape); ++i)
                pattern.lanes[i] = number(shape.bits, shape.floating);
            return;
        }
    unexpected("a vector shape");
}

/// `(ref.null heap?)`, `(ref.extern n?)`, `(ref.host n)`, `(ref)` and `(ref.heap)`.
void ScriptParser::reference(std::string_view keyword, Pattern& pattern) {
    advance();
    if (keyword == "ref.null") {
        pattern.kind = Pattern::null;
        if (at(text::TokenKind::keyword)) {
            const std::optional<HeapType> heap = heap_of(text());
            if (!heap)
                unexpected("a heap type");
            pattern.heap_type = heap.value_or(HeapType::bot);
            advance();
        }
    } else if (at(text::TokenKind::natural) && (keyword == "ref.host" || keyword == "ref.extern")) {
        pattern.kind = keyword == "ref.host" ? Pattern::host : Pattern::external;
        pattern.lanes[0] = number(32, false);
    } else {
        const std::optional<HeapType> heap =
            keyword == "ref" ? HeapType::any : heap_of(keyword.substr(std::string_view{"ref."}.size()));
        pattern.kind = Pattern::heap;
        pattern.heap_type = heap.value_or(HeapType::bot);
        if (!heap)
            fail("unknown reference \"%s\"", text::Shown{keyword}.c_str());
    }
}

} // namespace warpbeam::spectest
