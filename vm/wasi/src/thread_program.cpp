#include "thread_program.hpp"

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
    uint64_t part = fuel.take();
    for (;;) {
        const auto state = execution.resume({.fuel = std::exchange(part, 0)});
        if (!state)
            return ProgramEnd{thread, trap_of(state.error(), allocator), Backtrace{allocator}};
        switch (*state) {
        case ExecutionState::out_of_fuel:
            part = fuel.take();
            if (part != 0)
                continue;
            return ProgramEnd{thread, Trap{TrapCode::out_of_fuel}, execution.backtrace()};
        case ExecutionState::host_call:
            // The thread has nobody who would answer later.
            (void)execution.refuse(Trap{TrapCode::cannot_suspend});
            continue;
        case ExecutionState::trapped:
            return ProgramEnd{thread, *execution.trap(), Backtrace{allocator}};
        case ExecutionState::done:
            fuel.give(execution.take_fuel());
            return std::nullopt;
        case ExecutionState::interrupted:
        case ExecutionState::ready:
            return ProgramEnd{thread, Trap{TrapCode::interrupted}, execution.backtrace()};
        }
    }
}

void ThreadProgram::Thread::run() noexcept {
    if (auto how = program.drive(execution, id))
        program.end(std::move(*how));
    program.remove(this);
}

// ---- Spawning ----

bool ThreadProgram::reserve() noexcept {
    const std::lock_guard lock{mutex};
    if (has_ended || count >= settings.max_threads)
        return false;
    ++count;
    return true;
}

void ThreadProgram::enlist(Thread& thread) noexcept {
    const std::lock_guard lock{mutex};
    thread.id = ids.take([&](uint32_t id) {
        for (const Thread* each = first; each != nullptr; each = each->next)
            if (each->id == id)
                return true;
        return false;
    });
    thread.next = first;
    if (first != nullptr)
        first->previous = &thread;
    first = &thread;
    if (has_ended)
        thread.handle.interrupt();
}

void ThreadProgram::remove(Thread* thread) noexcept {
    if (thread != nullptr && thread->id != 0) {
        const std::lock_guard lock{mutex};
        (thread->previous != nullptr ? thread->previous->next : first) = thread->next;
        if (thread->next != nullptr)
            thread->next->previous = thread->previous;
    }
    // Host functions are destroyed with the store: not while the lock is held.
    destroy(allocator, thread);
    // When `finish` sees that there are no threads, it may destroy this object.
    const std::lock_guard lock{mutex};
    if (--count == 0)
        changed.notify_all();
}

std::expected<Vec<Extern>, Error> ThreadProgram::imports(Store& store) const noexcept {
    Vec<Extern> found{allocator};
    const std::span<const Import> all = module.imports();
    for (size_t i = 0; i < all.size(); ++i) {
        std::expected<Extern, Error> value = std::unexpected{Error{ErrorCode::out_of_memory}};
        if (!memories[i]) {
            value = linker.get(store, all[i].module, all[i].name);
        } else {
            const auto memory = Memory::create(store, *memories[i]);
            value = memory ? std::expected<Extern, Error>{*memory} : std::unexpected{memory.error()};
        }
        if (!value)
            return std::unexpected{value.error()};
        if (!found.push(*value))
            return std::unexpected{Error{ErrorCode::out_of_memory}};
    }
    return found;
}

Errno ThreadProgram::prepare(Thread& thread, uint32_t argument) noexcept {
    const auto values = imports(thread.store);
    if (!values)
        return errno_of(values.error().code());
    auto instantiation = Execution::instantiate(thread.store, module, {values->data(), values->size()});
    if (!instantiation) {
        if (const Trap* const trap = instantiation.error().trap())
            end({thread.id, *trap, Backtrace{allocator}});
        return errno_of(instantiation.error().code().value_or(ErrorCode::usage));
    }
    if (auto how = drive(*instantiation, thread.id)) {
        end(std::move(*how));
        return Errno::again;
    }
    const auto entry = instantiation->instance().func("wasi_thread_start");
    if (!entry)
        return Errno::nosys;
    const Value args[] = {Value{thread.id}, Value{argument}};
    auto execution = Execution::create(*entry, args);
    if (!execution)
        return errno_of(execution.error().code());
    thread.execution = std::move(*execution);
    return Errno::success;
}

int32_t ThreadProgram::spawn(uint32_t argument) noexcept {
    const auto failed = [](Errno why) { return -static_cast<int32_t>(why); };
    if (!reserve())
        return failed(Errno::again);
    Thread* const thread = warpbeam::create<Thread>(allocator, *this);
    if (thread == nullptr) {
        remove(nullptr);
        return failed(Errno::nomem);
    }
    enlist(*thread);
    const uint32_t id = thread->id;
    Errno why = prepare(*thread, argument);
    ThreadStarter& starter = settings.starter != nullptr ? *settings.starter : native_threads();
    if (why == Errno::success && !starter.start(*thread))
        why = Errno::again;
    if (why == Errno::success)
        return static_cast<int32_t>(id); // it may have ended by now
    remove(thread);
    return failed(why);
}

// ---- The end ----

void ThreadProgram::interrupt_all() noexcept {
    for (const Thread* each = first; each != nullptr; each = each->next)
        each->handle.interrupt();
}

void ThreadProgram::end(ProgramEnd with) noexcept {
    const std::lock_guard lock{mutex};
    if (has_ended)
        return;
    has_ended = true;
    ended = std::move(with);
    interrupt_all();
    if (main_handle && ended.thread != 0)
        main_handle->interrupt();
}

void ThreadProgram::begin() noexcept {
    const std::lock_guard lock{mutex};
    if (main_handle)
        return; // other threads may have ended the program since
    main_handle = main->next_interrupt_handle();
    has_ended = false;
}

ProgramEnd ThreadProgram::finish(ProgramEnd with) noexcept {
    using namespace std::chrono_literals;
    end(std::move(with));
    std::unique_lock lock{mutex};
    // An interrupt ends one computation: a thread may have had another one, in a host function.
    for (; count != 0; changed.wait_for(lock, 10ms))
        interrupt_all();
    // What the main thread's store does next is not to be interrupted.
    if (main_handle)
        (void)main->next_interrupt_handle();
    main_handle.reset();
    return std::exchange(ended, ProgramEnd{});
}

} // namespace warpbeam::wasi
