#include "const_text.hpp"

#include <warpbeam/loader/leb128.hpp>

#include <cstdio>
#include <cstring>
#include <optional>

namespace warpbeam::cli {

namespace {

template <typename T>
std::string number(const uint8_t*& at, const uint8_t* end) {
    T value = 0;
    return decode_leb128<T>(at, end, value) == LebFault::none ? std::to_string(value) : "?";
}

template <typename T>
std::string floating(const uint8_t*& at, const uint8_t* end) {
    T value = 0;
    if (static_cast<size_t>(end - at) < sizeof value)
        return "?";
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    char text[64];
    std::snprintf(text, sizeof text, "%a", static_cast<double>(value));
    return text;
}

/// The next instruction; none when it is one of the others.
std::optional<std::string> instruction(const uint8_t*& at, const uint8_t* end) {
    switch (*at++) {
    case 0x23:
        return "global.get " + number<uint32_t>(at, end);
    case 0x41:
        return "i32.const " + number<int32_t>(at, end);
    case 0x42:
        return "i64.const " + number<int64_t>(at, end);
    case 0x43:
        return "f32.const " + floating<float>(at, end);
    case 0x44:
        return "f64.const " + floating<double>(at, end);
    case 0x6a:
        return "i32.add";
    case 0x6b:
        return "i32.sub";
    case 0x6c:
        return "i32.mul";
    case 0x7c:
        return "i64.add";
    case 0x7d:
        return "i64.sub";
    case 0x7e:
        return "i64.mul";
    case 0xd2:
        return "ref.func " + number<uint32_t>(at, end);
    case 0xd0:
        (void)number<int64_t>(at, end);
        return "ref.null";
    case 0xfb:
        if (at != end && *at++ == 0x1c)
            return "ref.i31";
        return std::nullopt;
    default:
        return std::nullopt;
    }
}

} // namespace

std::string const_text(std::span<const uint8_t> code) {
    constexpr uint8_t end_of_expression = 0x0b;
    std::string text;
    const uint8_t* at = code.data();
    const uint8_t* const end = at + code.size();
    while (at != end && *at != end_of_expression) {
        const std::optional<std::string> next = instruction(at, end);
        text += (text.empty() ? "" : " ") + next.value_or("...");
        if (!next)
            break;
    }
    return text;
}

} // namespace warpbeam::cli
