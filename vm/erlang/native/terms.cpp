#include "terms.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace warpbeam::erlang {

Atoms atoms;

void Atoms::make(ErlNifEnv* env) noexcept {
#define WARPBEAM_ERLANG_ATOM(name) this->name = enif_make_atom(env, #name);
    WARPBEAM_ERLANG_ATOMS(WARPBEAM_ERLANG_ATOM)
#undef WARPBEAM_ERLANG_ATOM
    positive_infinity = enif_make_atom(env, "+inf");
    negative_infinity = enif_make_atom(env, "-inf");
}

Term make_binary(ErlNifEnv* env, std::string_view text) noexcept {
    Term term;
    unsigned char* const bytes = enif_make_new_binary(env, text.size(), &term);
    if (!text.empty())
        std::memcpy(bytes, text.data(), text.size());
    return term;
}

// ---- Errors ----

namespace {

Term add(ErlNifEnv* env, Term map, Term key, Term value) noexcept {
    Term more;
    return enif_make_map_put(env, map, key, value, &more) != 0 ? more : map;
}

Term kind_of(ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::malformed:
        return atoms.malformed;
    case ErrorCode::invalid:
        return atoms.invalid;
    case ErrorCode::unsupported:
        return atoms.unsupported;
    case ErrorCode::limit:
        return atoms.limit;
    case ErrorCode::out_of_memory:
        return atoms.out_of_memory;
    case ErrorCode::unlinkable:
        return atoms.unlinkable;
    case ErrorCode::usage:
        break;
    }
    return atoms.usage;
}

Term kind_of(TrapCode code) noexcept {
    switch (code) {
    case TrapCode::out_of_fuel:
        return atoms.out_of_fuel;
    case TrapCode::exit:
        return atoms.exit;
    case TrapCode::out_of_memory:
        return atoms.out_of_memory;
    case TrapCode::uncaught_exception:
        return atoms.uncaught_exception;
    case TrapCode::interrupted:
        return atoms.stopped;
    default:
        return atoms.trap;
    }
}

Term make_map(ErlNifEnv* env, Term kind, std::string_view message) noexcept {
    return add(env, add(env, enif_make_new_map(env), atoms.kind, kind), atoms.message,
               make_binary(env, message));
}

} // namespace

Term make_error(ErlNifEnv* env, Term kind, std::string_view message) noexcept {
    return enif_make_tuple2(env, atoms.error, make_map(env, kind, message));
}

Term make_error(ErlNifEnv* env, const Error& error) noexcept {
    Term map = make_map(env, kind_of(error.code()), error.message());
    if (error.offset() != Error::no_offset)
        map = add(env, map, atoms.offset, enif_make_uint64(env, error.offset()));
    return enif_make_tuple2(env, atoms.error, map);
}

Term make_error(ErlNifEnv* env, const InstantiationError& error) noexcept {
    if (const Trap* const trap = error.trap())
        return make_error(env, *trap);
    return make_error(env, error.code() ? kind_of(*error.code()) : atoms.trap, error.message());
}

Term make_error(ErlNifEnv* env, const Trap& trap) noexcept {
    Term map = make_map(env, kind_of(trap.code()), trap.message());
    if (trap.code() == TrapCode::exit)
        map = add(env, map, atoms.status, enif_make_int(env, trap.exit_status()));
    Term frames = enif_make_list(env, 0);
    const std::span<const Frame> backtrace = trap.backtrace();
    for (size_t i = backtrace.size(); i-- != 0;) {
        const Frame& frame = backtrace[i];
        Term entry = add(env, enif_make_new_map(env), atoms.function, enif_make_uint(env, frame.func));
        if (!frame.func_name().empty())
            entry = add(env, entry, atoms.name, make_binary(env, frame.func_name()));
        if (frame.offset != Error::no_offset)
            entry = add(env, entry, atoms.offset, enif_make_uint64(env, frame.offset));
        frames = enif_make_list_cell(env, entry, frames);
    }
    return enif_make_tuple2(env, atoms.error, add(env, map, atoms.backtrace, frames));
}

// ---- Values ----

