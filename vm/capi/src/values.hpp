#pragma once

#include "refs.hpp"

#include <warpbeam/vm/value.hpp>

namespace warpbeam::capi {

/// A value for C; false if memory runs out, or if there is no room for it in a wasm_val_t.
[[nodiscard]] bool to_c(wasm_store_t& store, const Value& value, wasm_val_t& out) noexcept;
/// A value for this store, of a type of the same kind. Whether a reference has exactly this type is not
/// checked. Errors: `usage` if it does not fit, `limit` if the heap is full, `out_of_memory`.
[[nodiscard]] std::expected<Value, Error> from_c(wasm_store_t& store, const wasm_val_t& value,
                                                 ValType type) noexcept;

/// @{ The same for several values. Errors: `usage`, `out_of_memory`.
[[nodiscard]] std::expected<Vec<Value>, Error> values_of(wasm_store_t& store, std::span<const ValType> types,
                                                         const wasm_val_vec_t* from) noexcept;
[[nodiscard]] warpbeam_error_t* to_c(wasm_store_t& store, std::span<const Value> values,
                                     wasm_val_vec_t& out) noexcept;
/// @}

/// The same for references alone; null is the null reference.
[[nodiscard]] std::expected<Value, Error> from_c(wasm_store_t& store, const wasm_ref_t* ref,
                                                 HeapType type) noexcept;
/// A reference that the caller owns; null for null, and if memory runs out.
[[nodiscard]] wasm_ref_t* make_reference(wasm_store_t& store, const Value& value) noexcept;

/// A zero or null of this kind.
void set_zero(wasm_val_t& value, wasm_valkind_t kind) noexcept;

/// Room for a few objects without an allocation.
template <typename T>
class Room {
public:
    Room(Allocator& allocator, size_t count) noexcept : rest_{allocator}, count_{count} {
        if (count > few)
            has_memory_ = rest_.resize(count);
    }
    /// Whether there was memory for them.
    explicit operator bool() const noexcept { return has_memory_; }
    [[nodiscard]] std::span<T> all() noexcept { return {count_ > few ? rest_.data() : first_, count_}; }

private:
    static constexpr size_t few = 8;
    T first_[few] = {};
    Vec<T> rest_;
    size_t count_;
    bool has_memory_ = true;
};

} // namespace warpbeam::capi
