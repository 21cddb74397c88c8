#include "values.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/host_object.hpp>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

namespace warpbeam::erlang {

namespace {

Term make_float(ErlNifEnv* env, double value) noexcept {
    if (std::isnan(value))
        return atoms.nan;
    if (std::isinf(value))
        return value > 0 ? atoms.positive_infinity : atoms.negative_infinity;
    return enif_make_double(env, value);
}

/// The magnitude of an integer, whose bytes begin with the lowest: rounded once, to infinity beyond the
/// range.
template <typename Float>
Float rounded(std::span<const unsigned char> bytes) noexcept {
    while (!bytes.empty() && bytes.back() == 0)
        bytes = bytes.first(bytes.size() - 1);
    if (bytes.size() > std::numeric_limits<Float>::max_exponent / 8 + 1)
        return std::numeric_limits<Float>::infinity();
    // The first 64 bits decide, and whether others are set.
    uint64_t high = 0;
    int others = 0;
    bool has_more = false;
    for (size_t i = 8 * bytes.size(); i-- != 0;) {
        const uint64_t bit = (bytes[i / 8] >> i % 8) & 1;
        if (high >> 63 == 0) {
            high = high << 1 | bit;
        } else {
            has_more = has_more || bit != 0;
            ++others;
        }
    }
    return std::ldexp(static_cast<Float>(high | (has_more ? 1 : 0)), others);
}

/// An integer of more than 64 bits. The runtime system shows it as an external term alone.
template <typename Float>
std::optional<Float> read_long_integer(ErlNifEnv* env, Term term) noexcept {
    constexpr unsigned char small_big = 110; // its size has one byte, the next is the sign
    constexpr unsigned char large_big = 111; // four
    ErlNifBinary external;
    if (enif_is_number(env, term) == 0 || enif_term_to_binary(env, term, &external) == 0)
        return std::nullopt;
    const std::span bytes{external.data, external.size};
    const size_t sign = bytes.size() < 2 ? 0 : bytes[1] == small_big ? 3 : bytes[1] == large_big ? 6 : 0;
    std::optional<Float> number;
    if (sign != 0 && sign < bytes.size()) {
        const auto magnitude = rounded<Float>(bytes.subspan(sign + 1));
        number = bytes[sign] != 0 ? -magnitude : magnitude;
    }
    enif_release_binary(&external);
    return number;
}

template <typename Float>
std::optional<Float> read_float(ErlNifEnv* env, Term term) noexcept {
    double value;
    if (enif_get_double(env, term, &value) != 0)
        return static_cast<Float>(value);
    ErlNifSInt64 integer;
    if (enif_get_int64(env, term, &integer) != 0)
        return static_cast<Float>(integer);
    ErlNifUInt64 natural;
    if (enif_get_uint64(env, term, &natural) != 0)
        return static_cast<Float>(natural);
    if (enif_is_identical(term, atoms.nan) != 0)
        return std::numeric_limits<Float>::quiet_NaN();
    if (enif_is_identical(term, atoms.positive_infinity) != 0)
        return std::numeric_limits<Float>::infinity();
    if (enif_is_identical(term, atoms.negative_infinity) != 0)
        return -std::numeric_limits<Float>::infinity();
    return read_long_integer<Float>(env, term);
}

/// The slot of an integer that is in the signed or unsigned range of a width.
std::optional<uint64_t> read_integer(ErlNifEnv* env, Term term, bool is_64) noexcept {
    ErlNifSInt64 integer;
    if (enif_get_int64(env, term, &integer) != 0) {
        if (!is_64 && (integer < INT32_MIN || integer > int64_t{UINT32_MAX}))
            return std::nullopt;
        return is_64 ? static_cast<uint64_t>(integer) : static_cast<uint32_t>(integer);
    }
    ErlNifUInt64 natural;
    if (is_64 && enif_get_uint64(env, term, &natural) != 0)
        return natural;
    return std::nullopt;
}

// ---- References ----

bool is_external(HeapType heap) noexcept { return heap == HeapType::extern_ || heap == HeapType::noextern; }
bool is_internal(HeapType heap) noexcept {
    return heap == HeapType::any || heap == HeapType::eq || heap == HeapType::i31;
}

std::optional<Term> make_reference(ErlNifEnv* env, InstanceResource& instance, const Value& value) noexcept {
    if (value.is_null())
        return atoms.null;
    const HeapType heap = value.type().heap();
    if (is_external(heap)) {
        const HeldTerm* const held = ExternRef::from_bits(value.slots()[0]).object<HeldTerm>(instance.store);
        if (held != nullptr)
            return held->copy_to(env);
    } else if (is_internal(heap) && value.is_i31()) {
        constexpr uint32_t sign = 1U << 30;
        const auto number = static_cast<int>((value.i31_bits() ^ sign) - sign);
        return enif_make_tuple2(env, atoms.i31, enif_make_int(env, number));
    }
    Term term;
    return make_reference_resource(env, instance, value, term) ? std::optional{term} : std::nullopt;
}

std::optional<Value> read_i31(ErlNifEnv* env, Term term) noexcept {
    int arity;
    const Term* elements;
    int number;
    if (enif_get_tuple(env, term, &arity, &elements) == 0 || arity != 2 ||
        enif_is_identical(elements[0], atoms.i31) == 0 || enif_get_int(env, elements[1], &number) == 0 ||
        number < -(1 << 30))
        return std::nullopt;
    return Value::i31(static_cast<uint32_t>(number));
}

std::optional<Value> read_reference(ErlNifEnv* env, InstanceResource& instance, Term term, ValType type,
                                    std::string& why) noexcept {
    const HeapType heap = type.heap();
    if (enif_is_identical(term, atoms.null) != 0) {
        if (type.nullable())
            return Value::null(heap);
        why = "is null, which the type excludes";
        return std::nullopt;
    }
    if (const ReferenceResource* const reference = get_reference(env, term)) {
        if (&reference->instance == &instance)
            return reference->root->value();
        why = "is a reference to an object of another instance";
        return std::nullopt;
    }
    if (is_internal(heap)) {
        if (const auto number = read_i31(env, term))
            return number;
    } else if (heap == HeapType::extern_) {
        const auto made = ExternRef::create(instance.store, HeldTerm{term});
        if (made)
            return Value{*made};
        why = std::string{"can't be held: "} + std::string{made.error().message()};
        return std::nullopt;
    }
    why = "is no reference to an object of this instance";
    return std::nullopt;
}

} // namespace

Term make_number(ErlNifEnv* env, ValType type, uint64_t slot) noexcept {
    switch (type.kind()) {
    case ValType::i32:
        return enif_make_int(env, static_cast<int32_t>(slot));
    case ValType::i64:
        return enif_make_int64(env, static_cast<int64_t>(slot));
    case ValType::f32:
        return make_float(env, static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(slot))));
    default:
        return make_float(env, std::bit_cast<double>(slot));
    }
}