namespace {

Term make_float(ErlNifEnv* env, double value) noexcept {
    if (std::isnan(value))
        return atoms.nan;
    if (std::isinf(value))
        return value > 0 ? atoms.positive_infinity : atoms.negative_infinity;
    return enif_make_double(env, value);
}

std::optional<double> read_float(ErlNifEnv* env, Term term) noexcept {
    double value;
    if (enif_get_double(env, term, &value) != 0)
        return value;
    ErlNifSInt64 integer;
    if (enif_get_int64(env, term, &integer) != 0)
        return static_cast<double>(integer);
    ErlNifUInt64 natural;
    if (enif_get_uint64(env, term, &natural) != 0)
        return static_cast<double>(natural);
    if (enif_is_identical(term, atoms.nan) != 0)
        return std::numeric_limits<double>::quiet_NaN();
    if (enif_is_identical(term, atoms.positive_infinity) != 0)
        return std::numeric_limits<double>::infinity();
    if (enif_is_identical(term, atoms.negative_infinity) != 0)
        return -std::numeric_limits<double>::infinity();
    return std::nullopt;
}

/// The bits of an integer that is in the signed or unsigned range of a width.
std::optional<uint64_t> read_integer(ErlNifEnv* env, Term term, bool is_64) noexcept {
    ErlNifSInt64 integer;
    if (enif_get_int64(env, term, &integer) != 0) {
        if (!is_64 && (integer < INT32_MIN || integer > int64_t{UINT32_MAX}))
            return std::nullopt;
        return static_cast<uint64_t>(integer);
    }
    ErlNifUInt64 natural;
    if (is_64 && enif_get_uint64(env, term, &natural) != 0)
        return natural;
    return std::nullopt;
}

} // namespace

std::optional<Term> make_value(ErlNifEnv* env, const Value& value) noexcept {
    switch (value.type().kind()) {
    case ValType::i32:
        return enif_make_int(env, value.as<int32_t>());
    case ValType::i64:
        return enif_make_int64(env, value.as<int64_t>());
    case ValType::f32:
        return make_float(env, static_cast<double>(value.as<float>()));
    case ValType::f64:
        return make_float(env, value.as<double>());
    case ValType::v128: {
        const V128 vector = value.as<V128>();
        return make_binary(env, {reinterpret_cast<const char*>(vector.bytes.data()), vector.bytes.size()});
    }
    default:
        return value.is_null() ? std::optional{atoms.null} : std::nullopt;
    }
}

std::optional<Value> read_value(ErlNifEnv* env, Term term, ValType type, std::string& why) noexcept {
    switch (type.kind()) {
    case ValType::i32:
        if (const auto bits = read_integer(env, term, false))
            return Value{static_cast<uint32_t>(*bits)};
        why = "is no integer from -2147483648 to 4294967295, as an i32 needs";
        return std::nullopt;
    case ValType::i64:
        if (const auto bits = read_integer(env, term, true))
            return Value{*bits};
        why = "is no integer from -9223372036854775808 to 18446744073709551615, as an i64 needs";
        return std::nullopt;
    case ValType::f32:
        if (const auto number = read_float(env, term))
            return Value{static_cast<float>(*number)};
        why = "is no number, nan, '+inf' or '-inf', as an f32 needs";
        return std::nullopt;
    case ValType::f64:
        if (const auto number = read_float(env, term))
            return Value{*number};
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
        if (enif_is_identical(term, atoms.null) != 0 && type.nullable())
            return Value::null(type.heap());
        why = "can't be a reference: only null is supported";
        return std::nullopt;
    }
}

std::optional<Vec<Value>> read_values(ErlNifEnv* env, Term list, std::span<const ValType> types,
                                      std::string& why) noexcept {
    Vec<Value> values;
    unsigned count;
    if (enif_get_list_length(env, list, &count) == 0) {
        why = "the values are no list";
        return std::nullopt;
    }
    if (count != types.size()) {
        why = std::to_string(types.size()) + " values are needed, not " + std::to_string(count);
        return std::nullopt;
    }
    Term head;
    while (enif_get_list_cell(env, list, &head, &list) != 0) {
        const auto value = read_value(env, head, types[values.size()], why);
        if (!value) {
            why = "value " + std::to_string(values.size() + 1) + " " + why;
            return std::nullopt;
        }
        if (!values.push(*value)) {
            why = "out of memory";
            return std::nullopt;
        }
    }
    return values;
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

} // namespace warpbeam::erlang
