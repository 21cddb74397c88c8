#pragma once

#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/little_endian.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <type_traits>

namespace warpbeam {

namespace vm {
struct Internal;
}

/// A 128-bit vector: its bytes in memory order, lane 0 first. Thread-safety: this and the other types of this
/// header are plain values; using what a reference refers to is up to the thread of its store.
/// https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations
struct V128 {
    std::array<uint8_t, 16> bytes{}; ///< the 16 bytes
    friend constexpr bool operator==(const V128&, const V128&) noexcept = default;
};

class Error;
class Store;
template <typename T>
class Ref;

/// A reference to something outside WebAssembly, or null: a value of type `externref`. WebAssembly code
/// can only pass it around. It holds either a payload that the embedder chooses (an index, or a pointer cast
/// to an integer), or it refers to a C++ object that the store owns. The functions for such objects are in
/// host_object.hpp; a reference to one is valid as long as the object is kept alive (root.hpp).
/// https://webassembly.github.io/spec/core/exec/runtime.html#values
class ExternRef {
public:
    /// The null reference.
    constexpr ExternRef() noexcept = default;
    /// A reference with a payload below 2^62; higher bits are lost.
    [[nodiscard]] static constexpr ExternRef host(uint64_t payload) noexcept {
        return from_bits(payload << 2 | 2);
    }
    /// Destroys an object after the last reference to it is gone.
    using Finalizer = void (*)(void* data) noexcept;
    /// Hands an object over to the store: by moving it in, by sharing it, or together with a finalizer. If
    /// that fails, the object is destroyed (released, finalized) at once. A null Ref becomes the null
    /// reference. Errors: `limit` if the heap is full, `out_of_memory`.
    template <typename T>
    [[nodiscard]] static std::expected<ExternRef, Error> create(Store& store, T object) noexcept;
    /// The same for a shared object.
    template <typename T>
    [[nodiscard]] static std::expected<ExternRef, Error> create(Store& store, Ref<T> object) noexcept;
    /// The same for an object that a finalizer destroys.
    [[nodiscard]] WARPBEAM_API static std::expected<ExternRef, Error> create(Store& store, void* data,
                                                                             Finalizer finalize) noexcept;
    /// The object. Null if it was created as another type, and for all other references.
    template <typename T>
    [[nodiscard]] T* object(const Store& store) const noexcept;
    /// The address of the object, whatever its type is. Null for all other references.
    [[nodiscard]] WARPBEAM_API void* data(const Store& store) const noexcept;

    /// A reference from the engine's own encoding, as returned by `bits`.
    [[nodiscard]] static constexpr ExternRef from_bits(uint64_t bits) noexcept {
        ExternRef reference;
        reference.bits_ = bits;
        return reference;
    }

