#include <warpbeam/sfv/parser.hpp>
#include <warpbeam/sfv/tools/document_json.hpp>
#include <warpbeam/sfv/tools/suite.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace warpbeam::sfv {

namespace {

using json::Value;

struct Case {
    std::string name;
    FieldType type = FieldType::item;
    std::optional<std::vector<std::string>> raw; ///< absent in serialisation tests
    const Value* expected = nullptr;
    std::optional<std::vector<std::string>> canonical;
    bool must_fail = false;
    bool can_fail = false;
};

std::vector<std::string> strings_of(const Value& value) {
    std::vector<std::string> strings;
    for (const Value& one : value.array)
        strings.push_back(one.text);
    return strings;
}

Case read_case(const Value& object) {
    Case one;
    const Value* const name = object.find("name");
    const Value* const type = object.find("header_type");
    if (name == nullptr || type == nullptr)
        throw json::SyntaxError("a case without a name or a type");
    one.name = name->text;
    if (type->text == "list")
        one.type = FieldType::list;
    else if (type->text == "dictionary")
        one.type = FieldType::dictionary;
    else if (type->text != "item")
        throw json::SyntaxError("a case of unknown type " + type->text);
    one.expected = object.find("expected");
    if (const Value* const raw = object.find("raw"))
        one.raw = strings_of(*raw);
    if (const Value* const canonical = object.find("canonical"))
        one.canonical = strings_of(*canonical);
    const auto holds = [&object](const char* flag) {
        const Value* const value = object.find(flag);
        return value != nullptr && value->boolean;
    };
    one.must_fail = holds("must_fail");
    one.can_fail = holds("can_fail");
    return one;
}

std::string join(const std::vector<std::string>& lines, const char* separator = ", ") {
    std::string field;
    for (size_t i = 0; i < lines.size(); ++i)
        field += (i == 0 ? "" : separator) + lines[i];
    return field;
}

/// The options that refuse what the RFC lets a parser refuse.
struct StrictOption {
    const char* name;
    bool ParseOptions::* option;
};
constexpr StrictOption strict_options[] = {
    {"strict_padding", &ParseOptions::strict_padding},
    {"strict_pad_bits", &ParseOptions::strict_pad_bits},
    {"strict_dates", &ParseOptions::strict_dates},
    {"strict_lines", &ParseOptions::strict_lines},
};

/// The option that refuses these lines; empty if none does.
std::string refusing_option(FieldType type, std::span<const std::string_view> lines) {
    for (const StrictOption& strict : strict_options) {
        ParseOptions options;
        options.*strict.option = true;
        if (!parse_any(type, lines, options))
            return strict.name;
    }
    return {};
}

class Runner {
public:
    Runner(const SuiteListener& listener, std::string file) : listener_{listener}, file_{std::move(file)} {}

    /// What is wrong with a case; empty if nothing is.
    std::string run(const Case& one) { return one.raw ? parse(one) : serialize(one); }

private:
    [[nodiscard]] static std::string serialize(const Case& one) {
        if (one.expected == nullptr)
            return "the case has no expected result";
        const auto document = from_json(one.type, *one.expected);
        if (one.must_fail)
            return document ? "a value that must be refused gave " + to_string(*document) : "";
        if (!document)
            return "refused: " + std::string(document.error().message().view());
        const std::vector<std::string>& canonical = one.canonical ? *one.canonical : *one.raw;
        const std::string field = to_string(*document);
        return field == join(canonical) ? "" : "serialized as " + field;
    }

    [[nodiscard]] std::string parse(const Case& one) const {
        const std::vector<std::string_view> lines(one.raw->begin(), one.raw->end());
        Parser parser{one.type, lines};
        const auto pulled = parser.finish();
        const auto document = parse_any(one.type, lines);
        if (pulled.has_value() != document.has_value())
            return "the pull parser and the document disagree";
        if (one.must_fail)
            return document ? "a field that must be refused is read as " + to_string(*document) : "";
        if (one.can_fail) {
            Choice choice{file_, one.name, join(*one.raw, "\n"), {}, refusing_option(one.type, lines)};
            choice.answer = document ? to_string(*document) : std::string(document.error().message().view());
            if (listener_.choice)
                listener_.choice(choice);
            if (choice.option.empty())
                return "no option refuses a field that may be refused";
        }
        if (!document)
            return "refused: " + std::string(document.error().message().view());
        if (one.expected == nullptr)
            return "the case has no expected result";
        const auto expected = from_json(one.type, *one.expected);
        if (!expected || !(*expected == *document))
            return "read as " + json::print(to_json(*document));
        const auto again = from_json(one.type, json::parse(json::print(to_json(*document))));
        if (!again || !(*again == *document))
            return "changed by JSON: " + json::print(to_json(*document));
        return serialize(one);
    }

    const SuiteListener& listener_;
    std::string file_;
};

SuiteCounts run_file(const std::filesystem::path& path, const std::string& name,
                     const SuiteListener& listener) {
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!stream)
        throw std::runtime_error("cannot read " + path.string());
    SuiteCounts counts;
    Runner runner{listener, name};
    try {
        const Value cases = json::parse(text);
        for (size_t i = 0; i < cases.array.size(); ++i) {
            const Case one = read_case(cases.array[i]);
            const std::string fault = runner.run(one);
            fault.empty() ? ++counts.passed : ++counts.failed;
            if (!fault.empty() && listener.failure)
                listener.failure(name + " case " + std::to_string(i) + " (" + one.name + "): " + fault);
        }
    } catch (const json::SyntaxError& error) {
        throw std::runtime_error(path.string() + ": " + error.what());
    }
    if (counts.passed + counts.failed == 0)
        throw std::runtime_error(path.string() + ": no test case");
    if (listener.file)
        listener.file(name, counts);
    return counts;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    std::error_code fault;
    for (const auto& entry : std::filesystem::directory_iterator(directory, fault))
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::ranges::sort(files);
    if (fault)
        throw std::runtime_error("cannot read the directory " + directory.string() + ": " + fault.message());
    if (files.empty())
        throw std::runtime_error("no .json file in " + directory.string());
    return files;
}

} // namespace

SuiteCounts run_suite(const std::string& directory, const SuiteListener& listener) {
    SuiteCounts total;
    for (const auto& path : files_of(directory))
        total += run_file(path, path.filename().string(), listener);
    const std::filesystem::path folder = std::filesystem::path{directory} / "serialisation-tests";
    for (const auto& path : files_of(folder))
        total += run_file(path, "serialisation-tests/" + path.filename().string(), listener);
    return total;
}

} // namespace warpbeam::sfv
