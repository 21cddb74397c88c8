#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/signature_check.hpp>
#include <warpbeam/vm/store.hpp>

#include <expected>
#include <span>

namespace warpbeam {

namespace vm {
struct FuncInst;
struct HostFunc;
} // namespace vm
namespace detail {
struct HostCallable;
}

template <typename Signature>
class TypedFunc : detail::WrongSignature<Signature> {};

/// A function of a store, defined by a module or by the host; or null. A handle, valid as long as its store.
/// As a WebAssembly value it is a function reference.
/// Thread-safety: that of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#function-instances
class WARPBEAM_API Func : public detail::Handle<vm::FuncInst> {
public:
    /// Makes a host function out of a C++ callable. This needs host_func.hpp, which also says which callables
    /// are possible. Errors: `out_of_memory`.
    template <typename F>
    [[nodiscard]] static std::expected<Func, Error> wrap(Store& store, F callable) noexcept;
    /// Makes a host function of any type out of an untyped callback. This needs host_func.hpp. Errors:
    /// `out_of_memory`.
    template <typename F>
    [[nodiscard]] static std::expected<Func, Error> wrap(Store& store, const FuncType& type,
                                                         F callback) noexcept;
    /// The same with a function type of the engine's registry; see Linker::func.
    template <typename F>
    [[nodiscard]] static std::expected<Func, Error> wrap(Store& store, TypeId type, F callback) noexcept;

    /// Whether it is the null reference.
    [[nodiscard]] bool is_null() const noexcept { return inst_ == nullptr; }
    /// Its type; the spans live as long as the engine. Empty for null.
    [[nodiscard]] FuncType type() const noexcept;

    /// Calls the function and waits for the results. `args` must match the parameter types, and `results`
    /// must have one element for each result; they are overwritten on success. Errors: the trap that ended
    /// the computation; `usage` if the arguments do not fit or the function is null; `call_stack_exhausted`
    /// if calls between code and host are nested too deeply.
    /// https://webassembly.github.io/spec/core/exec/modules.html#invocation
    [[nodiscard]] std::expected<void, Trap> call(std::span<const Value> args = {},
                                                 std::span<Value> results = {}) const noexcept;

