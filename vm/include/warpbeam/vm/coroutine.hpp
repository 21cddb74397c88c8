#pragma once

#include <warpbeam/vm/execution.hpp>

#include <coroutine>
#include <cstring>
#include <exception>
#include <memory>

/// @file
/// Executions in C++20 coroutines: `co_await execution` runs one until it has ended or needs its owner, and
/// host functions may be coroutines, whose calls wait until they end.
///
/// Nothing here throws or aborts: a coroutine that has no memory for its frame is an empty Task, and awaiting
/// that gives `out_of_memory`. An exception that leaves a coroutine calls std::terminate, as in any function
/// that is noexcept.
///
/// Thread-safety: coroutines that use a store are used as that is, by one thread at a time. Tokens may be
/// answered by any thread; the executor then moves the rest to the right one.

namespace warpbeam {

/// Something that is to go on later. It is a link of the executor's queue, which needs no memory.
struct Continuation {
    void (*run)(Continuation& self) noexcept; ///< called once for each `schedule`
    Continuation* next = nullptr;             ///< for the executor
};

/// Where coroutines go on: the embedder's event loop.
class Executor {
public:
    /// Calls `continuation.run(continuation)` later, in a thread that may use the store. Any thread calls
    /// this.
    virtual void schedule(Continuation& continuation) noexcept = 0;

protected:
    ~Executor() = default;
};

namespace detail {

/// Frames from an allocator: that of `std::allocator_arg, allocator` at the beginning of the coroutine's
/// parameters, or the standard one. It stands at the frame's end.
class CoroutineFrame {
public:
    static void* operator new(size_t size) noexcept { return allocate(size, Allocator::standard()); }
    template <typename... Args>
    static void* operator new(size_t size, std::allocator_arg_t, Allocator& allocator,
                              const Args&...) noexcept {
        return allocate(size, allocator);
    }
    /// For member functions and lambdas.
    template <typename Self, typename... Args>
    static void* operator new(size_t size, const Self&, std::allocator_arg_t, Allocator& allocator,
                              const Args&...) noexcept {
        return allocate(size, allocator);
    }
    static void operator delete(void* frame, size_t size) noexcept {
        Allocator* allocator = nullptr;
        std::memcpy(&allocator, static_cast<char*>(frame) + size, sizeof allocator);
        allocator->deallocate(frame, size + sizeof allocator, alignof(std::max_align_t));
    }

    void unhandled_exception() const noexcept { std::terminate(); }

private:
    static void* allocate(size_t size, Allocator& from) noexcept {
        Allocator* const allocator = &from;
        void* const frame = from.allocate(size + sizeof allocator, alignof(std::max_align_t));
        if (frame != nullptr)
            std::memcpy(static_cast<char*>(frame) + size, &allocator, sizeof allocator);
        return frame;
    }
};

/// The executor of a coroutine that awaits something, if its promise has one.
template <typename Promise>
[[nodiscard]] Executor* executor_of(std::coroutine_handle<Promise> coroutine) noexcept {
    if constexpr (requires { coroutine.promise().executor; })
        return coroutine.promise().executor;
    else
        return nullptr;
}

template <typename E>
[[nodiscard]] E no_frame() noexcept {
    if constexpr (requires { E{ErrorCode::out_of_memory}; })
        return E{ErrorCode::out_of_memory};
    else
        return E{TrapCode::out_of_memory};
}

template <typename T, typename E>
struct TaskPromise;
template <typename T, typename E>
struct TaskAwaiter;

} // namespace detail

/// A coroutine with a result, `co_return value` or `co_return std::unexpected{error}`; without a value it
/// ends with `co_return {}`. It begins when it is started or awaited. E is Error, or Trap for host functions.
///
/// Destroying it destroys the coroutine, which must not be in the executor's queue then: it has ended, has
/// not begun, or waits for the answer to a host call.
template <typename T = void, typename E = Error>
class [[nodiscard]] Task {
public:
    /// What awaiting it gives.
    using Result = std::expected<T, E>;
    /// For the compiler.
    using promise_type = detail::TaskPromise<T, E>;

    /// Empty, as one for which there was no memory.
    Task() noexcept = default;
    Task(Task&& other) noexcept : coroutine_{std::exchange(other.coroutine_, nullptr)} {}
    Task& operator=(Task other) noexcept {
        std::swap(coroutine_, other.coroutine_);
        return *this;
    }
    ~Task() {
        if (coroutine_)
            coroutine_.destroy();
    }