std::optional<Term> make_value(ErlNifEnv* env, InstanceResource& instance, const Value& value) noexcept {
    switch (value.type().kind()) {
    case ValType::i32:
    case ValType::i64:
    case ValType::f32:
    case ValType::f64:
        return make_number(env, value.type(), value.slots()[0]);
    case ValType::v128: {
        const V128 vector = value.as<V128>();
        return make_binary(env, {reinterpret_cast<const char*>(vector.bytes.data()), vector.bytes.size()});
    }
    default:
        return make_reference(env, instance, value);
    }
}

std::optional<uint64_t> read_number(ErlNifEnv* env, Term term, ValType type) noexcept {
    switch (type.kind()) {
    case ValType::i32:
    case ValType::i64:
        return read_integer(env, term, type.kind() == ValType::i64);
    case ValType::f32:
        if (const auto number = read_float<float>(env, term))
            return std::bit_cast<uint32_t>(*number);
        return std::nullopt;
    case ValType::f64:
        if (const auto number = read_float<double>(env, term))
            return std::bit_cast<uint64_t>(*number);
        return std::nullopt;
    default:
        return std::nullopt;
    }
}

std::optional<Value> read_value(ErlNifEnv* env, InstanceResource& instance, Term term, ValType type,
                                std::string& why) noexcept {
    if (const auto slot = read_number(env, term, type))
        return Value::from_slots(type, &*slot);
    switch (type.kind()) {
    case ValType::i32:
        why = "is no integer from -2147483648 to 4294967295, as an i32 needs";
        return std::nullopt;
    case ValType::i64:
        why = "is no integer from -9223372036854775808 to 18446744073709551615, as an i64 needs";
        return std::nullopt;
    case ValType::f32:
        why = "is no number, nan, '+inf' or '-inf', as an f32 needs";
        return std::nullopt;
    case ValType::f64:
        why = "is no number, nan, '+inf' or '-inf', as an f64 needs";
        return std::nullopt;
    case ValType::v128: {
        ErlNifBinary binary;
        V128 vector;
        if (enif_inspect_binary(env, term, &binary) != 0 && binary.size == vector.bytes.size()) {
            std::memcpy(vector.bytes.data(), binary.data, binary.size);
            return Value{vector};
        }
        why = "is no binary of 16 bytes, as a v128 needs";
        return std::nullopt;
    }
    default:
        return read_reference(env, instance, term, type, why);
    }
}

