// A whole module, https://webassembly.github.io/spec/core/text/modules.html#text-module

#include "module_parser.hpp"

#include <warpbeam/text/parse.hpp>

namespace warpbeam {
namespace text {

ModuleParser::ModuleParser(std::string_view text, Fault& fault, Allocator& allocator, bool names,
                           SourceMap* map) noexcept
    : Cursor{text, fault}, allocator_{&allocator}, emit_names_{names}, map_{map}, names_{fault, allocator},
      types_{fault, allocator}, imports_{fault, allocator}, funcs_{fault, allocator},
      tables_{fault, allocator}, memories_{fault, allocator}, tags_{fault, allocator},
      globals_{fault, allocator}, exports_{fault, allocator}, elements_{fault, allocator},
      codes_{fault, allocator}, data_{fault, allocator}, type_positions_{allocator},
      custom_bytes_{fault, allocator}, custom_sections_{allocator}, hints_{allocator},
      signature_{fault, allocator}, local_names_{allocator}, body_marks_{allocator}, frames_{allocator},
      deferred_{fault, allocator}, labels_{allocator}, label_of_{allocator}, body_{fault, allocator},
      offset_{fault, allocator}, list_{fault, allocator}, composite_{fault, allocator},
      supertypes_{fault, allocator}, scratch_{fault, allocator}, local_type_{fault, allocator},
      catches_{fault, allocator} {
    for (Vec<NameEntry>& entries : name_entries_)
        entries = Vec<NameEntry>{allocator};
}

size_t ModuleParser::parse(size_t position, std::string_view identifier) noexcept {
    move_to(position);
    if (!identifier.empty())
        module_name_ = names_.intern(identifier);
    declare_fields();
    type_fields();
    move_to(position);
    fields();
    return token().begin;
}

void append_strings(Cursor& cursor, Bytes& out) noexcept {
    while (cursor.at(TokenKind::string)) {
        out.check(append_decoded(cursor.text(), out.vec()));
        cursor.advance();
    }
}

namespace {

void parse_fields(Cursor& cursor, size_t position, std::string_view identifier, bool names, Bytes& out,
                  SourceMap* map) noexcept {
    ModuleParser parser{cursor.source(), cursor.fault(), out.vec().allocator(), names, map};
    cursor.move_to(parser.parse(position, identifier));
    if (!cursor.failed())
        parser.write(out);
}

/// One module that makes up the whole text. For a quoted module, appends the quoted text to `quoted`, instead
/// of a module to `out`, and returns true.
bool parse_text(std::string_view text, Fault& fault, bool names, Bytes& out, Bytes* quoted,
                SourceMap* map = nullptr) noexcept {
    Cursor cursor{text, fault};
    cursor.lenient = true;
    bool is_quoted = false;
    if (cursor.at_open("component")) {
        cursor.fail("this is a component, not a module");
    } else if (cursor.accept_open("module")) {
        const bool scripted = quoted != nullptr;
        if (scripted)
            cursor.accept_keyword("definition");
        const std::string_view identifier = cursor.at(TokenKind::id) ? cursor.text() : std::string_view{};
        // The end of the token before the fields, so that annotations before them are seen.
        size_t position = cursor.previous_end();
        if (cursor.at(TokenKind::id)) {
            cursor.reject_annotation(); // a name comes after the identifier
            cursor.advance();
            position = cursor.previous_end();
        }
        if (scripted && cursor.accept_keyword("binary")) {
            append_strings(cursor, out);
        } else if (scripted && cursor.accept_keyword("quote")) {
            is_quoted = true;
            append_strings(cursor, *quoted);
        } else {
            parse_fields(cursor, position, identifier, names, out, map);
        }
        cursor.expect_close();
    } else {
        parse_fields(cursor, 0, {}, names, out, map);
    }
    if (!cursor.at_end())
        cursor.unexpected("the end of the text");
    return is_quoted;
}

} // namespace
} // namespace text

std::expected<Vec<uint8_t>, Error> parse_wat(std::string_view source, const TextOptions& options) noexcept {
    using namespace text;
    Allocator& allocator = options.allocator != nullptr ? *options.allocator : Allocator::standard();
    Fault fault{source, options.first_line};
    Bytes out{fault, allocator};
    Bytes quoted{fault, allocator};
    if (parse_text(source, fault, options.names, out, &quoted) && !fault) {
        const std::string_view inner{reinterpret_cast<const char*>(quoted.view().data()), quoted.size()};
        Fault inner_fault{inner, 1};
        Bytes inner_out{inner_fault, allocator};
        parse_text(inner, inner_fault, options.names, inner_out, nullptr);
        if (const Error* const error = inner_fault.error())
            return std::unexpected{*error};
        return std::move(inner_out.vec());
    }
    if (const Error* const error = fault.error())
        return std::unexpected{*error};
    return std::move(out.vec());
}

Error locate_in_wat(std::string_view source, const Error& refused, const TextOptions& options) noexcept {
    using namespace text;
    if (refused.offset() == Error::no_offset)
        return refused;
    // Translates the text again, so that valid modules pay nothing for this.
    Allocator& allocator = options.allocator != nullptr ? *options.allocator : Allocator::standard();
    Fault fault{source, options.first_line};
    Bytes out{fault, allocator};
    Bytes quoted{fault, allocator};
    SourceMap map{allocator};
    parse_text(source, fault, options.names, out, &quoted, &map);
    const std::optional<size_t> place = map.find(refused.offset());
    if (fault || !place)
        return refused;
    const std::string_view message = refused.message();
    fault.report(*place, refused.code(), "%.*s", static_cast<int>(message.size()), message.data());
    Error located = *fault.error();
    return located.in_function(refused.function()).for_lack_of(refused.missing_feature());
}

} // namespace warpbeam
