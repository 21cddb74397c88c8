#pragma once

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/text/cursor.hpp>

namespace warpbeam::spectest {

/// Reads the commands of a script, from the same tokens as the module parser.
class ScriptParser : private text::Cursor {
public:
    ScriptParser(std::string_view text, text::Fault& fault) noexcept : Cursor{text, fault} { lenient = true; }

    Script parse();

private:
    uint32_t line_of(size_t offset);
    Script commands();
    Thread thread();
    decltype(Command::body) command();
    decltype(Command::body) assertion(std::string_view keyword);
    decltype(Command::body) module_or_instantiation();
    [[nodiscard]] bool ahead_is_instance() const;
    ModuleSource module();
    Action action();
    std::string decode(std::string_view token);
    std::string string();
    std::string id();
    std::string optional_id();

    // parse_pattern.cpp
    Pattern pattern();
    Pattern::Lane number(unsigned bits, bool floating);
    void vector(Pattern& pattern);
    void reference(std::string_view keyword, Pattern& pattern);

    bool in_thread_ = false;
    uint32_t line_ = 1;
    size_t counted_ = 0;
};

} // namespace warpbeam::spectest
