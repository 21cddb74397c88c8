#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// JSON (RFC 8259) for the sfv tools: strict, and numbers keep their text, since 1 and 1.0 differ in
/// structured fields.

namespace warpbeam::sfv::json {

struct Value {
    enum class Kind { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    bool boolean = false;
    std::string text; ///< a number as written, or a string without escapes, in UTF-8
    std::vector<Value> array;
    std::vector<std::pair<std::string, Value>> object;

    Value() = default;
    static Value of_boolean(bool boolean);
    static Value of_number(std::string text);
    static Value of_string(std::string text);
    static Value of_array(std::vector<Value> array);

    /// The member of an object; null if there is none, or if this is not an object.
    [[nodiscard]] const Value* find(std::string_view name) const;
    [[nodiscard]] bool is(Kind other) const { return kind == other; }

    friend bool operator==(const Value&, const Value&) = default;
};

/// Text that is not JSON; the message says where.
struct SyntaxError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Reads exactly one value. Throws SyntaxError, also for nesting deeper than 128, lone surrogates and text
/// that is not UTF-8.
[[nodiscard]] Value parse(std::string_view text);

/// On one line.
[[nodiscard]] std::string print(const Value& value);

} // namespace warpbeam::sfv::json
