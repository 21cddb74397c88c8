#pragma once

#include <warpbeam/vm/signature.hpp>

#include <string_view>

/// Reports a C++ function type that has no WebAssembly counterpart with a single static_assert, which says
/// what is wrong, where, and what to use instead. Code that would fail to compile as a consequence is left
/// out. Only used at compile time, so it needs no thread-safety.

namespace warpbeam::detail {

enum class Fault : uint8_t {
    none,
    bool_,
    small_integer,
    enumeration,
    long_double,
    pointer,
    reference,
    string,
    caller,
    expected,
    unknown
};

template <typename T>
inline constexpr bool is_expected = false;
template <typename T, typename E>
inline constexpr bool is_expected<std::expected<T, E>> = true;

template <typename T>
consteval Fault fault_of() {
    using Type = std::remove_cvref_t<T>;
    if constexpr (std::is_same_v<std::remove_cv_t<std::remove_pointer_t<Type>>, Caller>)
        return Fault::caller;
    else if constexpr (std::is_pointer_v<Type> || std::is_member_pointer_v<Type>)
        return Fault::pointer;
    else if constexpr (is_expected<Type>)
        return Fault::expected;
    else if constexpr (std::is_class_v<Type> && std::is_convertible_v<Type, std::string_view>)
        return Fault::string;
    else if constexpr (std::is_reference_v<T>)
        return Fault::reference;
    else if constexpr (WasmType<Type>)
        return Fault::none;
    else if constexpr (std::is_same_v<Type, bool>)
        return Fault::bool_;
    else if constexpr (std::is_enum_v<Type>)
        return Fault::enumeration;
    else if constexpr (std::is_integral_v<Type> && sizeof(Type) < 4)
        return Fault::small_integer;
    else if constexpr (std::is_floating_point_v<Type>)
        return Fault::long_double;
    else
        return Fault::unknown;
}

/// The place of a fault: 0 for none, otherwise the number of a parameter, the only result, or one of several
/// results.
inline constexpr size_t only_result = 1000;
inline constexpr size_t later_parameter = 17;
inline constexpr size_t later_result = only_result + 9;
struct Finding {
    size_t place = 0;
    Fault fault = Fault::none;
};

template <typename Tuple>
struct FirstFault;
template <typename... T>
struct FirstFault<std::tuple<T...>> {
    /// The first wrong type in the tuple, whose places begin after `before`.
    static consteval Finding find(size_t before, size_t last) {
        Finding first;
        [[maybe_unused]] const auto look = [&](Fault fault) {
            before += before < last ? 1 : 0;
            if (fault != Fault::none && first.place == 0)
                first = {before, fault};
        };
        (look(fault_of<T>()), ...);
        return first;
    }
};

template <typename R>
struct ResultFault {
    static constexpr Fault fault = fault_of<R>();
    static constexpr Finding finding{fault == Fault::none ? 0 : only_result, fault};
};
template <>
struct ResultFault<void> {
    static constexpr Finding finding{};
};
template <typename... T>
struct ResultFault<std::tuple<T...>> {
    static constexpr Finding finding = FirstFault<std::tuple<T...>>::find(only_result, later_result);
};

template <typename Parameters, typename Result>
inline constexpr Finding finding_of = [] {
    constexpr Finding parameter = FirstFault<Parameters>::find(0, later_parameter);
    return parameter.place != 0 ? parameter : ResultFault<Result>::finding;
}();

// Before C++26, a message must be a literal, so each place has its own assertion.
#define WARPBEAM_FAULTS(place, name)                                                                         \
    static_assert(!is(place, Fault::bool_), name " is a bool: use int32_t");                                 \
    static_assert(!is(place, Fault::small_integer),                                                          \
                  name " is an 8-bit or 16-bit integer: use int32_t or uint32_t");                           \
    static_assert(!is(place, Fault::enumeration), name " is an enumeration: use int32_t or int64_t");        \
    static_assert(!is(place, Fault::long_double), name " is a long double: use double");                     \
    static_assert(!is(place, Fault::pointer),                                                                \
                  name " is a pointer: use uint32_t for a memory address, or ExternRef");                    \
    static_assert(!is(place, Fault::reference), name " is a reference: use the type itself");                \
    static_assert(!is(place, Fault::string),                                                                 \
                  name " is a string: use two uint32_t, for its memory address and its length");             \
    static_assert(!is(place, Fault::caller),                                                                 \
                  name " is a Caller: a host function must take it as Caller&, as its first parameter");     \
    static_assert(!is(place, Fault::expected), name                                                          \
                  " is a std::expected: only a host function may return one, and its error must be a Trap"); \
    static_assert(!is(place, Fault::unknown), name " does not correspond to a WebAssembly type: see "        \
                                                   "WasmType")

template <typename F, Finding finding>
struct SignatureReport {
    static constexpr bool is(size_t place, Fault fault) noexcept {
        return finding.place == place && finding.fault == fault;
    }
    WARPBEAM_FAULTS(1, "parameter 1");
    WARPBEAM_FAULTS(2, "parameter 2");
    WARPBEAM_FAULTS(3, "parameter 3");
    WARPBEAM_FAULTS(4, "parameter 4");
    WARPBEAM_FAULTS(5, "parameter 5");
    WARPBEAM_FAULTS(6, "parameter 6");
    WARPBEAM_FAULTS(7, "parameter 7");
    WARPBEAM_FAULTS(8, "parameter 8");
    WARPBEAM_FAULTS(9, "parameter 9");
    WARPBEAM_FAULTS(10, "parameter 10");
    WARPBEAM_FAULTS(11, "parameter 11");
    WARPBEAM_FAULTS(12, "parameter 12");
    WARPBEAM_FAULTS(13, "parameter 13");
    WARPBEAM_FAULTS(14, "parameter 14");
    WARPBEAM_FAULTS(15, "parameter 15");
    WARPBEAM_FAULTS(16, "parameter 16");
    WARPBEAM_FAULTS(later_parameter, "a parameter after the 16th");
    WARPBEAM_FAULTS(only_result, "the result");
    WARPBEAM_FAULTS(only_result + 1, "result 1");
    WARPBEAM_FAULTS(only_result + 2, "result 2");
    WARPBEAM_FAULTS(only_result + 3, "result 3");
    WARPBEAM_FAULTS(only_result + 4, "result 4");
    WARPBEAM_FAULTS(only_result + 5, "result 5");
    WARPBEAM_FAULTS(only_result + 6, "result 6");
    WARPBEAM_FAULTS(only_result + 7, "result 7");
    WARPBEAM_FAULTS(only_result + 8, "result 8");
    WARPBEAM_FAULTS(later_result, "a result after the 8th");
};
#undef WARPBEAM_FAULTS

// Variables say whether a type is right, and classes report what is wrong. They are separate, since using a
// member of a class whose static_assert has failed causes more errors.

/// Whether it is the signature of a TypedFunc.
template <typename Signature>
inline constexpr bool is_signature = false;
template <typename R, typename... A>
inline constexpr bool is_signature<R(A...)> = finding_of<std::tuple<A...>, R>.place == 0;

template <typename Signature>
struct WrongSignature {
    static_assert(std::is_void_v<Signature>,
                  "the argument of TypedFunc must be a function type, such as int32_t(int32_t)");
};
template <typename R, typename... A>
struct WrongSignature<R(A...)> : SignatureReport<R(A...), finding_of<std::tuple<A...>, R>> {};

/// What is wrong with the types of a typed host function, if they are known.
template <typename F>
concept HasTypes = !std::is_member_pointer_v<F> && requires { typename Callable<F>::Return; };
template <HasTypes F>
inline constexpr Finding finding_in =
    finding_of<typename Callable<F>::Arguments, typename HostResult<typename Callable<F>::Return>::Value>;

template <typename F>
inline constexpr bool is_host_function = false;
template <HasTypes F>
inline constexpr bool is_host_function<F> = finding_in<F>.place == 0;

template <typename F>
struct WrongHostFunction {
    static constexpr bool is_member = std::is_member_pointer_v<F>;
    static_assert(!is_member,
                  "a host function can't be a pointer to a member: use a lambda that calls the member");
    static_assert(!std::is_class_v<F>, "a host function has one operator(), whose parameter types are "
                                       "written out: this has none, several, or that of a generic lambda");
    static_assert(is_member || std::is_class_v<F>, "a host function is a lambda, a functor or a pointer to a "
                                                   "function whose number of parameters is fixed");
};
template <HasTypes F>
struct WrongHostFunction<F> : SignatureReport<F, finding_in<F>> {};

/// Whether it is an untyped host function.
template <typename F>
inline constexpr bool is_callback =
    std::is_invocable_r_v<std::expected<void, Trap>, F&, Caller&, std::span<const Value>, std::span<Value>>;
template <typename F>
struct WrongCallback {
    static_assert(is_callback<F>, "an untyped host function takes (Caller&, std::span<const Value>, "
                                  "std::span<Value>) and returns std::expected<void, Trap>");
};

} // namespace warpbeam::detail