    /// The function with static C++ types: `func.typed<int32_t(int32_t, int32_t)>()`. Reference types need
    /// not be exactly the function's: a result may have a supertype, and a parameter a subtype. A parameter
    /// may also have a supertype; then a call whose argument does not fit traps with `usage`. Errors: `usage`
    /// if the function has another type or is null.
    template <typename Signature>
    [[nodiscard]] std::expected<TypedFunc<Signature>, Error> typed() const noexcept;

private:
    [[nodiscard]] static std::expected<Func, Error> create(Store& store, const FuncType& type,
                                                           const detail::HostCallable& callable) noexcept;
    [[nodiscard]] static std::expected<Func, Error> create(Store& store, TypeId type,
                                                           const detail::HostCallable& callable) noexcept;
    [[nodiscard]] static std::expected<Func, Error>
    create(Store& store, const std::expected<Ref<vm::HostFunc>, Error>& host) noexcept;
    [[nodiscard]] std::expected<void, Error> check_type(std::span<const ValType> params,
                                                        std::span<const ValType> results) const noexcept;
};

namespace detail {

template <>
struct Mapping<Func> {
    static constexpr ValType type = funcref;
    static constexpr size_t slots = 1;
    /// The types of such values only say that they refer to functions; Func::type says more.
    static bool accepts(ValType given) noexcept {
        return given.is_ref() && (given.heap() == HeapType::func || given.heap() == HeapType::nofunc);
    }
    WARPBEAM_API static void store(uint64_t* slot, Func value) noexcept;
    WARPBEAM_API static Func load(const uint64_t* slot) noexcept;
    // For a Value, which may outlive the store.
    WARPBEAM_API static uint64_t store_number(Func value) noexcept;
    WARPBEAM_API static Func load_value(const uint64_t* slot) noexcept;
};

/// Null for null.
[[nodiscard]] WARPBEAM_API TypeRegistry* registry_of(const Func& func) noexcept;
[[nodiscard]] WARPBEAM_API StoreImpl* store_of(const Func& func) noexcept;
/// Traps if reference arguments do not match the parameter types or belong to another store than the
/// function.
[[nodiscard]] WARPBEAM_API std::expected<void, Trap> check_arguments(const Func& func,
                                                                     const uint64_t* frame) noexcept;

/// Calls the function with the `params` argument slots in `frame`, which must have the right types, and
/// leaves `results` slots there. Error: `usage` for a null function.
[[nodiscard]] WARPBEAM_API std::expected<void, Trap> call_slots(const Func& func, uint64_t* frame,
                                                                size_t params, size_t results) noexcept;

} // namespace detail

/// A function whose type has been checked, or null. Calls from C++ then check no types, except those of
/// reference arguments. A small copyable value, valid as long as its store. Several results are returned as a
/// std::tuple. As a WebAssembly value it is a reference to a function of its type.
/// Thread-safety: that of the store.
template <typename R, typename... A>
class TypedFunc<R(A...)> {
public:
    /// Errors: the trap that ended the computation.
    [[nodiscard]] std::expected<R, Trap> operator()(A... args) const noexcept {
        if constexpr (detail::is_signature<R(A...)>) {
            using Arguments = detail::Params<A...>;
            using Return = detail::Results<R>;
            constexpr size_t slots = Arguments::slots > Return::slots ? Arguments::slots : Return::slots;
            uint64_t frame[slots > 0 ? slots : 1];
            Arguments::store(frame, std::tuple<A...>{args...});
            if constexpr (Arguments::has_references)
                if (auto fit = detail::check_arguments(func_, frame); !fit)
                    return std::unexpected{std::move(fit.error())};
            if (auto called = detail::call_slots(func_, frame, Arguments::slots, Return::slots); !called)
                return std::unexpected{std::move(called.error())};
            if constexpr (std::is_void_v<R>)
                return {};
            else
                return Return::load(frame, Return::has_references ? detail::store_of(func_) : nullptr);
        } else {
            return std::unexpected{Trap{TrapCode::usage}};
        }
    }
    /// The same function without its static type.
    [[nodiscard]] Func func() const noexcept { return func_; }

    /// The null function reference.
    constexpr TypedFunc() noexcept = default;
    /// Whether it is the null reference.
    [[nodiscard]] bool is_null() const noexcept { return func_.is_null(); }
    /// Whether it is a function.
    explicit operator bool() const noexcept { return !is_null(); }
    friend bool operator==(TypedFunc, TypedFunc) noexcept = default;

private:
    friend class Func;
    friend detail::Mapping<TypedFunc>;
    explicit TypedFunc(Func func) noexcept : func_{func} {}
    Func func_;
};

namespace detail {

template <typename R, typename... A>
    requires is_signature<R(A...)>
struct Mapping<TypedFunc<R(A...)>> {
    static constexpr ValType type = funcref;
    static constexpr size_t slots = 1;
    static ValType type_in(TypeRegistry& registry) noexcept {
        return func_reference(registry, TypedSignature<std::tuple<A...>, R>{&registry});
    }
    static void store(uint64_t* slot, TypedFunc<R(A...)> value) noexcept {
        Mapping<Func>::store(slot, value.func());
    }
    static uint64_t store_number(TypedFunc<R(A...)> value) noexcept {
        return Mapping<Func>::store_number(value.func());
    }
    static TypedFunc<R(A...)> load(const uint64_t* slot, StoreImpl*) noexcept {
        return TypedFunc<R(A...)>{Mapping<Func>::load(slot)};
    }
};

} // namespace detail

template <typename Signature>
std::expected<TypedFunc<Signature>, Error> Func::typed() const noexcept {
    if constexpr (detail::is_signature<Signature>) {
        using Types = detail::Callable<Signature*>;
        const detail::TypedSignature<typename Types::Arguments, typename Types::Return> wanted{
            detail::registry_of(*this)};
        if (auto checked = check_type(wanted.params, wanted.results); !checked)
            return std::unexpected{checked.error()};
        return TypedFunc<Signature>{*this};
    } else {
        (void)detail::WrongSignature<Signature>{};
        return std::unexpected{Error{ErrorCode::usage}};
    }
}

} // namespace warpbeam