    /// Whether it is the null reference.
    [[nodiscard]] constexpr bool is_null() const noexcept { return bits_ == 0; }
    /// Whether it was made by `host`. If not, it is null, refers to a C++ object, or is an internal reference
    /// that code has converted.
    [[nodiscard]] constexpr bool is_host() const noexcept { return (bits_ & 3) == 2; }
    /// What was given to `host`. Precondition: `is_host()`.
    [[nodiscard]] constexpr uint64_t payload() const noexcept { return bits_ >> 2; }
    /// The engine's own encoding.
    [[nodiscard]] constexpr uint64_t bits() const noexcept { return bits_; }
    friend constexpr bool operator==(ExternRef, ExternRef) noexcept = default;

private:
    uint64_t bits_ = 0;
};

/// A value of type `anyref`: null, or a reference to a structure, an array, an i31, or an external reference
/// that code has converted. It is valid as long as the object is kept alive (root.hpp). StructRef and
/// ArrayRef (gc.hpp) convert to it; `StructRef::from` and `ArrayRef::from` convert back.
/// https://webassembly.github.io/spec/core/syntax/types.html#heap-types
class AnyRef {
public:
    /// The null reference.
    constexpr AnyRef() noexcept = default;
    /// The number in the low 31 bits.
    [[nodiscard]] static constexpr AnyRef i31(uint32_t number) noexcept {
        return from_bits(uint64_t{number & 0x7fff'ffff} << 1 | 1);
    }
    /// @{ The same as an external reference and back, as `extern.convert_any` and `any.convert_extern` do.
    [[nodiscard]] static constexpr AnyRef from_extern(ExternRef external) noexcept {
        return from_bits(external.bits());
    }
    [[nodiscard]] constexpr ExternRef to_extern() const noexcept { return ExternRef::from_bits(bits_); }
    /// @}
    /// A reference from the engine's own encoding, as returned by `bits`.
    [[nodiscard]] static constexpr AnyRef from_bits(uint64_t bits) noexcept {
        AnyRef reference;
        reference.bits_ = bits;
        return reference;
    }

    /// Whether it is the null reference.
    [[nodiscard]] constexpr bool is_null() const noexcept { return bits_ == 0; }
    /// Whether it is a reference to a 31-bit integer.
    [[nodiscard]] constexpr bool is_i31() const noexcept { return (bits_ & 1) != 0; }
    /// The 31-bit integer, zero-extended. Precondition: `is_i31()`.
    [[nodiscard]] constexpr uint32_t i31_bits() const noexcept {
        return static_cast<uint32_t>(bits_ >> 1) & 0x7fff'ffff;
    }
    /// The engine's own encoding.
    [[nodiscard]] constexpr uint64_t bits() const noexcept { return bits_; }
    friend constexpr bool operator==(AnyRef, AnyRef) noexcept = default;

private:
    uint64_t bits_ = 0;
};

namespace detail {

/// How a C++ type corresponds to a WebAssembly type: `type`, the number of 64-bit slots, and the conversions.
/// If a type can't be loaded from slots alone, its `load` takes the store too.
template <typename T>
struct Mapping;

template <typename T, ValType::Kind kind>
struct NumberMapping {
    static constexpr ValType type{kind};
    static constexpr size_t slots = 1;
    static void store(uint64_t* slot, T value) noexcept {
        *slot = std::bit_cast<UnsignedOf<sizeof(T)>>(value);
    }
    static T load(const uint64_t* slot) noexcept {
        return std::bit_cast<T>(static_cast<UnsignedOf<sizeof(T)>>(*slot));
    }
};

/// An integer that is not meant as a character.
template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, wchar_t> && !std::same_as<T, char32_t>;

template <typename T>
    requires(Integer<T> && sizeof(T) == 4)
struct Mapping<T> : NumberMapping<T, ValType::i32> {};
template <typename T>
    requires(Integer<T> && sizeof(T) == 8)
struct Mapping<T> : NumberMapping<T, ValType::i64> {};
template <>
struct Mapping<float> : NumberMapping<float, ValType::f32> {};
template <>
struct Mapping<double> : NumberMapping<double, ValType::f64> {};

template <>
struct Mapping<V128> {
    static constexpr ValType type{ValType::v128};
    static constexpr size_t slots = 2;
    static void store(uint64_t* slot, V128 value) noexcept {
        std::memcpy(slot, value.bytes.data(), 16);
        slot[0] = little_endian(slot[0]);
        slot[1] = little_endian(slot[1]);
    }
    static V128 load(const uint64_t* slot) noexcept {
        const uint64_t halves[] = {little_endian(slot[0]), little_endian(slot[1])};
        V128 value;
        std::memcpy(value.bytes.data(), halves, 16);
        return value;
    }
};

template <>
struct Mapping<ExternRef> {
    static constexpr ValType type = externref;
    static constexpr size_t slots = 1;
    static constexpr bool accepts(ValType given) noexcept {
        return given.is_ref() && (given.heap() == HeapType::extern_ || given.heap() == HeapType::noextern);
    }
    static void store(uint64_t* slot, ExternRef value) noexcept { *slot = value.bits(); }
    static ExternRef load(const uint64_t* slot) noexcept { return ExternRef::from_bits(*slot); }
};

template <>
struct Mapping<AnyRef> {
    static constexpr ValType type = ValType::reference(HeapType::any, true);
    static constexpr size_t slots = 1;
    /// A defined type is a structure or array type here: values that refer to functions have the type `func`.
    static constexpr bool accepts(ValType given) noexcept {
        if (!given.is_ref())
            return false;
        const HeapType heap = given.heap();
        return heap.is_defined() || heap == HeapType::any || heap == HeapType::eq || heap == HeapType::i31 ||
               heap == HeapType::struct_ || heap == HeapType::array || heap == HeapType::none;
    }
    static void store(uint64_t* slot, AnyRef value) noexcept { *slot = value.bits(); }
    static AnyRef load(const uint64_t* slot) noexcept { return AnyRef::from_bits(*slot); }
};

} // namespace detail

/// A C++ type for WebAssembly values: the 32-bit and 64-bit integers (i32 and i64, signed or unsigned),
/// float, double, V128, and for references that may be null: ExternRef, AnyRef, StructRef (structref),
/// ArrayRef (arrayref), Func (funcref) and TypedFunc (a reference to a function of its type).
template <typename T>
concept WasmType = requires { detail::Mapping<T>::type; };

/// A WasmType to which a Value can be converted. For structures, arrays and typed functions use
/// `StructRef::from`, `ArrayRef::from` and `Func::typed` instead.
template <typename T>
concept ValueType = WasmType<T> && requires(const uint64_t* slots) { detail::Mapping<T>::load(slots); };

/// A value together with its type. A reference has the type that it was created or declared with; whether it
/// matches a more precise type is checked where it is used. A small copyable value. A reference is valid as
/// long as its store; root.hpp says how long garbage-collected objects live.
/// https://webassembly.github.io/spec/core/exec/runtime.html#values
class Value {
public:
    /// The i32 zero.
    constexpr Value() noexcept = default;
    /// Converts from every WasmType, implicitly, so that `{1, 2.5}` is a list of values.
    template <WasmType T>
    Value(T value) noexcept : type_{detail::Mapping<T>::type} {
        detail::Mapping<T>::store(slots_, value);
        if constexpr (requires { detail::Mapping<T>::store_number(value); })
            slots_[1] = detail::Mapping<T>::store_number(value);
    }
    /// The null reference of a type `(ref null heap)`.
    [[nodiscard]] static Value null(HeapType heap) noexcept {
        Value value;
        value.type_ = ValType::reference(heap, true);
        return value;
    }
    /// The number in the low 31 bits, as a value of type `(ref i31)`.
    [[nodiscard]] static Value i31(uint32_t number) noexcept {
        Value value;
        value.type_ = ValType::reference(HeapType::i31, false);
        value.slots_[0] = uint64_t{number & 0x7fff'ffff} << 1 | 1;
        return value;
    }
    /// A value from the engine's own encoding: one 64-bit slot, or two for a v128. Function references can't
    /// be made in this way, since the slot does not identify the store.
    [[nodiscard]] static Value from_slots(ValType type, const uint64_t* slots) noexcept {
        Value value;
        value.type_ = type;
        value.slots_[0] =
            type.kind() == ValType::i32 || type.kind() == ValType::f32 ? uint32_t(*slots) : *slots;
        if (type.is_vec())
            value.slots_[1] = slots[1];
        return value;
    }

    /// The type of the value.
    [[nodiscard]] ValType type() const noexcept { return type_; }
    /// Whether `as<T>` may be called: the types are equal, ignoring nullability and the function's type for a
    /// Func.
    template <ValueType T>
    [[nodiscard]] bool is() const noexcept {
        if constexpr (requires { detail::Mapping<T>::accepts(type_); })
            return detail::Mapping<T>::accepts(type_);
        else
            return type_ == detail::Mapping<T>::type;
    }
    /// The value as a C++ type. Precondition: `is<T>()`.
    template <ValueType T>
    [[nodiscard]] T as() const noexcept {
        if constexpr (requires { detail::Mapping<T>::load_value(slots_); })
            return detail::Mapping<T>::load_value(slots_);
        else
            return detail::Mapping<T>::load(slots_);
    }
    /// The value as a C++ type; none if it has another type.
    template <ValueType T>
    [[nodiscard]] std::optional<T> get() const noexcept {
        return is<T>() ? std::optional<T>{as<T>()} : std::nullopt;
    }
    /// Whether it is a null reference.
    [[nodiscard]] bool is_null() const noexcept { return type_.is_ref() && slots_[0] == 0; }
    /// Whether it is a reference to a 31-bit integer.
    [[nodiscard]] bool is_i31() const noexcept { return type_.is_ref() && (slots_[0] & 1) != 0; }
    /// The 31-bit integer, zero-extended. Precondition: `is_i31()`.
    [[nodiscard]] uint32_t i31_bits() const noexcept {
        return static_cast<uint32_t>(slots_[0] >> 1) & 0x7fff'ffff;
    }
    /// The engine's own encoding.
    [[nodiscard]] const uint64_t* slots() const noexcept { return slots_; }

private:
    friend struct vm::Internal;
    ValType type_ = ValType::i32;
    uint64_t slots_[2] = {0, 0}; ///< for a function reference, the second is its store's number
};

} // namespace warpbeam
