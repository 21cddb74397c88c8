#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/answer.hpp>
#include <warpbeam/vm/instance.hpp>

#include <optional>
#include <string_view>
#include <utility>

/// @file
/// Functions that are written in C++ and called by WebAssembly.
///
/// A typed callable is a lambda, functor or function pointer. Its parameters are WasmTypes, optionally after
/// a `Caller&`. It returns nothing, a WasmType, a std::tuple of them, a std::expected of one of these and
/// Trap, or only a Trap (then every call traps):
///
///     [](int32_t a, int32_t b) { return a + b; }
///     [](Caller& caller, uint32_t address) -> std::expected<uint32_t, Trap> { ... }
///
/// An untyped callback has a FuncType and takes a span of values. Its results are initially zeros and nulls;
/// if it stores a value of a wrong type, the call traps:
///
///     [](Caller& caller, std::span<const Value> args, std::span<Value> results) -> std::expected<void, Trap>
///     { ... }
///
/// A callable is moved into the library. It is destroyed together with the last store, linker or LinkedModule
/// that contains it, in the thread that destroys that. It must not throw.
///
/// Thread-safety: if a linker is used for stores in several threads, its callables must be callable by all of
/// them at the same time.
/// https://webassembly.github.io/spec/core/exec/instructions.html#host-functions

namespace warpbeam {

/// Information for a host function about its call. Valid during the call.
class WARPBEAM_API Caller {
public:
    /// The store of the call.
    [[nodiscard]] Store& store() const noexcept { return store_; }
    /// The instance that called; none if the host called the function itself.
    [[nodiscard]] std::optional<Instance> instance() const noexcept;
    /// The memory that the calling instance exports under the usual name, "memory".
    [[nodiscard]] std::optional<Memory> memory() const noexcept;
    /// A memory of the calling instance by its index, whether it is exported or not.
    [[nodiscard]] std::optional<Memory> memory(uint32_t index) const noexcept;
    /// The function that called, with the offset of the call; none if the host called.
    [[nodiscard]] std::optional<Frame> position() const noexcept;
    /// The active functions, the innermost first, up to the host's most recent call into the store; at most
    /// 64. Also empty if memory runs out.
    [[nodiscard]] Backtrace backtrace() const noexcept;
    /// The calling instance's export of that name.
    [[nodiscard]] std::optional<Extern> find_export(std::string_view name) const noexcept;
    /// Returned by a host function that answers later: the Execution that called it then waits for
    /// `Execution::answer` or `refuse` (execution.hpp). Where nothing can wait, since no Execution made the
    /// call, the call traps with `cannot_suspend`.
    [[nodiscard]] Trap suspend() const noexcept { return Trap{TrapCode::suspended}; }
    /// Whether the code is to stop: a host function that takes long looks now and then, and returns
    /// `Trap{TrapCode::interrupted}`. An Execution is then `interrupted`, and calls the function again when
    /// it goes on; it does the same if the host function returns that on its own account.
    [[nodiscard]] bool is_interrupted() const noexcept;
    /// Whether an Execution made the call, so that it may wait (`suspend`), or be repeated.
    [[nodiscard]] bool can_suspend() const noexcept;
    /// Takes fuel for work on so many bytes, 64 for each unit (Store::set_fuel). If there is not enough, code
    /// stops at its next loop head or call. Without effect unless Config::fuel is set.
    void take_fuel(uint64_t bytes) noexcept;
    /// The right to answer this call, for a host function that then returns `suspend()`; other threads may
    /// use it at once. If the function returns anything else, the token is closed. For `dropped` see
    /// Execution::token. Errors: `cannot_suspend` if no Execution made the call; `out_of_memory`.
    [[nodiscard]] std::expected<AnswerToken, Trap> token(void (*dropped)(void* data) noexcept = nullptr,
                                                         void* data = nullptr) noexcept;
    /// The type that the host function was declared with.
    [[nodiscard]] const FuncType& type() const noexcept { return type_; }

private:
    friend struct vm::Internal;
    Caller(Store& store, vm::InstanceData* instance, const FuncType& type) noexcept
        : store_{store}, instance_{instance}, type_{type} {}