    /// Whether it is not empty.
    explicit operator bool() const noexcept { return static_cast<bool>(coroutine_); }
    /// Whether it has ended, or is empty.
    [[nodiscard]] bool done() const noexcept { return !coroutine_ || coroutine_.done(); }
    /// Runs it until it waits for the first time; the executor is passed on to all that it awaits. It can be
    /// awaited later. Does nothing if it has begun.
    void start(Executor& executor) noexcept {
        if (!coroutine_ || coroutine_.promise().started)
            return;
        coroutine_.promise().executor = &executor;
        coroutine_.promise().started = true;
        coroutine_.resume();
    }
    /// Takes its result. Precondition: it is done.
    [[nodiscard]] Result take() noexcept {
        return coroutine_ ? std::move(coroutine_.promise().result)
                          : Result{std::unexpected{detail::no_frame<E>()}};
    }

    /// Awaits its result; starts it if it has not begun.
    [[nodiscard]] detail::TaskAwaiter<T, E> operator co_await() noexcept {
        return detail::TaskAwaiter<T, E>{*this};
    }

private:
    friend promise_type;
    friend detail::TaskAwaiter<T, E>;
    explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_{coroutine} {}
    std::coroutine_handle<promise_type> coroutine_;
};

namespace detail {

template <typename T, typename E>
struct TaskPromise : CoroutineFrame {
    /// Goes on with the coroutine that awaits it.
    struct End {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        [[nodiscard]] std::coroutine_handle<>
        await_suspend(std::coroutine_handle<TaskPromise> coroutine) const noexcept {
            return coroutine.promise().waiting;
        }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] Task<T, E> get_return_object() noexcept {
        return Task<T, E>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
    }
    [[nodiscard]] static Task<T, E> get_return_object_on_allocation_failure() noexcept { return {}; }
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] End final_suspend() const noexcept { return {}; }
    void return_value(std::expected<T, E> value) noexcept { result = std::move(value); }

    std::expected<T, E> result = std::unexpected{no_frame<E>()};
    std::coroutine_handle<> waiting = std::noop_coroutine();
    Executor* executor = nullptr;
    bool started = false;
};

template <typename T, typename E>
struct TaskAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return task.done(); }
    template <typename Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        TaskPromise<T, E>& promise = task.coroutine_.promise();
        promise.waiting = waiting;
        if (std::exchange(promise.started, true))
            return std::noop_coroutine();
        promise.executor = executor_of(waiting);
        return task.coroutine_;
    }
    [[nodiscard]] std::expected<T, E> await_resume() noexcept { return task.take(); }

    Task<T, E>& task;
};

} // namespace detail

/// Awaited, it resumes an execution, and gives what Execution::resume returns. While the execution waits for
/// the answer of a token, the coroutine waits too, and it goes on afterwards. So `host_call` means that there
/// is no token: answer the call, and await the execution again.
class [[nodiscard]] Advance : Continuation {
public:
    /// The execution must outlive the coroutine's waiting. Without an executor, that of the Task is used.
    explicit Advance(Execution& execution, const Budget& budget = {}, Executor* executor = nullptr) noexcept
        : Continuation{[](Continuation& self) noexcept { static_cast<Advance&>(self).wake(); }},
          execution_{execution}, budget_{budget}, executor_{executor} {}
    Advance(const Advance&) = delete;
    Advance& operator=(const Advance&) = delete;
    ~Advance() {
        if (is_told_)
            execution_.notify(nullptr, nullptr);
    }

    /// @{ For the compiler.
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        waiting_ = waiting;
        if (executor_ == nullptr)
            executor_ = detail::executor_of(waiting);
        return waits();
    }
    [[nodiscard]] std::expected<ExecutionState, Error> await_resume() noexcept { return std::move(state_); }
    /// @}

private:
    /// Whether it waits. Another thread may have continued it already then.
    [[nodiscard]] bool waits() noexcept {
        while (true) {
            state_ = execution_.state() == ExecutionState::host_call
                         ? ExecutionState::host_call
                         : execution_.resume(std::exchange(budget_, {}));
            if (!state_ || *state_ != ExecutionState::host_call)
                return false;
            is_told_ = true;
            const auto tell = [](void* self) noexcept {
                auto& advance = *static_cast<Advance*>(self);
                advance.executor_->schedule(advance);
            };
            if (executor_ != nullptr && execution_.notify(tell, this))
                return true;
            is_told_ = false;
            if (execution_.state() == ExecutionState::host_call)
                return false;
        }
    }
    void wake() noexcept {
        is_told_ = false;
        if (!waits())
            waiting_.resume();
    }

    Execution& execution_;
    Budget budget_;
    Executor* executor_;
    std::coroutine_handle<> waiting_;
    std::expected<ExecutionState, Error> state_;
    bool is_told_ = false; ///< whether the answer calls `schedule`
};