bool read_values(ErlNifEnv* env, InstanceResource& instance, Term list, std::span<const ValType> types,
                 Values& values, std::string& why) noexcept {
    if (types.empty() && enif_is_empty_list(env, list) != 0)
        return true;
    // A list of any length may come: no more of it is looked at than an error tells.
    const size_t most = types.size() + 1000;
    size_t count = 0;
    Term cell;
    Term rest = list;
    while (count <= most && enif_get_list_cell(env, rest, &cell, &rest) != 0)
        ++count;
    if (count <= most && enif_is_empty_list(env, rest) == 0) {
        why = "the values are no list";
        return false;
    }
    if (count != types.size()) {
        why = std::to_string(types.size()) + (types.size() == 1 ? " value is" : " values are") +
              " needed, not " + (count > most ? "more than " + std::to_string(most) : std::to_string(count));
        return false;
    }
    if (!values.resize(count)) {
        why = "out of memory";
        return false;
    }
    const std::span<Value> all = values.all();
    Term head;
    for (size_t i = 0; enif_get_list_cell(env, list, &head, &list) != 0; ++i) {
        const auto value = read_value(env, instance, head, types[i], why);
        if (!value) {
            why = "value " + std::to_string(i + 1) + " " + why;
            return false;
        }
        all[i] = *value;
    }
    return true;
}

Term make_type(ValType type) noexcept {
    switch (type.kind()) {
    case ValType::i32:
        return atoms.i32;
    case ValType::i64:
        return atoms.i64;
    case ValType::f32:
        return atoms.f32;
    case ValType::f64:
        return atoms.f64;
    case ValType::v128:
        return atoms.v128;
    default:
        return type == externref                                  ? atoms.externref
               : type == ValType::reference(HeapType::func, true) ? atoms.funcref
                                                                  : atoms.reference;
    }
}

Term make_func_type(ErlNifEnv* env, const FuncType& type) noexcept {
    const auto list_of = [env](std::span<const ValType> types) {
        Term list = enif_make_list(env, 0);
        for (size_t i = types.size(); i-- != 0;)
            list = enif_make_list_cell(env, make_type(types[i]), list);
        return list;
    };
    return enif_make_tuple2(env, list_of(type.params), list_of(type.results));
}

namespace {

/// The name of a tag: that of the export, or `{Module, Name}` of the import. None if it has neither.
std::optional<Term> make_tag_name(ErlNifEnv* env, const Instance& instance, const Tag& tag) noexcept {
    const Module module = instance.module();
    for (const Export& entry : module.exports())
        if (entry.kind == ExternKind::tag && std::get<Tag>(instance.get(entry)) == tag)
            return make_binary(env, entry.name);
    uint32_t index = 0;
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::tag && instance.tag_at(index++) == tag)
            return enif_make_tuple2(env, make_binary(env, import.module), make_binary(env, import.name));
    return std::nullopt;
}

} // namespace

Term make_trap(ErlNifEnv* env, InstanceResource& instance, const Trap& trap) noexcept {
    const Term error = make_error(env, trap);
    const auto exception = trap.exception();
    if (!exception)
        return error;
    const auto values =
        make_values(env, instance, exception->size(), [&](size_t i) { return (*exception)[i]; });
    if (!values)
        return error;
    Term details = add_to(env, enif_make_new_map(env), atoms.values, *values);
    if (instance.instance)
        if (const auto name = make_tag_name(env, instance.instance, exception->tag()))
            details = add_to(env, details, atoms.tag, *name);
    int arity;
    const Term* elements;
    return enif_get_tuple(env, error, &arity, &elements) != 0
               ? enif_make_tuple2(env, atoms.error, add_to(env, elements[1], atoms.exception, details))
               : error;
}

} // namespace warpbeam::erlang
