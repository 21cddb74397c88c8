#include "terms.hpp"

#include <warpbeam/sfv/document.hpp>

#include <cstdio>

/// Fields become terms.

namespace warpbeam::sfv::erlang {

namespace {

using Lines = Sequence<std::string_view, 4>;

ParseOptions options_of(unsigned bits) noexcept {
    ParseOptions options;
    options.rfc8941 = (bits & 1) != 0;
    options.strict_padding = (bits & 2) != 0;
    options.strict_pad_bits = (bits & 4) != 0;
    options.strict_dates = (bits & 8) != 0;
    options.strict_lines = (bits & 16) != 0;
    options.wide_keys = (bits & 32) != 0;
    return options;
}

Term make_error(ErlNifEnv* env, const Error& error) noexcept {
    return enif_make_tuple2(env, atoms.error, make_reason(env, error));
}
Term make_error(ErlNifEnv* env, Term kind, std::string_view message) noexcept {
    return enif_make_tuple2(env, atoms.error, make_reason(env, kind, message));
}

/// A list of what `make` gives for each element.
template <typename Elements, typename Make>
Term make_list(ErlNifEnv* env, const Elements& elements, const Make& make) noexcept {
    Term list = enif_make_list(env, 0);
    for (size_t i = elements.size(); i-- != 0;)
        list = enif_make_list_cell(env, make(elements[i]), list);
    return list;
}

/// A number, a boolean, or what `text` gives for the text of other types.
template <typename Value, typename MakeText>
Term make_bare_item(ErlNifEnv* env, const Value& value, const MakeText& text) noexcept {
    switch (value.type()) {
    case Type::integer:
        return enif_make_int64(env, value.integer());
    case Type::decimal:
        return enif_make_tuple2(env, atoms.decimal, enif_make_int64(env, value.decimal().thousandths));
    case Type::string:
        return enif_make_tuple2(env, atoms.string, text());
    case Type::token:
        return enif_make_tuple2(env, atoms.token, text());
    case Type::byte_sequence:
        return enif_make_tuple2(env, atoms.binary, text());
    case Type::date:
        return enif_make_tuple2(env, atoms.date, enif_make_int64(env, value.date().seconds));
    case Type::display_string:
        return enif_make_tuple2(env, atoms.display_string, text());
    case Type::boolean:
    case Type::inner_list: // never
        break;
    }
    return value.boolean() ? atoms.true_ : atoms.false_;
}

Term make_bare_item(ErlNifEnv* env, const BareItem& value) noexcept {
    return make_bare_item(env, value, [&] { return make_binary(env, value.text()); });
}

Term make_parameters(ErlNifEnv* env, const Parameters& parameters) noexcept {
    return make_list(env, parameters, [env](const Parameters::Entry& entry) {
        return enif_make_tuple2(env, make_binary(env, entry.key()), make_bare_item(env, entry.value));
    });
}

Term make_term(ErlNifEnv* env, const Item& item) noexcept {
    return enif_make_tuple3(env, atoms.item, make_bare_item(env, item.value),
                            make_parameters(env, item.parameters));
}

Term make_term(ErlNifEnv* env, const Member& member) noexcept {
    if (const Item* const item = member.item())
        return make_term(env, *item);
    const InnerList& list = *member.inner_list();
    return enif_make_tuple3(
        env, atoms.list, make_list(env, list.items, [env](const Item& item) { return make_term(env, item); }),
        make_parameters(env, list.parameters));
}

Term make_term(ErlNifEnv* env, const List& list) noexcept {
    return make_list(env, list, [env](const Member& member) { return make_term(env, member); });
}

Term make_term(ErlNifEnv* env, const Dictionary& dictionary) noexcept {
    return make_list(env, dictionary, [env](const Dictionary::Entry& entry) {
        return enif_make_tuple2(env, make_binary(env, entry.key()), make_term(env, entry.value));
    });
}

template <typename Document>
Term parse_as(ErlNifEnv* env, std::span<const std::string_view> lines, ParseOptions options) noexcept {
    const auto document = Document::parse(lines, options);
    return document ? enif_make_tuple2(env, atoms.ok, make_term(env, *document))
                    : make_error(env, document.error());
}

/// About as many as there are values and keys: short ones cost more than their bytes.
size_t separators(std::string_view line) noexcept {
    size_t count = 0;
    for (const char c : line)
        count += c == ',' || c == ';' || c == ' ';
    return count;
}

enum class Taken : uint8_t { all, too_much_here, too_many_bytes, out_of_memory, no_lines };

/// A binary, or a list of binaries.
Taken take_lines(ErlNifEnv* env, Term field, uint64_t max_bytes, Lines& lines, Work& work) noexcept {
    uint64_t size = 0;
    const auto take = [&](Term term) {
        std::string_view line;
        if (!read_binary(env, term, line))
            return Taken::no_lines;
        size += line.size() + (lines.size() == 0 ? 0 : 2); // joined by ", "
        if (size > max_bytes)
            return Taken::too_many_bytes;
        if (!work.take(line.size() + Work::per_term) || !work.take(Work::per_term * separators(line)))
            return Taken::too_much_here;
        return lines.emplace(line) != nullptr ? Taken::all : Taken::out_of_memory;
    };
    if (enif_is_binary(env, field) != 0)
        return take(field);
    Term head;
    while (enif_get_list_cell(env, field, &head, &field) != 0)
        if (const Taken taken = take(head); taken != Taken::all)
            return taken;
    return enif_is_empty_list(env, field) != 0 ? Taken::all : Taken::no_lines;
}

} // namespace

/// parse(item | list | dictionary, Lines, MaxBytes, OptionBits)
Term parse(ErlNifEnv* env, int argc, const Term argv[]) noexcept {
    ErlNifUInt64 max_bytes;
    unsigned bits;
    if (enif_get_uint64(env, argv[2], &max_bytes) == 0 || enif_get_uint(env, argv[3], &bits) == 0)
        return enif_make_badarg(env);
    Work work;
    Lines lines;
    switch (take_lines(env, argv[1], max_bytes, lines, work)) {
    case Taken::all:
        break;
    case Taken::too_much_here:
        return enif_schedule_nif(env, "parse", ERL_NIF_DIRTY_JOB_CPU_BOUND, parse, argc, argv);
    case Taken::too_many_bytes: {
        char message[80];
        const int size =
            std::snprintf(message, sizeof message, "the field has more than %llu bytes (max_bytes)",
                          static_cast<unsigned long long>(max_bytes));
        return make_error(env, atoms.limit, {message, static_cast<size_t>(size)});
    }
    case Taken::out_of_memory:
        return make_error(env, atoms.out_of_memory, "out of memory");
    case Taken::no_lines:
        return make_error(env, atoms.usage, "a field is a binary, or a list of binaries, its lines");
    }
    work.account(env);
    const std::span<const std::string_view> field{lines.begin(), lines.size()};
    if (enif_is_identical(argv[0], atoms.item) != 0)
        return parse_as<Item>(env, field, options_of(bits));
    if (enif_is_identical(argv[0], atoms.list) != 0)
        return parse_as<List>(env, field, options_of(bits));
    if (enif_is_identical(argv[0], atoms.dictionary) != 0)
        return parse_as<Dictionary>(env, field, options_of(bits));
    return enif_make_badarg(env);
}

/// parse_bare_item(Binary, OptionBits)
Term parse_bare_item(ErlNifEnv* env, int argc, const Term argv[]) noexcept {
    unsigned bits;
    if (enif_get_uint(env, argv[1], &bits) == 0)
        return enif_make_badarg(env);
    std::string_view text;
    if (!read_binary(env, argv[0], text))
        return make_error(env, atoms.usage, "a binary is needed");
    if (text.size() > Text::max_size)
        return make_error(env, refuse(Reason::too_long).error());
    // What is read is not known yet: usually a short prefix, at most all of it.
    Work work;
    if (!work.take(text.size()))
        return enif_schedule_nif(env, "parse_bare_item", ERL_NIF_DIRTY_JOB_CPU_BOUND, parse_bare_item, argc,
                                 argv);
    Parser parser{FieldType::item, text, options_of(bits)};
    const auto size = parser.bare_item_prefix();
    if (!size)
        return make_error(env, size.error());
    const RawItem& value = parser.value();
    bool has_memory = true;
    const Term term = make_bare_item(env, value, [&] {
        Text decoded;
        char* const buffer = decoded.prepare(value.decode_capacity());
        const auto bytes = buffer == nullptr ? std::nullopt : value.decode({buffer, value.decode_capacity()});
        has_memory = bytes.has_value();
        return make_binary(env, bytes.value_or(""));
    });
    if (!has_memory)
        return make_error(env, atoms.out_of_memory, "out of memory");
    return enif_make_tuple3(env, atoms.ok, term,
                            enif_make_sub_binary(env, argv[0], *size, text.size() - *size));
}

} // namespace warpbeam::sfv::erlang
