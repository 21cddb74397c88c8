#include "terms.hpp"

#include "resources.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

using warpbeam::serve::Node;
using warpbeam::serve::node_of;
using warpbeam::serve::Resource;
namespace external = warpbeam::serve::external;
using external::Bytes;
using Kind = Node::Kind;

ErlNifEnv::~ErlNifEnv() {
    for (Resource* const resource : resources)
        resource->release();
}

ERL_NIF_TERM ErlNifEnv::add(const Node& node) {
    return reinterpret_cast<ERL_NIF_TERM>(::new (allocate(sizeof(Node))) Node{node});
}

ERL_NIF_TERM ErlNifEnv::add_encoded(Bytes bytes) {
    return add({.kind = Kind::encoded, .size = bytes.size(), .data = bytes.data()});
}

namespace warpbeam::serve {

bool encode(external::Buffer& to, ERL_NIF_TERM term) {
    bool fits = true;
    const Node* node = &node_of(term);
    // A list is a cell that ends in the next one.
    if (node->kind == Kind::cell) {
        const size_t header = to.size();
        external::write_header(to, external::Tag::list, 0);
        uint32_t count = 0;
        for (; node->kind == Kind::cell; node = &node_of(node->terms()[1]), ++count)
            fits = encode(to, node->terms()[0]) && fits;
        for (size_t i = 0; i != 4; ++i)
            to[header + 1 + i] = static_cast<uint8_t>(count >> 8 * (3 - i));
    }
    switch (node->kind) {
    case Kind::cell: // it was the loop's
        break;
    case Kind::encoded:
        to.insert(to.end(), node->span().begin(), node->span().end());
        break;
    case Kind::elements:
        external::write_header(to, external::Tag::list, static_cast<uint32_t>(node->count));
        to.insert(to.end(), node->span().begin(), node->span().end());
        break;
    case Kind::bytes:
        external::write_header(to, external::Tag::list, static_cast<uint32_t>(node->size));
        for (const uint8_t byte : node->span())
            external::write_integer(to, false, byte);
        external::write_tag(to, external::Tag::nil);
        break;
    case Kind::integer:
        external::write_integer(to, node->integer < 0, static_cast<uint64_t>(node->integer));
        break;
    case Kind::natural:
        external::write_integer(to, false, node->natural);
        break;
    case Kind::number:
        external::write_float(to, node->number);
        break;
    case Kind::atom:
        external::write_atom(to, node->text());
        break;
    case Kind::binary:
        if (node->size > INT32_MAX)
            return false;
        external::write_header(to, external::Tag::binary, static_cast<uint32_t>(node->size));
        to.insert(to.end(), node->span().begin(), node->span().end());
        break;
    case Kind::tuple:
        external::write_tuple_header(to, static_cast<uint32_t>(node->count));
        for (size_t i = 0; i != node->count; ++i)
            fits = encode(to, node->terms()[i]) && fits;
        break;
    case Kind::nil:
        external::write_tag(to, external::Tag::nil);
        break;
    case Kind::map:
        external::write_header(to, external::Tag::map, static_cast<uint32_t>(node->count / 2));
        for (size_t i = 0; i != node->count; ++i)
            fits = encode(to, node->terms()[i]) && fits;
        break;
    case Kind::resource:
        external::write_handle(to, registry().creation(),
                               node->count != 0 ? node->resource->handle
                                                : registry().hand_out(*node->resource));
        break;
    }
    return fits;
}

} // namespace warpbeam::serve

