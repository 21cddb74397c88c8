// Terms that native functions make, and the same terms as a client sends them: both are read alike, but for
// tuples that are too large.

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <string>
#include <terms.hpp>

namespace warpbeam::serve {
namespace {

using Terms = std::vector<ERL_NIF_TERM>;

/// What the functions of the runtime system say of a term.
std::string description(ErlNifEnv& env, ERL_NIF_TERM term) {
    int64_t integer = 0;
    uint64_t natural = 0;
    double number = 0;
    int arity = 0;
    const ERL_NIF_TERM* elements = nullptr;
    ErlNifBinary binary;
    size_t size = 0;
    std::string text = enif_is_number(&env, term) != 0 ? "number " : "";
    if (enif_get_int64(&env, term, &integer) != 0)
        return text + std::to_string(integer);
    if (enif_get_uint64(&env, term, &natural) != 0)
        return text + std::to_string(natural);
    if (enif_get_double(&env, term, &number) != 0)
        return text + std::to_string(number);
    if (enif_is_binary(&env, term) != 0 && enif_inspect_binary(&env, term, &binary) != 0)
        return '"' + std::string(reinterpret_cast<char*>(binary.data), binary.size) + '"';
    if (enif_get_tuple(&env, term, &arity, &elements) != 0) {
        text += '{';
        for (int i = 0; i != arity; ++i)
            text += description(env, elements[i]) + ',';
        return text + '}';
    }
    if (enif_is_list(&env, term) != 0) {
        unsigned length = UINT_MAX;
        const bool is_proper = enif_get_list_length(&env, term, &length) != 0;
        text += is_proper ? std::to_string(length) + '[' : "improper [";
        ERL_NIF_TERM head;
        while (enif_get_list_cell(&env, term, &head, &term) != 0)
            text += description(env, head) + ',';
        return text + (enif_is_empty_list(&env, term) != 0 ? "]" : '|' + description(env, term) + ']');
    }
    if (enif_is_map(&env, term) != 0 && enif_get_map_size(&env, term, &size) != 0)
        return "map of " + std::to_string(size);
    const auto is = [&](const char* name) {
        return enif_is_identical(enif_make_atom(&env, name), term) != 0;
    };
    return is("ok") ? "ok" : is("") ? "the empty atom" : "something else";
}

/// The term, encoded by us and read as a client's; of what is no term, the atom `broken`.
ERL_NIF_TERM received(ErlNifEnv& env, ERL_NIF_TERM term) {
    ErlNifBinary bytes;
    ERL_NIF_TERM found = enif_make_atom(&env, "broken");
    if (enif_term_to_binary(&env, term, &bytes) == 0)
        return found;
    EXPECT_EQ(enif_binary_to_term(&env, bytes.data, bytes.size, &found, 0), bytes.size);
    // A byte less is no term, and neither is another version.
    ERL_NIF_TERM nothing;
    EXPECT_EQ(enif_binary_to_term(&env, bytes.data, bytes.size - 1, &nothing, 0), 0u);
    bytes.data[0] ^= 1;
    EXPECT_EQ(enif_binary_to_term(&env, bytes.data, bytes.size, &nothing, 0), 0u);
    EXPECT_EQ(enif_binary_to_term(&env, bytes.data, 0, &nothing, 0), 0u);
    enif_release_binary(&bytes);
    EXPECT_EQ(bytes.size, 0u);
    return found;
}

ERL_NIF_TERM binary_of(ErlNifEnv& env, std::string_view text) {
    ERL_NIF_TERM term;
    std::ranges::copy(text, enif_make_new_binary(&env, text.size(), &term));
    return term;
}
ERL_NIF_TERM list_of(ErlNifEnv& env, const Terms& elements, ERL_NIF_TERM tail) {
    for (size_t i = elements.size(); i != 0; --i)
        tail = enif_make_list_cell(&env, elements[i - 1], tail);
    return tail;
}

struct Case {
    std::string expected;
    ERL_NIF_TERM term;
};
std::vector<Case> cases(ErlNifEnv& env) {
    const ERL_NIF_TERM ok = enif_make_atom(&env, "ok"), nil = enif_make_list(&env, 0);
    const ERL_NIF_TERM one = enif_make_int(&env, 1), two = enif_make_uint(&env, 2);
    const ERL_NIF_TERM text = binary_of(env, "text");
    const ERL_NIF_TERM six[] = {ok, one, two, text, nil, ok};
    ERL_NIF_TERM map = enif_make_new_map(&env);
    EXPECT_EQ(enif_make_map_put(&env, map, ok, one, &map), 1);
    EXPECT_EQ(enif_make_map_put(&env, map, text, two, &map), 1);
    EXPECT_EQ(enif_make_map_put(&env, map, ok, two, &map), 1); // in the place of the first
    std::vector<Case> all{
        {"ok", ok},
        {"the empty atom", enif_make_atom(&env, "")},
        {"something else", enif_make_atom(&env, std::string(255, 'a').c_str())},
        {"number 255", enif_make_int(&env, 255)},
        {"number 256", enif_make_int(&env, 256)},
        {"number -1", enif_make_int(&env, -1)},
        {"number -2147483648", enif_make_int(&env, INT_MIN)},
        {"number 4294967295", enif_make_uint(&env, UINT_MAX)},
        {"number -9223372036854775808", enif_make_int64(&env, INT64_MIN)},
        {"number 9223372036854775807", enif_make_int64(&env, INT64_MAX)},
        {"number 18446744073709551615", enif_make_uint64(&env, UINT64_MAX)},
        {"number 1.500000", enif_make_double(&env, 1.5)},
        {"\"\"", binary_of(env, "")},
        {"\"text\"", text},
        {"{ok,number 1,}", enif_make_tuple2(&env, ok, one)},
        {"{ok,number 1,number 2,}", enif_make_tuple3(&env, ok, one, two)},
        {"{ok,number 1,number 2,\"text\",}", enif_make_tuple4(&env, ok, one, two, text)},
        {"{ok,number 1,number 2,\"text\",0[],}", enif_make_tuple5(&env, ok, one, two, text, nil)},
        {"{ok,number 1,number 2,\"text\",0[],ok,}", enif_make_tuple6(&env, ok, one, two, text, nil, ok)},
        {"{ok,number 1,number 2,\"text\",0[],ok,}", enif_make_tuple_from_array(&env, six, 6)},
        {"{}", enif_make_tuple_from_array(&env, six, 0)},
        {"0[]", nil},
        {"3[number 1,ok,\"text\",]", list_of(env, {one, ok, text}, nil)},
        {"2[number 1,1[number 2,],]", list_of(env, {one, list_of(env, {two}, nil)}, nil)},
        {"improper [number 1,ok,|number 2]", list_of(env, {one, ok}, two)},
        {"map of 2", map},
        {"map of 0", enif_make_new_map(&env)},
    };
    return all;
}

TEST(TermsTest, WhatIsMadeAndWhatIsReceivedAreReadAlike) {
    ErlNifEnv env;
    for (const Case& each : cases(env)) {
        EXPECT_EQ(description(env, each.term), each.expected);
        EXPECT_EQ(description(env, received(env, each.term)), each.expected);
        EXPECT_EQ(description(env, enif_make_copy(&env, each.term)), each.expected);
        EXPECT_EQ(description(env, received(env, received(env, each.term))), each.expected);
    }
}

TEST(TermsTest, ListsThatClientsSendEndAsTheirsDo) {
    // A string of bytes, and what is left of it, as Erlang encodes short lists of small numbers.
    ErlNifEnv env;
    const uint8_t string[] = {131, 107, 0, 3, 7, 8, 9};
    ERL_NIF_TERM list, head;
    ASSERT_EQ(enif_binary_to_term(&env, string, sizeof string, &list, 0), sizeof string);
    EXPECT_EQ(description(env, list), "3[number 7,number 8,number 9,]");
    ASSERT_EQ(enif_get_list_cell(&env, list, &head, &list), 1);
    EXPECT_EQ(description(env, received(env, list)), "2[number 8,number 9,]");
    // The rest of an encoded list, with elements in front of it.
    const ERL_NIF_TERM text = binary_of(env, "text");
    ERL_NIF_TERM rest = received(env, list_of(env, {text, text, text}, enif_make_list(&env, 0)));
    ASSERT_EQ(enif_get_list_cell(&env, rest, &head, &rest), 1);
    EXPECT_EQ(description(env, received(env, rest)), "2[\"text\",\"text\",]");
    EXPECT_EQ(description(env, enif_make_list_cell(&env, head, rest)), "3[\"text\",\"text\",\"text\",]");
    EXPECT_EQ(description(env, received(env, enif_make_list_cell(&env, head, list))),
              "3[\"text\",number 8,number 9,]");
    EXPECT_EQ(enif_get_list_cell(&env, enif_make_list(&env, 0), &head, &rest), 0);
    EXPECT_EQ(enif_get_list_cell(&env, text, &head, &rest), 0);
}

TEST(TermsTest, NumbersThatDoNotFitAreRefused) {
    ErlNifEnv env;
    int small = 0;
    int64_t wide = 0;
    uint64_t natural = 0;
    double number = 0;
    const auto both = [&](ERL_NIF_TERM term, const std::function<bool(ERL_NIF_TERM)>& holds) {
        return holds(term) && holds(received(env, term));
    };
    EXPECT_TRUE(both(enif_make_int64(&env, INT_MAX), [&](ERL_NIF_TERM term) {
        return enif_get_int(&env, term, &small) == 1 && small == INT_MAX;
    }));
    for (const int64_t beyond : {int64_t{INT_MAX} + 1, int64_t{INT_MIN} - 1})
        EXPECT_TRUE(both(enif_make_int64(&env, beyond), [&](ERL_NIF_TERM term) {
            return enif_get_int(&env, term, &small) == 0 && enif_get_int64(&env, term, &wide) == 1;
        }));
    EXPECT_TRUE(both(enif_make_uint64(&env, UINT64_MAX), [&](ERL_NIF_TERM term) {
        return enif_get_int64(&env, term, &wide) == 0 && enif_get_uint64(&env, term, &natural) == 1;
    }));
    EXPECT_TRUE(both(enif_make_int(&env, -1), [&](ERL_NIF_TERM term) {
        return enif_get_uint64(&env, term, &natural) == 0 && enif_get_double(&env, term, &number) == 0;
    }));
    EXPECT_TRUE(both(binary_of(env, "1"), [&](ERL_NIF_TERM term) {
        return enif_get_int(&env, term, &small) == 0 && enif_get_double(&env, term, &number) == 0 &&
               enif_is_number(&env, term) == 0;
    }));
}

TEST(TermsTest, MapsAreLookedUpByWhatNativeFunctionsMake) {
    ErlNifEnv env;
    const ERL_NIF_TERM a = enif_make_atom(&env, "a"), b = enif_make_atom(&env, "b");
    const ERL_NIF_TERM pair = enif_make_tuple2(&env, a, binary_of(env, "x"));
    ERL_NIF_TERM map = enif_make_new_map(&env), value;
    for (const auto& [key, number] : {std::pair{a, 1}, std::pair{pair, 2}})
        ASSERT_EQ(enif_make_map_put(&env, map, key, enif_make_int(&env, number), &map), 1);
    for (const ERL_NIF_TERM each : {map, received(env, map)}) {
        ASSERT_EQ(enif_get_map_value(&env, each, a, &value), 1);
        EXPECT_EQ(description(env, value), "number 1");
        ASSERT_EQ(enif_get_map_value(&env, each, pair, &value), 1);
        EXPECT_EQ(description(env, value), "number 2");
        EXPECT_EQ(enif_get_map_value(&env, each, b, &value), 0);
        const ERL_NIF_TERM other = enif_make_tuple2(&env, a, binary_of(env, "y"));
        EXPECT_EQ(enif_get_map_value(&env, each, other, &value), 0);
        const ERL_NIF_TERM longer = enif_make_tuple3(&env, a, binary_of(env, "x"), b);
        EXPECT_EQ(enif_get_map_value(&env, each, longer, &value), 0);
    }
    size_t size = 0;
    EXPECT_EQ(enif_get_map_value(&env, a, a, &value), 0);
    EXPECT_EQ(enif_get_map_size(&env, a, &size), 0);
    EXPECT_EQ(enif_make_map_put(&env, a, a, a, &value), 0);
}

TEST(TermsTest, TuplesOfAnyArityAndOtherTermsAreKeptApart) {
    ErlNifEnv env;
    int arity = 0;
    const ERL_NIF_TERM* elements = nullptr;
    const Terms many(300, enif_make_int(&env, 3));
    const ERL_NIF_TERM large = enif_make_tuple_from_array(&env, many.data(), 300);
    ASSERT_EQ(enif_get_tuple(&env, large, &arity, &elements), 1);
    EXPECT_EQ(arity, 300);
    // No function takes as many from a client.
    EXPECT_EQ(enif_get_tuple(&env, received(env, large), &arity, &elements), 0);
    EXPECT_EQ(enif_get_tuple(&env, enif_make_list(&env, 0), &arity, &elements), 0);
    unsigned length = 0;
    EXPECT_EQ(enif_get_list_length(&env, large, &length), 0);
    ErlNifBinary binary;
    EXPECT_EQ(enif_inspect_binary(&env, large, &binary), 0);
    EXPECT_EQ(enif_inspect_iolist_as_binary(&env, large, &binary), 0);
    const ERL_NIF_TERM nested =
        received(env, list_of(env, {enif_make_int(&env, 65), binary_of(env, "BC"), enif_make_list(&env, 0)},
                              binary_of(env, "D")));
    ASSERT_EQ(enif_inspect_iolist_as_binary(&env, nested, &binary), 1);
    EXPECT_EQ(std::string(reinterpret_cast<char*>(binary.data), binary.size), "ABCD");
    ASSERT_EQ(enif_inspect_iolist_as_binary(&env, received(env, enif_make_list(&env, 0)), &binary), 1);
    EXPECT_EQ(binary.size, 0u);
}

} // namespace
} // namespace warpbeam::serve
