#include "parse_script.hpp"

#include <algorithm>
#include <utility>

namespace warpbeam::spectest {
namespace {

constexpr std::string_view module_fields[] = {"type",   "rec", "import", "func",  "table", "memory",
                                              "global", "tag", "export", "start", "elem",  "data"};

} // namespace

Script ScriptParser::parse() {
    Script script;
    if (std::ranges::any_of(module_fields, [&](std::string_view field) { return at_open(field); })) {
        ModuleSource module;
        module.contents = source();
        script.push_back({1, std::move(module)});
        return script;
    }
    script = commands();
    if (!at_end())
        unexpected("a command");
    return script;
}

Script ScriptParser::commands() {
    Script script;
    while (at(text::TokenKind::lpar)) {
        const uint32_t line = line_of(token().begin);
        script.push_back({line, command()});
    }
    return script;
}

Thread ScriptParser::thread() {
    Thread thread{optional_id(), {}, {}};
    while (accept_open("shared")) {
        if (!accept_open("module"))
            unexpected("a module");
        thread.shared.push_back(optional_id());
        expect_close();
        expect_close();
    }
    in_thread_ = true;
    thread.commands = commands();
    in_thread_ = false;
    return thread;
}

/// Lines are requested in order, so counting continues from the last answer.
uint32_t ScriptParser::line_of(size_t offset) {
    line_ += static_cast<uint32_t>(std::ranges::count(source().substr(counted_, offset - counted_), '\n'));
    counted_ = offset;
    return line_;
}

decltype(Command::body) ScriptParser::command() {
    if (at_open("module"))
        return module_or_instantiation();
    if (at_open("invoke") || at_open("get"))
        return action();
    advance();
    const std::string_view keyword = text();
    decltype(Command::body) body;
    if (accept_keyword("register")) {
        Registration registration{.name = string(), .instance = {}};
        registration.instance = optional_id();
        body = std::move(registration);
    } else if (!in_thread_ && accept_keyword("thread")) {
        body = thread();
    } else if (accept_keyword("wait")) {
        body = Wait{optional_id()};
    } else if (at(text::TokenKind::keyword) && keyword.starts_with("assert_")) {
        body = assertion(keyword);
    } else {
        unexpected("a command");
    }
    expect_close();
    return body;
}

decltype(Command::body) ScriptParser::assertion(std::string_view keyword) {
    using Refused = AssertRefused::Kind;
    using Failure = AssertFailure::Kind;
    const size_t offset = advance().begin;
    if (keyword == "assert_return") {
        AssertReturn assertion{action(), {}};
        while (at(text::TokenKind::lpar))
            assertion.results.push_back(pattern());
        return assertion;
    }
    if (keyword == "assert_exception")
        return AssertFailure{Failure::exception, action(), {}};
    if (keyword == "assert_exhaustion" || keyword == "assert_suspension") {
        const Failure kind = keyword == "assert_exhaustion" ? Failure::exhaustion : Failure::suspension;
        Action performed = action();
        return AssertFailure{kind, std::move(performed), string()};
    }
    if (keyword == "assert_trap" && !at_open("module")) {
        Action performed = action();
        return AssertFailure{Failure::trap, std::move(performed), string()};
    }
    if (keyword == "assert_trap" || keyword == "assert_unlinkable") {
        AssertNotInstantiated assertion;
        assertion.kind = keyword == "assert_trap" ? AssertNotInstantiated::Kind::trap
                                                  : AssertNotInstantiated::Kind::unlinkable;
        auto body = module_or_instantiation();
        if (auto* const module = std::get_if<ModuleSource>(&body))
            assertion.module = std::move(*module);
        else
            assertion.module = std::get<Instantiation>(std::move(body));
        assertion.message = string();
        return assertion;
    }
    constexpr std::pair<std::string_view, Refused> refusals[] = {
        {"assert_malformed", Refused::malformed},
        {"assert_invalid", Refused::invalid},
        {"assert_malformed_custom", Refused::malformed_custom},
        {"assert_invalid_custom", Refused::invalid_custom},
    };
    for (const auto& [name, kind] : refusals)
        if (keyword == name) {
            AssertRefused assertion{kind, module(), {}};
            assertion.message = string();
            return assertion;
        }
    fail_at(offset, "unknown command \"%s\"", text::Shown{keyword}.c_str());
    return {};
}

decltype(Command::body) ScriptParser::module_or_instantiation() {
    if (at_open("module") && ahead_is_instance()) {
        advance();
        advance();
        advance();
        Instantiation instantiation;
        instantiation.module = optional_id();
        if (at(text::TokenKind::id))
            instantiation.instance = std::exchange(instantiation.module, id());
        expect_close();
        return instantiation;
    }
    return module();
}

bool ScriptParser::ahead_is_instance() const {
    text::Lexer lexer{source(), ahead().end};
    const text::Token next = lexer.next();
    return next.kind == text::TokenKind::keyword && lexer.text(next) == "instance";
}

ModuleSource ScriptParser::module() {
    ModuleSource module;
    const size_t begin = token().begin;
    module.line = line_of(begin);
    if (!accept_open("module")) {
        unexpected("a module");
        return module;
    }
    module.is_definition = accept_keyword("definition");
    module.name = optional_id();
    if (accept_keyword("binary"))
        module.form = ModuleSource::Form::binary;
    else if (accept_keyword("quote"))
        module.form = ModuleSource::Form::quote;
    if (module.form != ModuleSource::Form::text) {
        while (at(text::TokenKind::string))
            module.contents += string();
        expect_close();
        return module;
    }
    skip_to_close();
    module.contents = source().substr(begin, previous_end() - begin);
    return module;
}

Action ScriptParser::action() {
    Action action;
    action.is_get = at_open("get");
    if (!accept_open("invoke") && !accept_open("get"))
        unexpected("an action");
    action.instance = optional_id();
    action.name = string();
    while (!action.is_get && at(text::TokenKind::lpar))
        action.arguments.push_back(pattern());
    expect_close();
    return action;
}

std::string ScriptParser::decode(std::string_view token) {
    Vec<uint8_t> bytes;
    if (!text::append_decoded(token, bytes)) {
        fail_memory();
        return {};
    }
    return {bytes.begin(), bytes.end()};
}

std::string ScriptParser::string() {
    if (!at(text::TokenKind::string)) {
        unexpected("a string");
        return {};
    }
    std::string decoded = decode(text());
    advance();
    return decoded;
}

std::string ScriptParser::id() {
    std::string decoded = decode(text());
    advance();
    return decoded;
}

std::string ScriptParser::optional_id() { return at(text::TokenKind::id) ? id() : std::string{}; }

std::expected<Script, Error> parse_script(std::string_view text) {
    text::Fault fault{text, 1};
    ScriptParser parser{text, fault};
    Script script = parser.parse();
    if (const Error* const error = fault.error())
        return std::unexpected{*error};
    return script;
}

} // namespace warpbeam::spectest
