// libFuzzer target: calls of a Writer in any order, with any values, for a field of the type that the first
// byte chooses. What it writes must be a field that every reader takes, whatever the size of the buffer; and
// nothing may be written beyond that.

#include "input.hpp"

#include <warpbeam/sfv/writer.hpp>

#include <agreement.hpp>

namespace {

using namespace warpbeam::sfv;
using warpbeam::fuzz::Input;
using warpbeam::fuzz::require;

std::string text_of(Input& input) {
    std::string text;
    for (int left = input.byte() % 8; left > 0; --left)
        text.push_back(static_cast<char>(input.byte()));
    return text;
}
/// As a rule, a key that may be written.
std::string key_of(Input& input) {
    const uint8_t choice = input.byte();
    return choice > 240 ? text_of(input) : std::string(1, static_cast<char>('a' + choice % 26));
}

/// Calls `use` with a value of any type, which lives as long as the call.
template <class Use>
void with_value(Input& input, Use use) {
    const uint8_t choice = input.byte();
    const std::string text = text_of(input);
    switch (choice % 9) {
    case 0:
        return use(BareItemRef{choice > 128});
    case 1:
        return use(BareItemRef{static_cast<int64_t>(input.size() << choice % 64)});
    case 2:
        return use(BareItemRef{static_cast<double>(static_cast<int64_t>(input.size())) / 1024});
    case 3:
        return use(BareItemRef{Decimal{static_cast<int64_t>(input.size() << choice % 64)}});
    case 4:
        return use(BareItemRef{std::string_view{text}});
    case 5:
        return use(BareItemRef{Token{text}});
    case 6:
        return use(BareItemRef{ByteSequence{text}});
    case 7:
        return use(BareItemRef{DisplayString{text}});
    default:
        return use(BareItemRef{Date{static_cast<int64_t>(input.size() << choice % 64)}});
    }
}

void call(Writer& writer, Input input) {
    while (!input.empty()) {
        switch (input.byte() % 6) {
        case 0:
            writer.key(key_of(input));
            break;
        case 1:
            writer.begin_inner_list();
            break;
        case 2:
            writer.end_inner_list();
            break;
        case 3: {
            const std::string key = key_of(input);
            with_value(input, [&](const BareItemRef& value) { writer.parameter(key, value); });
            break;
        }
        default:
            with_value(input, [&](const BareItemRef& value) { writer.value(value); });
            break;
        }
    }
}

const char* disagreement(FieldType type, std::string_view field, ParseOptions options) {
    const std::string_view lines[] = {field};
    switch (type) {
    case FieldType::item:
        return testing::disagreement<Item>(lines, options);
    case FieldType::list:
        return testing::disagreement<List>(lines, options);
    default:
        return testing::disagreement<Dictionary>(lines, options);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input{{data, size}};
    const uint8_t choice = input.byte();
    constexpr FieldType types[] = {FieldType::item, FieldType::list, FieldType::dictionary};
    const FieldType type = types[choice % 3];
    const WriteOptions options{.wide_keys = choice >= 128};

    Writer counter{type, {}, options};
    call(counter, input);
    const auto needed = counter.finish_size();
    const size_t written = counter.size();
    constexpr char untouched = '\x01';
    for (const size_t missing : {size_t{0}, size_t{1}, written / 2}) {
        if (missing > written)
            continue;
        std::vector<char> buffer(written + 8, untouched);
        const std::span<char> given{buffer.data(), written - missing};
        Writer writer{type, given, options};
        call(writer, input);
        for (size_t i = given.size(); i < buffer.size(); ++i)
            require(buffer[i] == untouched);
        const auto field = writer.finish();
        require(field.has_value() == (needed.has_value() && missing == 0));
        if (!field)
            continue;
        require(field->data() == given.data() && field->size() == *needed);
        ParseOptions reading;
        reading.wide_keys = options.wide_keys;
        Parser parser{type, *field, reading};
        require(parser.finish().has_value());
        require(disagreement(type, *field, reading) == nullptr);
    }
    return 0;
}
