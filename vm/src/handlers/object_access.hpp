#pragma once

#include "handlers/memory_access.hpp"
#include "heap/heap.hpp"

/// What the handlers for structures and arrays share. How a field is accessed is said by the instruction that
/// accesses memory in the same way: i32.load8_s for a packed field that is read sign-extended.

namespace warpbeam::vm {

[[gnu::always_inline]] inline Object* to_object(Slot reference) noexcept {
    return reinterpret_cast<Object*>(static_cast<uintptr_t>(reference));
}
[[gnu::always_inline]] inline Slot from_object(const Object* object) noexcept {
    return reinterpret_cast<uintptr_t>(object);
}
[[gnu::always_inline]] inline ArrayObject* to_array(Slot reference) noexcept {
    return static_cast<ArrayObject*>(to_object(reference));
}

template <typename Visitor>
constexpr Handler visit_field_load(Op op, Visitor visit) noexcept {
    switch (op) {
    case Op::i32_load8_s:
        return visit(Access<int8_t, uint32_t>{});
    case Op::i32_load8_u:
        return visit(Access<uint8_t, uint32_t>{});
    case Op::i32_load16_s:
        return visit(Access<int16_t, uint32_t>{});
    case Op::i32_load16_u:
        return visit(Access<uint16_t, uint32_t>{});
    case Op::i32_load:
        return visit(Access<uint32_t, uint32_t>{});
    case Op::i64_load:
        return visit(Access<uint64_t, uint64_t>{});
    case Op::f32_load:
        return visit(Access<float, float>{});
    case Op::f64_load:
        return visit(Access<double, double>{});
    case Op::v128_load:
        return visit(Access<Vector, Vector>{});
    default:
        return nullptr;
    }
}
template <typename Visitor>
constexpr Handler visit_field_store(Op op, Visitor visit) noexcept {
    switch (op) {
    case Op::i32_store8:
        return visit(Access<uint8_t, uint32_t>{});
    case Op::i32_store16:
        return visit(Access<uint16_t, uint32_t>{});
    case Op::i32_store:
        return visit(Access<uint32_t, uint32_t>{});
    case Op::i64_store:
        return visit(Access<uint64_t, uint64_t>{});
    case Op::f32_store:
        return visit(Access<float, float>{});
    case Op::f64_store:
        return visit(Access<double, double>{});
    case Op::v128_store:
        return visit(Access<Vector, Vector>{});
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
