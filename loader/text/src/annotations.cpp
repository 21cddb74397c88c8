// The annotations that become custom sections, https://webassembly.github.io/spec/core/appendix/custom.html

#include "custom_place.hpp"
#include "module_parser.hpp"

namespace warpbeam::text {
/// Annotations before a field or the end: custom sections, and before the first field the module's name.
void ModuleParser::field_annotations(bool first) noexcept {
    bool annotated = false;
    while (!failed()) {
        if (std::optional<Cursor> custom = take_annotation("custom")) {
            custom_annotation(*custom);
            continue;
        }
        const Symbol name = first ? name_annotation("module") : no_symbol;
        if (name == no_symbol)
            break;
        if (annotated)
            fail("@name annotation: multiple module names");
        annotated = true;
        module_name_ = name;
    }
    reject_annotation();
}

void ModuleParser::custom_annotation(Cursor& inside) noexcept {
    if (!inside.at(TokenKind::string))
        return inside.fail("@custom annotation: missing section name");
    if (!decodes_to_utf8(inside.text()))
        return inside.fail("@custom annotation: malformed UTF-8 encoding");
    scratch_.clear();
    scratch_.check(append_decoded(inside.text(), scratch_.vec()));
    inside.advance();
    const size_t begin = custom_bytes_.size();
    custom_bytes_.sized(scratch_.view());

    const uint8_t place = inside.accept(TokenKind::lpar) ? custom_place(inside) : last_place;
    append_strings(inside, custom_bytes_);
    if (!inside.at(TokenKind::rpar))
        inside.unexpected("a string or the end of the annotation");
    if (!custom_sections_.push({place, begin, custom_bytes_.size() - begin}))
        fail_memory();
}

/// Called after the parenthesis of `(before section)` or `(after section)`.
uint8_t ModuleParser::custom_place(Cursor& inside) noexcept {
    const bool after = inside.at_keyword("after");
    if (!after && !inside.at_keyword("before")) {
        inside.fail("@custom annotation: malformed placement");
        return last_place;
    }
    inside.advance();
    const std::optional<SectionId> section =
        inside.at(TokenKind::keyword) ? find_section(inside.text()) : std::nullopt;
    if (!section) {
        inside.fail("@custom annotation: malformed section kind");
        return last_place;
    }
    inside.advance();
    inside.expect_close();
    return place_of(*section, after);
}

/// Takes the name that an annotation gives to the definition whose identifier was just read.
Symbol ModuleParser::name_annotation(const char* what) noexcept {
    Symbol name = no_symbol;
    while (std::optional<Cursor> taken = take_annotation("name")) {
        Cursor& inside = *taken;
        if (name != no_symbol)
            inside.fail("@name annotation: multiple %s names", what);
        else if (!inside.at(TokenKind::string))
            inside.fail("@name annotation: string expected");
        else if (!decodes_to_utf8(inside.text()))
            inside.fail("malformed UTF-8 encoding");
        if (failed())
            return no_symbol;
        name = names_.intern(inside.text());
        inside.advance();
        if (!inside.at(TokenKind::rpar))
            inside.fail("@name annotation: unexpected token");
    }
    return name;
}

/// Takes the branch hint before an instruction.
std::optional<uint8_t> ModuleParser::branch_hint() noexcept {
    std::optional<uint8_t> hint;
    while (std::optional<Cursor> taken = take_annotation(hint_section)) {
        Cursor& inside = *taken;
        if (hint)
            inside.fail("@metadata.code.branch_hint annotation: duplicate annotation");
        else if (!func_)
            inside.fail("@metadata.code.branch_hint annotation: not in a function");
        scratch_.clear();
        append_strings(inside, scratch_);
        if (!inside.at(TokenKind::rpar))
            inside.fail("@metadata.code.branch_hint annotation: unexpected token");
        else if (scratch_.size() != 1 || scratch_.view()[0] > 1)
            inside.fail("@metadata.code.branch_hint annotation: invalid hint value");
        if (failed())
            return std::nullopt;
        hint = scratch_.view()[0];
    }
    return hint;
}

} // namespace warpbeam::text
