#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace warpbeam::cli {

/// A JSON string with quotes. Only ASCII is printed as it is, so that no name from a module can control a
/// terminal; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

/// An object that grows field by field.
class JsonObject {
public:
    /// A value that is JSON already.
    JsonObject& raw(std::string_view name, const std::string& value) {
        text_ += (text_.empty() ? "" : ", ") + json_string(name) + ": " + value;
        return *this;
    }
    JsonObject& text(std::string_view name, std::string_view value) { return raw(name, json_string(value)); }
    JsonObject& number(std::string_view name, uint64_t value) { return raw(name, std::to_string(value)); }
    JsonObject& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
    [[nodiscard]] std::string str() const { return "{" + text_ + "}"; }

private:
    std::string text_;
};

/// A list with an entry for each item, on lines of their own; `entry` makes its JSON.
template <typename List, typename Entry>
std::string json_list(const List& items, Entry entry) {
    std::string text;
    for (const auto& item : items)
        text += (text.empty() ? "\n    " : ",\n    ") + entry(item);
    return "[" + text + (text.empty() ? "]" : "\n  ]");
}

} // namespace warpbeam::cli
