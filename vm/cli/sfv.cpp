#include "command.hpp"
#include "files.hpp"
#include "options.hpp"

#include <warpbeam/sfv/tools/document_json.hpp>

#include <cstdio>

namespace warpbeam::cli {

namespace {

sfv::FieldType field_type_of(std::string_view name) {
    if (name == "item")
        return sfv::FieldType::item;
    if (name == "list")
        return sfv::FieldType::list;
    if (name == "dict" || name == "dictionary")
        return sfv::FieldType::dictionary;
    throw UsageError("'" + std::string(name) + "' is not a field type; use item, list or dict");
}

/// The standard input without the line end of its last line.
std::string read_input() {
    const std::vector<uint8_t> bytes = read_file("-");
    std::string text(bytes.begin(), bytes.end());
    if (text.ends_with('\n'))
        text.pop_back();
    if (text.ends_with('\r'))
        text.pop_back();
    return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (;;) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (end != std::string_view::npos && line.ends_with('\r'))
            line.remove_suffix(1);
        lines.push_back(line);
        if (end == std::string_view::npos)
            return lines;
        text.remove_prefix(end + 1);
    }
}

/// A readable tree: one line per value, with its type.
class Listing {
public:
    void print(const sfv::Item& item) { value_line(0, "", item); }
    void print(const sfv::List& list) {
        for (const sfv::Member& member : list)
            print(member, "");
    }
    void print(const sfv::Dictionary& dictionary) {
        for (const auto& entry : dictionary)
            print(entry.value, std::string(entry.key()) + " = ");
    }

private:
    void print(const sfv::Member& member, const std::string& key) {
        if (const sfv::Item* const item = member.item())
            return value_line(0, key, *item);
        std::printf("%sinner_list\n", key.c_str());
        for (const sfv::Item& item : member.inner_list()->items)
            value_line(1, "", item);
        parameters(0, member.parameters());
    }
    void value_line(int depth, const std::string& key, const sfv::Item& item) {
        line(depth, key, item.value);
        parameters(depth, item.parameters);
    }
    void parameters(int depth, const sfv::Parameters& parameters) {
        for (const auto& entry : parameters)
            line(depth + 1, ";" + std::string(entry.key()) + " = ", entry.value);
    }
    /// The value in the field's own notation, which is safe for a terminal.
    static void line(int depth, const std::string& key, const sfv::BareItem& value) {
        auto copy = value.clone();
        if (!copy)
            throw std::bad_alloc();
        const std::string text = sfv::to_string(sfv::AnyDocument{sfv::Item{std::move(*copy), {}}});
        std::printf("%*s%s%.*s %s\n", depth * 4, "", key.c_str(),
                    WARPBEAM_PRINTED(sfv::name_of(value.type())), text.c_str());
    }
};

[[noreturn]] void refused(const sfv::Error& error) {
    throw Failure("warpbeam: " + std::string(error.message().view()));
}

/// The field, or the JSON array of its lines.
void print_field(const sfv::AnyDocument& document, bool as_json) {
    const std::string field = sfv::to_string(document);
    std::vector<sfv::json::Value> lines;
    if (!field.empty())
        lines.push_back(sfv::json::Value::of_string(field));
    if (as_json)
        std::printf("%s\n", sfv::json::print(sfv::json::Value::of_array(std::move(lines))).c_str());
    else if (!field.empty()) // a field without members is omitted
        std::printf("%s\n", field.c_str());
}

sfv::AnyDocument document_of_json(sfv::FieldType type, const std::string& text) {
    try {
        auto document = sfv::from_json(type, sfv::json::parse(text));
        if (!document)
            refused(document.error());
        return std::move(*document);
    } catch (const sfv::json::SyntaxError& error) {
        throw Failure(std::string("warpbeam: not a field in JSON: ") + error.what());
    }
}

} // namespace

int sfv(Words words) {
    sfv::FieldType type = sfv::FieldType::item;
    sfv::ParseOptions parse;
    bool as_json = false;
    Options options{
        "sfv parse|format|canonical [OPTIONS] [--] [LINE...]",
        "Reads and writes HTTP Structured Fields (RFC 9651).\n"
        "  parse      print the contents of a field, as a listing or as JSON\n"
        "  format     print the field that a JSON value describes\n"
        "  canonical  print a field in its canonical form\n"
        "Each LINE is a line of the field. Without any, the lines are read from standard input. A LINE\n"
        "that begins with - must follow --, unless it is a number. For format, all lines together are one\n"
        "JSON text, in the form used by the httpwg suite,\n"
        "https://github.com/httpwg/structured-field-tests. The exit status is 1 if a field is refused.\n"};
    options.take_numbers()
        .value("--type", "item|list|dict", "the type of the field (default: item)",
               [&type](std::string_view name) { type = field_type_of(name); })
        .flag("--json", "print JSON", as_json)
        .flag("--rfc8941", "refuse dates and display strings", parse.rfc8941)
        .flag("--strict-padding", "refuse byte sequences without padding", parse.strict_padding)
        .flag("--strict-pad-bits", "refuse byte sequences with pad bits that are not zero",
              parse.strict_pad_bits)
        .flag("--strict-dates", "refuse dates outside the years 1 to 9999", parse.strict_dates)
        .flag("--strict-lines", "refuse strings that continue on the next field line", parse.strict_lines);
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (given->empty())
        throw options.error("parse, format or canonical is needed");
    const std::string_view action = given->front();
    if (action != "parse" && action != "format" && action != "canonical")
        throw options.error("'" + std::string(action) + "' is not an action; use parse, format or canonical");
    const std::string input = given->size() == 1 ? read_input() : "";
    const std::vector<std::string_view> lines =
        given->size() == 1 ? lines_of(input) : std::vector(given->begin() + 1, given->end());
    if (action == "format") {
        std::string text;
        for (const std::string_view line : lines)
            text.append(line).append("\n");
        print_field(document_of_json(type, text), as_json);
        return exit_success;
    }
    const auto document = sfv::parse_any(type, lines, parse);
    if (!document)
        refused(document.error());
    if (action == "canonical")
        print_field(*document, as_json);
    else if (as_json)
        std::printf("%s\n", sfv::json::print(sfv::to_json(*document)).c_str());
    else
        std::visit([](const auto& one) { Listing{}.print(one); }, *document);
    return exit_success;
}

} // namespace warpbeam::cli
