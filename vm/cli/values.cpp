#include "values.hpp"

#include "command.hpp"

#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/text/number.hpp>

#include <bit>
#include <cstring>
#include <optional>

namespace warpbeam::cli {

namespace {

using text::NumberKind;

std::optional<uint64_t> parse_bits(std::string_view word, unsigned bits) {
    const NumberKind kind = text::classify_number(word);
    if (kind != NumberKind::natural && kind != NumberKind::integer)
        return std::nullopt;
    return text::parse_integer(word, bits);
}

std::optional<Value> parse_lanes(std::string_view words) {
    uint32_t lanes[4];
    for (uint32_t& lane : lanes) {
        const size_t comma = words.find(',');
        const auto bits = parse_bits(words.substr(0, comma), 32);
        const bool is_last = comma == std::string_view::npos;
        if (!bits || is_last != (&lane == &lanes[3]))
            return std::nullopt;
        lane = static_cast<uint32_t>(*bits);
        words.remove_prefix(is_last ? words.size() : comma + 1);
    }
    V128 vector;
    for (size_t i = 0; i < vector.bytes.size(); ++i)
        vector.bytes[i] = static_cast<uint8_t>(lanes[i / 4] >> i % 4 * 8);
    return Value{vector};
}

std::optional<Value> parse(std::string_view word, ValType type) {
    switch (type.kind()) {
    case ValType::i32:
        if (const auto bits = parse_bits(word, 32))
            return Value{static_cast<uint32_t>(*bits)};
        return std::nullopt;
    case ValType::i64:
        if (const auto bits = parse_bits(word, 64))
            return Value{*bits};
        return std::nullopt;
    case ValType::f32:
        if (text::classify_number(word) != NumberKind::none)
            if (const auto bits = text::parse_f32(word))
                return Value{std::bit_cast<float>(*bits)};
        return std::nullopt;
    case ValType::f64:
        if (text::classify_number(word) != NumberKind::none)
            if (const auto bits = text::parse_f64(word))
                return Value{std::bit_cast<double>(*bits)};
        return std::nullopt;
    case ValType::v128:
        return parse_lanes(word);
    case ValType::ref:
        if (word == "null" && type.nullable())
            return Value::null(type.heap());
        if (type.heap() == HeapType::extern_)
            if (const auto bits = parse_bits(word, 32))
                return Value{ExternRef::host(*bits)};
        return std::nullopt;
    default:
        return std::nullopt;
    }
}

std::string expectation(ValType type) {
    if (type.is_vec())
        return "a v128 (four i32 lanes, such as 1,2,3,4)";
    if (const PlainType* const number = row_of(type.kind()))
        return "an " + std::string(number->keyword);
    if (type.heap() == HeapType::extern_)
        return type.nullable() ? "an externref (null or a number)" : "an externref (a number)";
    return type.nullable() ? "a reference (only null can be written)"
                           : "a non-null reference, which can't be written";
}

} // namespace

Value parse_value(std::string_view text, ValType type) {
    if (const auto value = parse(text, type))
        return *value;
    throw UsageError("'" + std::string(text) + "' is not " + expectation(type));
}

std::string print_value(const Value& value) {
    char buffer[40];
    switch (value.type().kind()) {
    case ValType::i32:
        return std::to_string(value.as<int32_t>());
    case ValType::i64:
        return std::to_string(value.as<int64_t>());
    case ValType::f32:
        return std::string(text::print_f32(std::bit_cast<uint32_t>(value.as<float>()), buffer));
    case ValType::f64:
        return std::string(text::print_f64(std::bit_cast<uint64_t>(value.as<double>()), buffer));
    case ValType::v128: {
        std::string text;
        for (size_t i = 0; i < 4; ++i) {
            const uint64_t half = value.slots()[i / 2];
            const auto lane = static_cast<int32_t>(i % 2 == 0 ? half : half >> 32);
            text += (text.empty() ? "" : ",") + std::to_string(lane);
        }
        return text;
    }
    default:
        break;
    }
    if (value.is_null())
        return "null";
    if (const auto reference = value.get<ExternRef>(); reference && reference->is_host())
        return std::to_string(reference->payload());
    if (value.is_i31())
        return "i31 " + std::to_string(value.i31_bits());
    return value.is<Func>() ? "func" : "reference";
}

} // namespace warpbeam::cli