namespace {

ERL_NIF_TERM make_nil(ErlNifEnv* env) { return env->add({.kind = Kind::nil, .size = 0}); }

ERL_NIF_TERM make_terms(ErlNifEnv* env, Kind kind, std::span<const ERL_NIF_TERM> terms) {
    void* const copy = env->allocate(terms.size_bytes());
    std::memcpy(copy, terms.data(), terms.size_bytes());
    return env->add({.kind = kind, .count = terms.size(), .size = 0, .data = copy});
}
template <typename... Terms>
ERL_NIF_TERM make_tuple(ErlNifEnv* env, Terms... terms) {
    return make_terms(env, Kind::tuple, std::array{terms...});
}

/// A list as one of the kinds cell, elements, bytes or nil; none if it is no list.
std::optional<Node> list_of(Node node) noexcept {
    for (;;) {
        if (node.kind != Kind::encoded)
            break;
        const Bytes term = node.span();
        if (static_cast<external::Tag>(term[0]) == external::Tag::string) {
            const Bytes bytes = term.subspan(3);
            return Node{
                .kind = bytes.empty() ? Kind::nil : Kind::bytes, .size = bytes.size(), .data = bytes.data()};
        }
        const auto elements = external::list(term);
        if (!elements)
            return std::nullopt;
        if (elements->begin == 0)
            return Node{.kind = Kind::nil, .size = 0};
        const Bytes rest = term.subspan(elements->begin);
        if (elements->count == 0) // only the tail is left
            node = {.kind = Kind::encoded, .size = rest.size(), .data = rest.data()};
        else
            node = {
                .kind = Kind::elements, .count = elements->count, .size = rest.size(), .data = rest.data()};
    }
    const bool is_list = node.kind == Kind::cell || node.kind == Kind::nil || node.kind == Kind::bytes ||
                         node.kind == Kind::elements;
    return is_list ? std::optional{node} : std::nullopt;
}

/// The first term of an encoded sequence.
Bytes first_of(Bytes terms) noexcept { return terms.first(external::size_of(terms).value_or(terms.size())); }

std::optional<external::Integer> integer_of(ERL_NIF_TERM term) noexcept {
    const Node& node = node_of(term);
    switch (node.kind) {
    case Kind::encoded:
        return external::integer(node.span());
    case Kind::integer:
        return external::Integer{node.integer < 0, static_cast<uint64_t>(node.integer)};
    case Kind::natural:
        return external::Integer{false, node.natural};
    default:
        return std::nullopt;
    }
}

std::optional<std::string_view> atom_of(const Node& node) noexcept {
    return node.kind == Kind::atom      ? std::optional{node.text()}
           : node.kind == Kind::encoded ? external::atom(node.span())
                                        : std::nullopt;
}

std::optional<Bytes> binary_of(const Node& node) noexcept {
    return node.kind == Kind::binary    ? std::optional{node.span()}
           : node.kind == Kind::encoded ? external::binary(node.span())
                                        : std::nullopt;
}

/// Whether encoded bytes are a term that a native function has made: as the key of a map.
bool is_identical(const Node& made, Bytes encoded) noexcept {
    const Node other{.kind = Kind::encoded, .size = encoded.size(), .data = encoded.data()};
    if (const auto atom = atom_of(made))
        return atom == atom_of(other);
    if (const auto binary = binary_of(made)) {
        const auto bytes = binary_of(other);
        return bytes && std::ranges::equal(*binary, *bytes);
    }
    const auto elements = made.kind == Kind::tuple ? external::tuple(encoded) : std::nullopt;
    if (!elements || elements->count != made.count)
        return false;
    Bytes rest = encoded.subspan(elements->begin);
    for (size_t i = 0; i != made.count; ++i) {
        const Bytes element = first_of(rest);
        if (!is_identical(node_of(made.terms()[i]), element))
            return false;
        rest = rest.subspan(element.size());
    }
    return true;
}

ErlNifBinary inspected(Bytes bytes) noexcept {
    return {bytes.size(), const_cast<unsigned char*>(bytes.data())}; // nobody writes to it
}

} // namespace

