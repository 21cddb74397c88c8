#include "thread_program.hpp"

#include "context_lock.hpp"

#include <chrono>

namespace warpbeam::wasi {

namespace {

Errno errno_of(ErrorCode code) noexcept {
    return code == ErrorCode::out_of_memory ? Errno::nomem : Errno::again;
}

} // namespace

Trap trap_of(const Error& error, Allocator& allocator) noexcept {
    const std::string_view message = error.message();
    if (error.code() == ErrorCode::out_of_memory)
        return Trap{TrapCode::out_of_memory};
    return Trap::with_message(allocator, TrapCode::host, "%.*s", static_cast<int>(message.size()),
                              message.data());
}

// ---- One thread ----

std::optional<ProgramEnd> ThreadProgram::drive(Execution& execution, uint32_t thread) noexcept {
    auto how = run(execution, thread);
    fuel_.give(execution.take_fuel());
    return how;
}

std::optional<ProgramEnd> ThreadProgram::run(Execution& execution, uint32_t thread) noexcept {
    uint64_t part = fuel_.take();
    for (;;) {
        const auto state = execution.resume({.fuel = std::exchange(part, 0)});
        if (!state)
            return ProgramEnd{thread, trap_of(state.error(), allocator_), Backtrace{allocator_}};
        switch (*state) {
        case ExecutionState::out_of_fuel:
            part = fuel_.take();
            if (part != 0)
                continue;
            return ProgramEnd{thread, Trap{TrapCode::out_of_fuel}, execution.backtrace()};
        case ExecutionState::host_call:
            // Nothing answers a thread's calls later.
            (void)execution.refuse(Trap{TrapCode::cannot_suspend});
            continue;
        case ExecutionState::trapped:
            return ProgramEnd{thread, *execution.trap(), Backtrace{allocator_}};
        case ExecutionState::done:
            return std::nullopt;
        case ExecutionState::interrupted:
        case ExecutionState::ready:
            return ProgramEnd{thread, Trap{TrapCode::interrupted}, execution.backtrace()};
        }
    }
}

void ThreadProgram::Thread::run() noexcept {
    auto how = program.drive(execution, id); // the start function
    if (!how)
        how = start();
    if (how)
        program.end(std::move(*how));
    program.remove(this);
}

std::optional<ProgramEnd> ThreadProgram::Thread::start() noexcept {
    const auto failed = [&](const Error& why) {
        return ProgramEnd{id, trap_of(why, program.allocator_), Backtrace{program.allocator_}};
    };
    const auto entry = execution.instance().func("wasi_thread_start");
    if (!entry)
        return failed(entry.error());
    const Value args[] = {Value{id}, Value{argument}};
    auto made = Execution::create(*entry, args);
    if (!made)
        return failed(made.error());
    execution = std::move(*made);
    return program.drive(execution, id);
}

uint32_t ThreadProgram::count() noexcept {
    const std::lock_guard lock{mutex_};
    return count_;
}

// ---- Spawning ----

bool ThreadProgram::reserve() noexcept {
    const std::lock_guard lock{mutex_};
    if (has_ended_ || count_ >= settings_.max_threads)
        return false;
    ++count_;
    return true;
}

void ThreadProgram::enlist(Thread& thread) noexcept {
    const std::lock_guard lock{mutex_};
    thread.id = ids_.take([&](uint32_t id) {
        for (const Thread* each = first_; each != nullptr; each = each->next)
            if (each->id == id)
                return true;
        return false;
    });
    thread.next = first_;
    if (first_ != nullptr)
        first_->previous = &thread;
    first_ = &thread;
    if (has_ended_)
        thread.handle.interrupt();
}

void ThreadProgram::remove(Thread* thread) noexcept {
    if (thread != nullptr && thread->id != 0) {
        const std::lock_guard lock{mutex_};
        (thread->previous != nullptr ? thread->previous->next : first_) = thread->next;
        if (thread->next != nullptr)
            thread->next->previous = thread->previous;
    }
    // Host functions are destroyed with the store: not while the lock is held.
    destroy(allocator_, thread);
    // When `finish` sees that there are no threads, it may destroy this object.
    const std::lock_guard lock{mutex_};
    if (--count_ == 0)
        changed_.notify_all();
}

std::expected<Vec<Extern>, Error> ThreadProgram::imports(Store& store) const noexcept {
    Vec<Extern> found{allocator_};
    const std::span<const Import> all = module_.imports();
    for (size_t i = 0; i < all.size(); ++i) {
        std::expected<Extern, Error> value = std::unexpected{Error{ErrorCode::out_of_memory}};
        if (!memories_[i]) {
            value = linker_.get(store, all[i].module, all[i].name);
        } else {
            const auto memory = Memory::create(store, *memories_[i]);
            value = memory ? std::expected<Extern, Error>{*memory} : std::unexpected{memory.error()};
        }
        if (!value)
            return std::unexpected{value.error()};
        if (!found.push(*value))
            return std::unexpected{Error{ErrorCode::out_of_memory}};
    }
    return found;
}

Errno ThreadProgram::prepare(Thread& thread) noexcept {
    const auto values = imports(thread.store);
    if (!values)
        return errno_of(values.error().code());
    auto instantiation = Execution::instantiate(thread.store, module_, {values->data(), values->size()});
    if (!instantiation) {
        if (const Trap* const trap = instantiation.error().trap())
            end({thread.id, *trap, Backtrace{allocator_}});
        return errno_of(instantiation.error().code().value_or(ErrorCode::usage));
    }
    thread.execution = std::move(*instantiation);
    return Errno::success;
}

int32_t ThreadProgram::spawn(uint32_t argument) noexcept {
    const auto failed = [](Errno why) { return -static_cast<int32_t>(why); };
    if (!reserve())
        return failed(Errno::again);
    Thread* const thread = warpbeam::create<Thread>(allocator_, *this);
    if (thread == nullptr) {
        remove(nullptr);
        return failed(Errno::nomem);
    }
    thread->argument = argument;
    enlist(*thread);
    const uint32_t id = thread->id;
    Errno why = prepare(*thread);
    ThreadStarter& starter = settings_.starter != nullptr ? *settings_.starter : native_threads();
    if (why == Errno::success && !starter.start(*thread))
        why = Errno::again;
    if (why == Errno::success)
        return static_cast<int32_t>(id); // it may have ended by now
    remove(thread);
    return failed(why);
}

// ---- The end ----

void ThreadProgram::interrupt_all() noexcept {
    for (const Thread* each = first_; each != nullptr; each = each->next)
        each->handle.interrupt();
}

void ThreadProgram::end(ProgramEnd with) noexcept {
    const std::lock_guard lock{mutex_};
    if (has_ended_)
        return;
    has_ended_ = true;
    ended_ = std::move(with);
    interrupt_all();
    if (main_handle_ && ended_.thread != 0)
        main_handle_->interrupt();
}

void ThreadProgram::begin(Store& store) noexcept {
    main_ = &store;
    begin();
}

void ThreadProgram::begin() noexcept {
    const std::lock_guard lock{mutex_};
    if (main_handle_ || main_ == nullptr)
        return; // other threads may have ended the program since
    main_handle_ = main_->next_interrupt_handle();
    has_ended_ = false;
}

ProgramEnd ThreadProgram::finish(ProgramEnd with) noexcept {
    using namespace std::chrono_literals;
    end(std::move(with));
    std::unique_lock lock{mutex_};
    // An interrupt ends one computation: a thread may have had another one, in a host function.
    for (; count_ != 0; changed_.wait_for(lock, 10ms))
        interrupt_all();
    // What the main thread's store does next is not to be interrupted.
    if (main_handle_)
        (void)main_->next_interrupt_handle();
    main_handle_.reset();
    ProgramEnd ended = std::exchange(ended_, ProgramEnd{});
    lock.unlock();
    // The waits that were interrupted do not go on.
    const Held held{context_.lock()};
    context_.poll_starts().clear();
    return ended;
}

} // namespace warpbeam::wasi
