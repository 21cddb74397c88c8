#pragma once

#include <warpbeam/vm/trap.hpp>
#include <warpbeam/vm/value.hpp>

#include <array>
#include <expected>
#include <tuple>
#include <type_traits>

/// @file
/// How C++ function types correspond to WebAssembly function types, for TypedFunc and typed host functions.
/// Thread-safety: only types and conversions; any thread may use them.
/// https://webassembly.github.io/spec/core/syntax/types.html#composite-types

namespace warpbeam {

class Caller;
class StoreImpl;
class TypeRegistry;

namespace detail {

/// Loads a value from its slots, which belong to a store.
template <typename T>
T load(const uint64_t* slot, [[maybe_unused]] StoreImpl* store) noexcept {
    if constexpr (ValueType<T>)
        return Mapping<T>::load(slot);
    else
        return Mapping<T>::load(slot, store);
}

/// The WebAssembly type of a C++ type. Without a registry, every TypedFunc is a `funcref`.
template <typename T>
ValType type_in([[maybe_unused]] TypeRegistry* types) noexcept {
    if constexpr (requires { Mapping<T>::type_in(*types); })
        return types != nullptr ? Mapping<T>::type_in(*types) : Mapping<T>::type;
    else
        return Mapping<T>::type;
}

/// The results of a function: nothing, one value, or a tuple.
template <typename R>
struct Results {
    static_assert(WasmType<R>, "a result must be a WasmType, void, or a std::tuple of WasmTypes");
    static constexpr bool has_references = Mapping<R>::type.is_ref();
    static constexpr size_t slots = Mapping<R>::slots;
    static std::array<ValType, 1> types(TypeRegistry* registry) noexcept { return {type_in<R>(registry)}; }
    static R load(const uint64_t* frame, StoreImpl* store) noexcept { return detail::load<R>(frame, store); }
    static void store(uint64_t* frame, R value) noexcept { Mapping<R>::store(frame, value); }
};
template <>
struct Results<void> {
    static constexpr bool has_references = false;
    static constexpr size_t slots = 0;
    static std::array<ValType, 0> types(TypeRegistry*) noexcept { return {}; }
    static void load(const uint64_t*, StoreImpl*) noexcept {}
};
template <WasmType... T>
struct Results<std::tuple<T...>> {
    static constexpr bool has_references = (false || ... || Mapping<T>::type.is_ref());
    static constexpr size_t slots = (size_t{0} + ... + Mapping<T>::slots);
    static std::array<ValType, sizeof...(T)> types([[maybe_unused]] TypeRegistry* registry) noexcept {
        return {type_in<T>(registry)...};
    }
    static std::tuple<T...> load([[maybe_unused]] const uint64_t* frame,
                                 [[maybe_unused]] StoreImpl* store) noexcept {
        // Braces guarantee the order of evaluation, so the slots are taken in order.
        return std::tuple<T...>{detail::load<T>(take<T>(frame), store)...};
    }
    static void store([[maybe_unused]] uint64_t* frame, const std::tuple<T...>& values) noexcept {
        std::apply([&](T... value) { (Mapping<T>::store(take<T>(frame), value), ...); }, values);
    }

private:
    template <typename U, typename P>
    static P* take(P*& frame) noexcept {
        P* const slot = frame;
        frame += Mapping<U>::slots;
        return slot;
    }
};

/// The parameters of a function.
template <typename... A>
using Params = Results<std::tuple<A...>>;

/// The WebAssembly function type of C++ types. It converts to a FuncType that is valid as long as this
/// object.
template <typename Parameters, typename Result>
struct TypedSignature {
    explicit TypedSignature(TypeRegistry* registry) noexcept
        : params{Results<Parameters>::types(registry)}, results{Results<Result>::types(registry)} {}
    operator FuncType() const noexcept { return {params, results}; }
    decltype(Results<Parameters>::types(nullptr)) params;
    decltype(Results<Result>::types(nullptr)) results;
};

/// The type `(ref null $t)` for the function type; `bot` if memory runs out.
[[nodiscard]] WARPBEAM_API ValType func_reference(TypeRegistry& registry, const FuncType& type) noexcept;

/// The return type of a host function: its results, a trap, or a std::expected of both.
template <typename R>
struct HostResult {
    using Value = R;
};
template <typename R>
struct HostResult<std::expected<R, Trap>> {
    using Value = R;
};
template <>
struct HostResult<Trap> {
    using Value = void;
};

/// The parameter and result types of a callable, without the Caller that it may take first.
template <typename R, typename... A>
struct CallableSignature {
    using Return = R;
    using Arguments = std::tuple<A...>;
    static constexpr bool takes_caller = false;
};
template <typename R, typename... A>
struct CallableSignature<R, Caller&, A...> {
    using Return = R;
    using Arguments = std::tuple<A...>;
    static constexpr bool takes_caller = true;
};

template <typename F>
struct Callable {};
template <typename F>
    requires requires { &F::operator(); }
struct Callable<F> : Callable<decltype(&F::operator())> {};
template <typename R, typename... A>
struct Callable<R (*)(A...)> : CallableSignature<R, std::remove_cv_t<A>...> {};
template <typename R, typename... A>
struct Callable<R (*)(A...) noexcept> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...)> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...) const> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...)&> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...) const&> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...) noexcept> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...) const noexcept> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...) & noexcept> : Callable<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Callable<R (C::*)(A...) const & noexcept> : Callable<R (*)(A...)> {};

} // namespace detail
} // namespace warpbeam
