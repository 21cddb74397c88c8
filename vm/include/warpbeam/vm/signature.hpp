#pragma once

#include <warpbeam/vm/trap.hpp>
#include <warpbeam/vm/value.hpp>

#include <array>
#include <expected>
#include <tuple>
#include <type_traits>

/// How C++ function types stand for WebAssembly function types. Used by TypedFunc and by typed host
/// functions.

namespace warpbeam {

class Caller;

namespace detail {

/// The results of a function: nothing, one value, or a tuple.
template <typename R>
struct Results {
    static_assert(WasmType<R>, "a result must be a WasmType, void, or a std::tuple of WasmTypes");
    static constexpr std::array<ValType, 1> types{Mapping<R>::type};
    static constexpr size_t slots = Mapping<R>::slots;
    static R load(const uint64_t* frame) noexcept { return Mapping<R>::load(frame); }
    static void store(uint64_t* frame, R value) noexcept { Mapping<R>::store(frame, value); }
};
template <>
struct Results<void> {
    static constexpr std::array<ValType, 0> types{};
    static constexpr size_t slots = 0;
    static void load(const uint64_t*) noexcept {}
};
template <WasmType... T>
struct Results<std::tuple<T...>> {
    static constexpr std::array<ValType, sizeof...(T)> types{Mapping<T>::type...};
    static constexpr size_t slots = (size_t{0} + ... + Mapping<T>::slots);
    static std::tuple<T...> load([[maybe_unused]] const uint64_t* frame) noexcept {
        // Braces fix the order of evaluation, so the slots are taken one after the other.
        return std::tuple<T...>{Mapping<T>::load(take<T>(frame))...};
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

/// What a host function may return: its results, or a trap, or either.
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
