// The first pass over a module: which identifiers its fields bind, and where its types are defined.

#include "module_parser.hpp"

namespace warpbeam::text {
namespace {

std::optional<Space> extern_space(std::string_view keyword) noexcept {
    for (const ExternRow& row : extern_rows)
        if (row.keyword == keyword)
            return row.space;
    return std::nullopt;
}

std::optional<Space> space_of(std::string_view keyword) noexcept {
    return keyword == "elem" ? Space::elem : keyword == "data" ? Space::data : extern_space(keyword);
}

/// By Space.
constexpr const char* space_names[name_space_count] = {"module",       "function",     "local",  "label",
                                                       "type",         "table",        "memory", "global",
                                                       "elem segment", "data segment", "field",  "tag"};

} // namespace

void ModuleParser::declare_fields() noexcept {
    lenient = true;
    while (at(TokenKind::lpar)) {
        if (at_open("type") || at_open("rec")) {
            declare_types();
            continue;
        }
        advance();
        if (accept_keyword("import")) {
            expect(TokenKind::string, "a string");
            expect(TokenKind::string, "a string");
            expect(TokenKind::lpar, "an external type");
            if (const auto space = extern_space(text()))
                declare_definition(*space);
            else
                unexpected("an external type");
            expect_close();
        } else if (at_keyword("export") || at_keyword("start")) {
            skip_to_close();
        } else if (const auto space = space_of(text())) {
            declare_definition(*space);
        } else {
            unexpected("a module field");
        }
    }
    lenient = false;
}

void ModuleParser::declare_types() noexcept {
    if (!type_positions_.push(token().begin))
        return fail_memory();
    const bool group = accept_open("rec");
    while (accept_open("type")) {
        declare(Space::type);
        skip_to_close();
        if (!group)
            return;
    }
    expect_close();
}

/// From the keyword of a definition to its end. Segments inside tables and memories count as well.
void ModuleParser::declare_definition(Space space) noexcept {
    advance();
    declare(space);
    for (size_t depth = 1; depth != 0;) {
        if (at_end())
            return unexpected("\")\"");
        if (depth == 1 && space == Space::table && at_open("elem"))
            ++declared_[static_cast<size_t>(Space::elem)];
        if (depth == 1 && space == Space::memory && at_open("data"))
            ++declared_[static_cast<size_t>(Space::data)];
        depth += at(TokenKind::lpar) ? 1 : 0;
        depth -= at(TokenKind::rpar) ? 1 : 0;
        advance();
    }
}

void ModuleParser::declare(Space space) noexcept {
    const auto i = static_cast<size_t>(space);
    const uint32_t index = declared_[i]++;
    const size_t offset = token().begin;
    if (const Symbol symbol = accept_id(); symbol != no_symbol && !names_.bind(space, 0, symbol, index)) {
        fail_at(offset, "duplicate %s $%s", space_names[i], Shown{names_.text(symbol)}.c_str());
    }
}

uint32_t ModuleParser::index(Space space, uint32_t owner) noexcept {
    if (at(TokenKind::natural))
        return natural_u32();
    if (!at(TokenKind::id)) {
        unexpected("an index");
        return 0;
    }
    const std::optional<uint32_t> found = names_.find(space, owner, names_.intern(text()));
    if (!found) {
        fail("unknown %s %s", space_names[static_cast<size_t>(space)], Shown{text()}.c_str());
    }
    advance();
    return found.value_or(0);
}

} // namespace warpbeam::text