    Store& store_;
    vm::InstanceData* instance_;
    const FuncType& type_;
    bool has_token_ = false;
};

namespace detail {

/// A callable without its C++ type: `entry` calls `object` with the arguments in slots, and leaves the
/// results there; `drop` destroys it. `object` is null if memory ran out.
struct HostCallable {
    using Entry = std::expected<void, Trap> (*)(void* object, Caller& caller, uint64_t* frame);
    using Drop = void (*)(Allocator& allocator, void* object);
    Entry entry;
    void* object;
    Drop drop;
};

template <typename F>
HostCallable make_callable(Allocator& allocator, F&& callable, HostCallable::Entry entry) noexcept {
    return {entry, create<F>(allocator, std::move(callable)),
            [](Allocator& from, void* object) { destroy(from, static_cast<F*>(object)); }};
}

/// Converts the arguments to values, and the results back.
using UntypedCall = std::expected<void, Trap> (*)(void* object, Caller& caller, std::span<const Value> args,
                                                  std::span<Value> results);
[[nodiscard]] WARPBEAM_API std::expected<void, Trap> call_untyped(UntypedCall call, void* object,
                                                                  Caller& caller, uint64_t* frame) noexcept;

/// Traps if a host function's results do not have the declared types or belong to another store.
[[nodiscard]] WARPBEAM_API std::expected<void, Trap> check_results(Caller& caller,
                                                                   const uint64_t* frame) noexcept;

[[nodiscard]] WARPBEAM_API StoreImpl* store_of(const Caller& caller) noexcept;

template <typename F>
[[nodiscard]] std::expected<void, Trap> call_typed(void* object, Caller& caller, uint64_t* frame) noexcept {
    using Types = Callable<F>;
    using Return = typename Types::Return;
    using Value = typename HostResult<Return>::Value;
    using Arguments = Results<typename Types::Arguments>;
    const auto call = [&]() -> Return {
        return std::apply(
            [&](auto... args) -> Return {
                if constexpr (Types::takes_caller)
                    return (*static_cast<F*>(object))(caller, args...);
                else
                    return (*static_cast<F*>(object))(args...);
            },
            Arguments::load(frame, Arguments::has_references ? store_of(caller) : nullptr));
    };
    if constexpr (std::is_void_v<Return>) {
        call();
    } else if constexpr (std::is_same_v<Return, Value>) {
        Results<Value>::store(frame, call());
    } else if constexpr (std::is_same_v<Return, Trap>) {
        return std::unexpected{call()};
    } else {
        Return result = call();
        if (!result)
            return std::unexpected{std::move(result.error())};
        if constexpr (!std::is_void_v<Value>)
            Results<Value>::store(frame, *result);
    }
    if constexpr (Results<Value>::has_references)
        return check_results(caller, frame);
    return {};
}

/// A typed callable without its type, and then that type.
template <typename F>
HostCallable wrap_typed(Allocator& allocator, F&& callable) noexcept {
    if constexpr (!is_host_function<F>) {
        return {};
    } else {
        if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>)
            if (callable == nullptr)
                return {};
        return make_callable(allocator, std::move(callable), call_typed<F>);
    }
}
template <typename F>
auto typed_signature(TypeRegistry& registry) noexcept {
    if constexpr (is_host_function<F>) {
        using Types = Callable<F>;
        return TypedSignature<typename Types::Arguments, typename HostResult<typename Types::Return>::Value>{
            &registry};
    } else {
        (void)WrongHostFunction<F>{};
        return FuncType{};
    }
}

template <typename F>
HostCallable wrap_untyped(Allocator& allocator, F&& callback) noexcept {
    if constexpr (is_callback<F>) {
        return make_callable(allocator, std::move(callback),
                             [](void* object, Caller& caller, uint64_t* frame) noexcept {
                                 return call_untyped(
                                     [](void* target, Caller& from, std::span<const Value> args,
                                        std::span<Value> results) -> std::expected<void, Trap> {
                                         return (*static_cast<F*>(target))(from, args, results);
                                     },
                                     object, caller, frame);
                             });
    } else {
        (void)WrongCallback<F>{};
        return {};
    }
}

} // namespace detail

template <typename F>
std::expected<Func, Error> Func::wrap(Store& store, F callable) noexcept {
    return create(store, detail::typed_signature<F>(store.engine().types()),
                  detail::wrap_typed(store.engine().allocator(), std::move(callable)));
}
template <typename F>
std::expected<Func, Error> Func::wrap(Store& store, const FuncType& type, F callback) noexcept {
    return create(store, type, detail::wrap_untyped(store.engine().allocator(), std::move(callback)));
}
template <typename F>
std::expected<Func, Error> Func::wrap(Store& store, TypeId type, F callback) noexcept {
    return create(store, type, detail::wrap_untyped(store.engine().allocator(), std::move(callback)));
}

} // namespace warpbeam