extern "C" {

ErlNifEnv* enif_alloc_env() { return new ErlNifEnv; }
void enif_free_env(ErlNifEnv* env) { delete env; }

ERL_NIF_TERM enif_make_copy(ErlNifEnv* env, ERL_NIF_TERM term) {
    if (node_of(term).kind == Kind::resource)
        return enif_make_resource(env, node_of(term).resource->object());
    external::Buffer bytes;
    (void)warpbeam::serve::encode(bytes, term);
    void* const copy = env->allocate(bytes.size());
    std::memcpy(copy, bytes.data(), bytes.size());
    return env->add_encoded({static_cast<const uint8_t*>(copy), bytes.size()});
}

ERL_NIF_TERM enif_make_atom(ErlNifEnv* env, const char* text) {
    const size_t size = std::strlen(text);
    void* const copy = env->allocate(size + 1);
    std::memcpy(copy, text, size + 1);
    return env->add({.kind = Kind::atom, .size = size, .data = copy});
}
ERL_NIF_TERM enif_make_int(ErlNifEnv* env, int value) { return enif_make_int64(env, value); }
ERL_NIF_TERM enif_make_uint(ErlNifEnv* env, unsigned value) { return enif_make_int64(env, value); }
ERL_NIF_TERM enif_make_int64(ErlNifEnv* env, ErlNifSInt64 value) {
    return env->add({.kind = Kind::integer, .integer = value});
}
ERL_NIF_TERM enif_make_uint64(ErlNifEnv* env, ErlNifUInt64 value) {
    return env->add({.kind = Kind::natural, .natural = value});
}
ERL_NIF_TERM enif_make_double(ErlNifEnv* env, double value) {
    return env->add({.kind = Kind::number, .number = value});
}
unsigned char* enif_make_new_binary(ErlNifEnv* env, size_t size, ERL_NIF_TERM* term) {
    void* const data = env->allocate(std::max<size_t>(size, 1));
    *term = env->add({.kind = Kind::binary, .size = size, .data = data});
    return static_cast<unsigned char*>(data);
}
ERL_NIF_TERM enif_make_list(ErlNifEnv* env, unsigned, ...) { return make_nil(env); }
ERL_NIF_TERM enif_make_list_cell(ErlNifEnv* env, ERL_NIF_TERM head, ERL_NIF_TERM tail) {
    return make_terms(env, Kind::cell, std::array{head, tail});
}
ERL_NIF_TERM enif_make_tuple2(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b) {
    return make_tuple(env, a, b);
}
ERL_NIF_TERM enif_make_tuple3(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c) {
    return make_tuple(env, a, b, c);
}
ERL_NIF_TERM enif_make_tuple4(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c,
                              ERL_NIF_TERM d) {
    return make_tuple(env, a, b, c, d);
}
ERL_NIF_TERM enif_make_tuple5(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c, ERL_NIF_TERM d,
                              ERL_NIF_TERM e) {
    return make_tuple(env, a, b, c, d, e);
}
ERL_NIF_TERM enif_make_tuple6(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c, ERL_NIF_TERM d,
                              ERL_NIF_TERM e, ERL_NIF_TERM f) {
    return make_tuple(env, a, b, c, d, e, f);
}
ERL_NIF_TERM enif_make_tuple_from_array(ErlNifEnv* env, const ERL_NIF_TERM elements[], unsigned count) {
    return make_terms(env, Kind::tuple, {elements, count});
}
ERL_NIF_TERM enif_make_new_map(ErlNifEnv* env) { return env->add({.kind = Kind::map, .size = 0}); }

int enif_make_map_put(ErlNifEnv* env, ERL_NIF_TERM map, ERL_NIF_TERM key, ERL_NIF_TERM value,
                      ERL_NIF_TERM* result) {
    const Node& before = node_of(map);
    if (before.kind != Kind::map)
        return 0;
    std::vector<ERL_NIF_TERM> entries(before.terms(), before.terms() + before.count);
    size_t at = 0;
    while (at != entries.size() && enif_is_identical(entries[at], key) == 0)
        at += 2;
    if (at == entries.size())
        entries.resize(at + 2);
    entries[at] = key;
    entries[at + 1] = value;
    *result = make_terms(env, Kind::map, entries);
    return 1;
}

int enif_get_int(ErlNifEnv* env, ERL_NIF_TERM term, int* value) {
    ErlNifSInt64 wide;
    if (enif_get_int64(env, term, &wide) == 0 || wide < std::numeric_limits<int>::min() ||
        wide > std::numeric_limits<int>::max())
        return 0;
    *value = static_cast<int>(wide);
    return 1;
}
int enif_get_int64(ErlNifEnv*, ERL_NIF_TERM term, ErlNifSInt64* value) {
    const auto integer = integer_of(term);
    if (!integer || (!integer->is_negative && integer->bits > INT64_MAX))
        return 0;
    *value = static_cast<int64_t>(integer->bits);
    return 1;
}
int enif_get_uint64(ErlNifEnv*, ERL_NIF_TERM term, ErlNifUInt64* value) {
    const auto integer = integer_of(term);
    if (!integer || integer->is_negative)
        return 0;
    *value = integer->bits;
    return 1;
}
int enif_get_double(ErlNifEnv*, ERL_NIF_TERM term, double* value) {
    const Node& node = node_of(term);
    const auto number = node.kind == Kind::number    ? std::optional{node.number}
                        : node.kind == Kind::encoded ? external::number(node.span())
                                                     : std::nullopt;
    if (!number)
        return 0;
    *value = *number;
    return 1;
}

int enif_get_list_cell(ErlNifEnv* env, ERL_NIF_TERM list, ERL_NIF_TERM* head, ERL_NIF_TERM* tail) {
    const auto node = list_of(node_of(list));
    if (!node || node->kind == Kind::nil)
        return 0;
    if (node->kind == Kind::cell) {
        *head = node->terms()[0];
        *tail = node->terms()[1];
        return 1;
    }
    const Bytes all = node->span();
    if (node->kind == Kind::bytes) {
        *head = enif_make_int64(env, all[0]);
        const Bytes rest = all.subspan(1);
        *tail = rest.empty() ? make_nil(env)
                             : env->add({.kind = Kind::bytes, .size = rest.size(), .data = rest.data()});
        return 1;
    }
    const Bytes first = first_of(all);
    const Bytes rest = all.subspan(first.size());
    *head = env->add_encoded(first);
    if (node->count == 1) // the tail, which may become part of another list
        *tail = env->add_encoded(rest);
    else
        *tail = env->add(
            {.kind = Kind::elements, .count = node->count - 1, .size = rest.size(), .data = rest.data()});
    return 1;
}

int enif_get_list_length(ErlNifEnv*, ERL_NIF_TERM list, unsigned* length) {
    uint64_t count = 0;
    auto node = list_of(node_of(list));
    while (node && node->kind != Kind::nil) {
        if (node->kind == Kind::cell) {
            ++count;
            node = list_of(node_of(node->terms()[1]));
        } else if (node->kind == Kind::bytes) {
            count += node->size;
            break;
        } else {
            Bytes rest = node->span();
            for (uint64_t i = 0; i != node->count; ++i)
                rest = rest.subspan(first_of(rest).size());
            count += node->count;
            node = list_of({.kind = Kind::encoded, .size = rest.size(), .data = rest.data()});
        }
    }
    if (!node || count > UINT32_MAX)
        return 0;
    *length = static_cast<unsigned>(count);
    return 1;
}

int enif_get_tuple(ErlNifEnv* env, ERL_NIF_TERM tuple, int* arity, const ERL_NIF_TERM** elements) {
    const Node& node = node_of(tuple);
    if (node.kind == Kind::tuple) {
        *arity = static_cast<int>(node.count);
        *elements = node.terms();
        return 1;
    }
    const auto found = node.kind == Kind::encoded ? external::tuple(node.span()) : std::nullopt;
    constexpr size_t max_arity = 255; // of the tuples that anybody asks for; nodes take more than their bytes
    if (!found || found->count > max_arity)
        return 0;
    auto* const terms = static_cast<ERL_NIF_TERM*>(env->allocate((found->count + 1) * sizeof(ERL_NIF_TERM)));
    Bytes rest = node.span().subspan(found->begin);
    for (size_t i = 0; i != found->count; ++i) {
        const Bytes element = first_of(rest);
        terms[i] = env->add_encoded(element);
        rest = rest.subspan(element.size());
    }
    *arity = static_cast<int>(found->count);
    *elements = terms;
    return 1;
}

/// Of keys that are there twice, the first one counts.
int enif_get_map_value(ErlNifEnv* env, ERL_NIF_TERM map, ERL_NIF_TERM key, ERL_NIF_TERM* value) {
    const Node& node = node_of(map);
    if (node.kind == Kind::map) {
        for (size_t i = 0; i != node.count; i += 2)
            if (enif_is_identical(node.terms()[i], key) != 0) {
                *value = node.terms()[i + 1];
                return 1;
            }
        return 0;
    }
    const auto entries = node.kind == Kind::encoded ? external::map(node.span()) : std::nullopt;
    if (!entries)
        return 0;
    Bytes rest = node.span().subspan(entries->begin);
    for (size_t i = 0; i != entries->count; i += 2) {
        const Bytes name = first_of(rest);
        rest = rest.subspan(name.size());
        const Bytes found = first_of(rest);
        if (is_identical(node_of(key), name)) {
            *value = env->add_encoded(found);
            return 1;
        }
        rest = rest.subspan(found.size());
    }
    return 0;
}

int enif_get_map_size(ErlNifEnv*, ERL_NIF_TERM map, size_t* size) {
    const Node& node = node_of(map);
    const auto entries = node.kind == Kind::encoded ? external::map(node.span()) : std::nullopt;
    if (!entries && node.kind != Kind::map)
        return 0;
    *size = (entries ? entries->count : static_cast<size_t>(node.count)) / 2;
    return 1;
}

int enif_inspect_binary(ErlNifEnv*, ERL_NIF_TERM term, ErlNifBinary* binary) {
    const auto bytes = binary_of(node_of(term));
    if (!bytes)
        return 0;
    *binary = inspected(*bytes);
    return 1;
}

int enif_inspect_iolist_as_binary(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifBinary* binary) {
    if (enif_inspect_binary(env, term, binary) != 0)
        return 1;
    const Node& node = node_of(term);
    std::vector<uint8_t> flat;
    if (node.kind != Kind::encoded || !external::flatten(node.span(), flat))
        return 0;
    ERL_NIF_TERM made;
    unsigned char* const data = enif_make_new_binary(env, flat.size(), &made);
    if (!flat.empty())
        std::memcpy(data, flat.data(), flat.size());
    *binary = {flat.size(), data};
    return 1;
}

int enif_is_empty_list(ErlNifEnv*, ERL_NIF_TERM term) {
    const auto list = list_of(node_of(term));
    return list && list->kind == Kind::nil ? 1 : 0;
}
int enif_is_binary(ErlNifEnv*, ERL_NIF_TERM term) { return binary_of(node_of(term)) ? 1 : 0; }
int enif_is_number(ErlNifEnv*, ERL_NIF_TERM term) {
    const Node& node = node_of(term);
    if (node.kind != Kind::encoded)
        return node.kind == Kind::integer || node.kind == Kind::natural || node.kind == Kind::number ? 1 : 0;
    switch (static_cast<external::Tag>(node.span()[0])) {
    case external::Tag::small_integer:
    case external::Tag::integer:
    case external::Tag::small_big:
    case external::Tag::large_big:
    case external::Tag::float_:
        return 1;
    default:
        return 0;
    }
}
int enif_is_list(ErlNifEnv*, ERL_NIF_TERM term) { return list_of(node_of(term)) ? 1 : 0; }
int enif_is_map(ErlNifEnv*, ERL_NIF_TERM term) {
    const Node& node = node_of(term);
    return node.kind == Kind::map || (node.kind == Kind::encoded && external::map(node.span())) ? 1 : 0;
}
int enif_is_identical(ERL_NIF_TERM left, ERL_NIF_TERM right) {
    const Node& a = node_of(left);
    const Node& b = node_of(right);
    if (b.kind == Kind::encoded)
        return is_identical(a, b.span()) ? 1 : 0;
    if (a.kind == Kind::encoded)
        return is_identical(b, a.span()) ? 1 : 0;
    if (const auto atom = atom_of(a))
        return atom == atom_of(b) ? 1 : 0;
    external::Buffer bytes;
    (void)warpbeam::serve::encode(bytes, right);
    return is_identical(a, bytes) ? 1 : 0;
}

int enif_term_to_binary(ErlNifEnv*, ERL_NIF_TERM term, ErlNifBinary* binary) {
    external::Buffer bytes{external::version};
    if (!warpbeam::serve::encode(bytes, term))
        return 0;
    auto* const data = static_cast<unsigned char*>(std::malloc(bytes.size()));
    if (data == nullptr)
        return 0;
    std::memcpy(data, bytes.data(), bytes.size());
    *binary = {bytes.size(), data};
    return 1;
}
void enif_release_binary(ErlNifBinary* binary) {
    std::free(binary->data);
    *binary = {0, nullptr};
}
size_t enif_binary_to_term(ErlNifEnv* env, const unsigned char* data, size_t size, ERL_NIF_TERM* term,
                           unsigned) {
    if (size == 0 || data[0] != external::version)
        return 0;
    const auto length = external::size_of({data + 1, size - 1});
    if (!length)
        return 0;
    void* const copy = env->allocate(*length);
    std::memcpy(copy, data + 1, *length);
    *term = env->add_encoded({static_cast<const uint8_t*>(copy), *length});
    return *length + 1;
}
}