/// `co_await execution` is `co_await Advance{execution}`.
[[nodiscard]] inline Advance operator co_await(Execution& execution) noexcept { return Advance{execution}; }

/// Awaited, it lets everything else in the executor's queue run first.
class [[nodiscard]] Yield : Continuation {
public:
    /// Without an executor, that of the Task is used.
    explicit Yield(Executor* executor = nullptr) noexcept
        : Continuation{[](Continuation& self) noexcept { static_cast<Yield&>(self).waiting_.resume(); }},
          executor_{executor} {}

    /// @{ For the compiler.
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        waiting_ = waiting;
        (executor_ != nullptr ? executor_ : detail::executor_of(waiting))->schedule(*this);
    }
    void await_resume() const noexcept {}
    /// @}

private:
    Executor* executor_;
    std::coroutine_handle<> waiting_;
};

/// What a host function that is a coroutine may know about its call.
struct CoroutineCall {
    /// The instance that called; none if the execution is that of the host function itself.
    std::optional<Instance> instance;
    /// The token that the result answers. It is closed if the execution was dropped: the coroutine goes on,
    /// for nothing.
    AnswerToken token;
};

namespace detail {

/// Ends by itself.
struct Answering {
    struct promise_type : CoroutineFrame {
        [[nodiscard]] Answering get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        [[nodiscard]] static Answering get_return_object_on_allocation_failure() noexcept { return {}; }
        [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
        [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        Executor* executor = nullptr;
    };
    std::coroutine_handle<promise_type> coroutine;
};

template <typename... T>
[[nodiscard]] std::expected<void, Error> give(const AnswerToken& token,
                                              const std::tuple<T...>& values) noexcept {
    return std::apply(
        [&](const T&... value) {
            const std::array<Value, sizeof...(T)> all{Value{value}...};
            return token.answer(all);
        },
        values);
}
template <typename T>
[[nodiscard]] std::expected<void, Error> give(const AnswerToken& token, const T& value) noexcept {
    return give(token, std::tuple<T>{value});
}

/// Answers with the result of the task. If the answer can't be stored, because memory ran out or the
/// execution is gone, a trap is tried instead.
template <typename R>
Answering answer(std::allocator_arg_t, Allocator&, Task<R, Trap> task, AnswerToken token) noexcept {
    auto result = co_await task;
    if (!result) {
        (void)token.refuse(std::move(result.error()));
        co_return;
    }
    std::expected<void, Error> given;
    if constexpr (std::is_void_v<R>)
        given = token.answer({});
    else
        given = give(token, *result);
    if (!given)
        (void)token.refuse(given.error().code() == ErrorCode::out_of_memory
                               ? Trap{TrapCode::out_of_memory}
                               : Trap::host("%.*s", static_cast<int>(given.error().message().size()),
                                            given.error().message().data()));
}

template <typename R, typename F, typename... Args>
struct HostCoroutine {
    Executor* executor;
    F function;

    [[nodiscard]] std::expected<R, Trap> operator()(Caller& caller, Args... args) {
        auto token = caller.token();
        if (!token)
            return std::unexpected{std::move(token.error())};
        Task<R, Trap> task;
        if constexpr (std::is_invocable_v<F&, CoroutineCall, Args...>)
            task = function(CoroutineCall{caller.instance(), *token}, args...);
        else
            task = function(args...);
        if (!task)
            return std::unexpected{Trap{TrapCode::out_of_memory}};
        const Answering answering = answer<R>(std::allocator_arg, caller.store().engine().allocator(),
                                              std::move(task), std::move(*token));
        if (!answering.coroutine)
            return std::unexpected{Trap{TrapCode::out_of_memory}};
        answering.coroutine.promise().executor = executor;
        answering.coroutine.resume();
        return std::unexpected{caller.suspend()};
    }
};

template <typename Signature>
struct CoroutineSignature {};
template <typename R, typename... Args>
struct CoroutineSignature<R(Args...)> {
    template <typename F>
    using Function = HostCoroutine<R, F, Args...>;
};

} // namespace detail

/// A typed host function that is a coroutine, for Linker::func and Func::wrap:
///
///     linker.func("env", "read", host_coroutine<int32_t(int32_t)>(executor,
///         [](CoroutineCall call, int32_t file) -> Task<int32_t, Trap> { ... }));
///
/// The first parameter may be left out. The execution that calls it waits until it has ended; any other call
/// traps with `cannot_suspend`. The coroutine runs at once until it waits itself, and then in the executor.
/// What the function captures must outlive all its calls.
template <typename Signature, typename F>
[[nodiscard]] auto host_coroutine(Executor& executor, F function) noexcept {
    return
        typename detail::CoroutineSignature<Signature>::template Function<F>{&executor, std::move(function)};
}

} // namespace warpbeam
