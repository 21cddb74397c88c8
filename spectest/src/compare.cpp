#include "compare.hpp"

#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/vm/gc.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace warpbeam::spectest {
namespace {

struct FloatLayout {
    uint64_t infinity;
    uint64_t quiet;
    uint64_t sign;
};
constexpr FloatLayout layout32{0x7f80'0000, 0x0040'0000, 0x8000'0000};
constexpr FloatLayout layout64{0x7ff0'0000'0000'0000, 0x0008'0000'0000'0000, 0x8000'0000'0000'0000};

/// https://webassembly.github.io/spec/core/syntax/values.html#floating-point
bool lane_matches(const Pattern::Lane& lane, uint64_t bits, const FloatLayout& layout) {
    const uint64_t magnitude = bits & ~layout.sign;
    switch (lane.nan) {
    case NanKind::none:
        return bits == lane.bits;
    case NanKind::canonical:
        return magnitude == (layout.infinity | layout.quiet);
    case NanKind::arithmetic:
        return (magnitude & (layout.infinity | layout.quiet)) == (layout.infinity | layout.quiet);
    }
    return false;
}

bool is_float(LaneShape shape) { return shape == LaneShape::f32x4 || shape == LaneShape::f64x2; }

uint64_t lane_of(const V128& vector, unsigned lane, unsigned bytes) {
    uint64_t bits = 0;
    for (unsigned i = bytes; i-- > 0;)
        bits = bits << 8 | vector.bytes[lane * bytes + i];
    return bits;
}

bool vector_matches(const Pattern& pattern, const V128& vector) {
    const unsigned lanes = lane_count(pattern.shape);
    const unsigned bytes = 16 / lanes;
    for (unsigned i = 0; i < lanes; ++i)
        if (!lane_matches(pattern.lanes[i], lane_of(vector, i, bytes), bytes == 4 ? layout32 : layout64))
            return false;
    return true;
}

V128 to_vector(const Pattern& pattern) {
    V128 vector;
    const unsigned bytes = 16 / lane_count(pattern.shape);
    for (unsigned i = 0; i < 16; ++i)
        vector.bytes[i] = static_cast<uint8_t>(pattern.lanes[i / bytes].bits >> (8 * (i % bytes)));
    return vector;
}

bool is_host_reference(const Value& value, uint64_t payload) {
    const ExternRef reference = ExternRef::from_bits(value.slots()[0]);
    return reference.is_host() && reference.payload() == payload;
}

/// Whether a non-null reference belongs to an abstract type.
bool is_of(HeapType wanted, const Value& value, Store& store) {
    const TypeRegistry& types = store.engine().types();
    const HeapType declared = value.type().heap();
    switch (wanted.code()) {
    case HeapType::func:
    case HeapType::extern_:
    case HeapType::exn:
        return types.matches(declared, wanted);
    case HeapType::any:
        return types.matches(declared, HeapType::any) || types.matches(declared, HeapType::extern_) ||
               types.matches(declared, HeapType::func);
    default:
        return types.matches(declared, HeapType::any) && types.matches(dynamic_type(store, value), wanted);
    }
}

std::string name_of_heap(HeapType type) {
    if (type.is_defined())
        return std::to_string(type.id());
    const AbstractHeap* const row = row_of(type);
    return row != nullptr ? std::string{row->keyword} : "bot";
}

/// A number as its bits, and as its value if that says more.
std::string number(uint64_t bits, bool floating, unsigned width) {
    char text[64];
    if (!floating) {
        std::snprintf(text, sizeof text, "%lld",
                      width == 64 ? static_cast<long long>(bits)
                                  : static_cast<long long>(static_cast<int32_t>(bits)));
    } else if (width == 32) {
        const auto low = static_cast<uint32_t>(bits);
        float value = 0;
        std::memcpy(&value, &low, sizeof value);
        std::snprintf(text, sizeof text, "%.9g (0x%08x)", static_cast<double>(value), low);
    } else {
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        std::snprintf(text, sizeof text, "%.17g (0x%016llx)", value, static_cast<unsigned long long>(bits));
    }
    return text;
}

std::string lane_text(const Pattern::Lane& lane, bool floating, unsigned width) {
    if (lane.nan != NanKind::none)
        return lane.nan == NanKind::canonical ? "nan:canonical" : "nan:arithmetic";
    return number(lane.bits, floating, width);
}

} // namespace

std::optional<Value> to_value(const Pattern& argument) {
    switch (argument.kind) {
    case Pattern::i32:
        return Value::from_slots(ValType::i32, &argument.lanes[0].bits);
    case Pattern::i64:
        return Value::from_slots(ValType::i64, &argument.lanes[0].bits);
    case Pattern::f32:
        return Value::from_slots(ValType::f32, &argument.lanes[0].bits);
    case Pattern::f64:
        return Value::from_slots(ValType::f64, &argument.lanes[0].bits);
    case Pattern::v128:
        return Value{to_vector(argument)};
    case Pattern::null:
        return Value::null(argument.heap_type == HeapType::bot ? HeapType::none : argument.heap_type);
    case Pattern::external:
        return Value{ExternRef::host(argument.lanes[0].bits)};
    case Pattern::host: {
        const uint64_t bits = ExternRef::host(argument.lanes[0].bits).bits();
        return Value::from_slots(ValType::reference(HeapType::any, false), &bits);
    }
    case Pattern::heap:
    case Pattern::either:
        break;
    }
    return std::nullopt;
}

bool matches(const Pattern& pattern, const Value& value, Store& store) {
    const TypeRegistry& types = store.engine().types();
    const ValType type = value.type();
    switch (pattern.kind) {
    case Pattern::i32:
        return type == ValType::i32 && value.slots()[0] == pattern.lanes[0].bits;
    case Pattern::i64:
        return type == ValType::i64 && value.slots()[0] == pattern.lanes[0].bits;
    case Pattern::f32:
        return type == ValType::f32 && lane_matches(pattern.lanes[0], value.slots()[0], layout32);
    case Pattern::f64:
        return type == ValType::f64 && lane_matches(pattern.lanes[0], value.slots()[0], layout64);
    case Pattern::v128:
        return type == ValType::v128 && vector_matches(pattern, value.as<V128>());
    case Pattern::null:
        return value.is_null();
    case Pattern::external:
        return type.is_ref() && types.matches(type.heap(), HeapType::extern_) &&
               is_host_reference(value, pattern.lanes[0].bits);
    case Pattern::host:
        return type.is_ref() && types.matches(type.heap(), HeapType::any) &&
               is_host_reference(value, pattern.lanes[0].bits);
    case Pattern::heap:
        return type.is_ref() && !value.is_null() && is_of(pattern.heap_type, value, store);
    case Pattern::either:
        return std::ranges::any_of(pattern.alternatives,
                                   [&](const Pattern& each) { return matches(each, value, store); });
    }
    return false;
}

std::string to_string(const Pattern& pattern) {
    switch (pattern.kind) {
    case Pattern::i32:
        return "i32 " + lane_text(pattern.lanes[0], false, 32);
    case Pattern::i64:
        return "i64 " + lane_text(pattern.lanes[0], false, 64);
    case Pattern::f32:
        return "f32 " + lane_text(pattern.lanes[0], true, 32);
    case Pattern::f64:
        return "f64 " + lane_text(pattern.lanes[0], true, 64);
    case Pattern::v128: {
        constexpr const char* names[] = {"i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"};
        const unsigned lanes = lane_count(pattern.shape);
        std::string text = std::string{"v128 "} + names[static_cast<unsigned>(pattern.shape)];
        for (unsigned i = 0; i < lanes; ++i)
            text += " " + lane_text(pattern.lanes[i], is_float(pattern.shape), 128 / lanes);
        return text;
    }
    case Pattern::null:
        return pattern.heap_type == HeapType::bot ? "ref.null"
                                                  : "ref.null " + name_of_heap(pattern.heap_type);
    case Pattern::host:
        return "ref.host " + std::to_string(pattern.lanes[0].bits);
    case Pattern::external:
        return "ref.extern " + std::to_string(pattern.lanes[0].bits);
    case Pattern::heap:
        return "a reference to " + name_of_heap(pattern.heap_type);
    case Pattern::either: {
        std::string text = "either";
        for (const Pattern& each : pattern.alternatives)
            text += " (" + to_string(each) + ")";
        return text;
    }
    }
    return {};
}

std::string to_string(const Value& value) {
    const ValType type = value.type();
    switch (type.kind()) {
    case ValType::i32:
        return "i32 " + number(value.slots()[0], false, 32);
    case ValType::i64:
        return "i64 " + number(value.slots()[0], false, 64);
    case ValType::f32:
        return "f32 " + number(value.slots()[0], true, 32);
    case ValType::f64:
        return "f64 " + number(value.slots()[0], true, 64);
    case ValType::v128: {
        std::string text = "v128";
        for (const uint8_t byte : value.as<V128>().bytes) {
            char hex[4];
            std::snprintf(hex, sizeof hex, " %02x", byte);
            text += hex;
        }
        return text;
    }
    default:
        break;
    }
    if (!type.is_ref())
        return "no value";
    if (value.is_null())
        return "ref.null " + name_of_heap(type.heap());
    if (const ExternRef reference = ExternRef::from_bits(value.slots()[0]); reference.is_host())
        return "host reference " + std::to_string(reference.payload());
    if (value.is_i31())
        return "ref.i31 " + std::to_string(value.i31_bits());
    return "a reference of type " + name_of_heap(type.heap());
}

} // namespace warpbeam::spectest
