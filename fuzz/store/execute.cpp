#include "store/driver.hpp"
#include "store/modules.hpp"

namespace warpbeam::fuzz {

Run* Driver::add_run(Home& home, Execution execution, bool on_stack) {
    require(static_cast<bool>(execution));
    auto run = std::make_unique<Run>(std::move(execution), &home, on_stack);
    run->given = run->execution.fuel();
    return runs_.add(std::move(run));
}

void Driver::execute(Home& home) {
    Run* const run = runs_.pick(input_);
    if (run == nullptr || input_.byte() % 4 == 0)
        return input_.byte() % 2 == 0 ? begin(home) : start(home);
    switch (input_.byte() % 8) {
    case 0:
    case 1:
        return answer(*run);
    case 2:
        return take_token(*run);
    case 3:
        return inspect(*run);
    case 4:
        if (input_.byte() % 4 == 0) {
            // Even while it runs.
            run->execution = Execution{};
        } else {
            const uint64_t left = run->execution.fuel(), taken = run->execution.take_fuel();
            require(taken == 0 || (taken == left && run->execution.fuel() == 0));
            run->given -= taken;
        }
        return;
    default:
        return resume(*run);
    }
}

void Driver::begin(Home& home) {
    const Func func = home.funcs.pick(input_);
    const Module& module = modules_[input_.byte() % modules_.size()];
    const Linker* const linker = linkers_.pick(input_);
    switch (input_.byte() % 6) {
    case 0:
        if (auto made = Execution::instantiate(*linker, *home.store, module); done(home, made))
            add_run(home, std::move(*made));
        return;
    case 1:
        if (auto made = Execution::instantiate(linked_.pick(input_), *home.store); done(home, made))
            add_run(home, std::move(*made));
        return;
    case 2:
        return use_stacks(home);
    default: {
        const std::vector<Value> args = values(home, func.type().params);
        if (auto made = Execution::create(func, args); done(made)) {
            require(made->state() == ExecutionState::ready && made->fuel() == 0);
            add_run(home, std::move(*made));
        }
        return;
    }
    }
}

void Driver::start(Home& home) {
    const Func func = home.funcs.pick(input_);
    const FuncType type = func.type();
    const std::vector<Value> args = values(home, type.params);
    std::vector<Value> results(type.results.size());
    const uint64_t budget = input_.size() % fuel;
    auto started = Execution::start(func, args, results, {.fuel = budget});
    if (!done(started))
        return;
    Execution& execution = started->execution;
    if (started->state == ExecutionState::done) {
        require(!execution);
        return keep(home, results, type.results);
    }
    require(execution && execution.type().results.size() == results.size());
    require(started->fuel_used == budget - execution.fuel() + execution.fuel_debt());
    const ExecutionState now = execution.state();
    require(now == started->state ||
            (started->state == ExecutionState::host_call && now == ExecutionState::ready));
    if (Run* const run = add_run(home, std::move(execution))) {
        run->given = budget;
        run->used = started->fuel_used;
        inspect(*run);
    }
}

void Driver::resume(Run& run) {
    Execution& execution = run.execution;
    const ExecutionState before = execution.state();
    const uint64_t budget = input_.size() % fuel;
    const auto state = execution.resume({.fuel = budget});
    if (!state) {
        require(state.error().code() == ErrorCode::usage && !state.error().message().empty());
        return;
    }
    require(before != ExecutionState::done && before != ExecutionState::trapped &&
            before != ExecutionState::host_call);
    run.given += budget;
    if (!execution) // a host function has dropped it
        return;
    const ExecutionState now = execution.state();
    // A host function may have answered before it has returned.
    require(now == *state || (*state == ExecutionState::host_call && now == ExecutionState::ready));
    const uint64_t used = run.given - execution.fuel() + execution.fuel_debt();
    require(used >= run.used);
    run.used = used;
    inspect(run);
}

void Driver::inspect(Run& run) {
    Execution& execution = run.execution;
    const ExecutionState state = execution.state();
    const FuncType type = execution.type();
    (void)execution.stack().visit(watcher_);
    ActiveFunc active[64];
    const size_t count = execution.active(active);
    for (const ActiveFunc& each : std::span{active}.first(std::min(count, std::size(active))))
        require(each.func < each.module.funcs().size());
    require(execution.backtrace().size() <= 64);
    if (run.home != nullptr) // a trap outlives the store
        require((execution.trap() != nullptr) ==
                (state == ExecutionState::trapped && static_cast<bool>(execution)));
    if (run.home != nullptr && execution.trap() != nullptr)
        keep(*run.home, *execution.trap());
    std::vector<Value> results(type.results.size());
    const auto copied = execution.results(results);
    require(copied.has_value() == (state == ExecutionState::done) || is_scarce());
    if (copied)
        keep(*run.home, results, type.results);
    if (const Instance instance = execution.instance()) {
        require(state == ExecutionState::done && instance.store() == run.home->store.get());
        keep_instance(*run.home, instance);
    }
    const HostCall call = execution.host_call();
    if (state != ExecutionState::host_call) {
        require(!call.instance && call.type.params.empty() && call.name.empty());
        require(execution.argument(0).type() == ValType::i32);
        return;
    }
    for (size_t i = 0; i < call.type.params.size(); ++i) {
        const Value argument = execution.argument(i);
        require(argument.type().kind() == call.type.params[i].kind());
        if (argument.type().is_ref() && run.home->roots.size() < 16 && !argument.is<Func>() &&
            !argument.is_null())
            run.home->roots.push_back({Root{*run.home->store, argument}, stamp(*run.home, argument)});
    }
}

void Driver::answer(Run& run) {
    Execution& execution = run.execution;
    Home& in = run.home != nullptr ? *run.home : home();
    const bool waits = execution.state() == ExecutionState::host_call;
    std::expected<void, Error> answered;
    if (input_.byte() % 4 != 0) {
        answered = execution.answer(values(in, execution.host_call().type.results));
    } else if (traps_.empty()) {
        answered = execution.refuse(Trap::host("refused"));
    } else {
        const Caught& caught = traps_[input_.byte() % traps_.size()];
        // Those of other stores refer to their instances.
        answered = execution.refuse(caught.home == run.home ? caught.trap : Trap{TrapCode::unreachable});
    }
    if (done(answered))
        require(waits && execution.state() == ExecutionState::ready);
    else
        require(execution.state() == ExecutionState::host_call || !waits);
}

void Driver::add_ticket(AnswerToken token, Note* note) { tickets_.add({std::move(token), note}); }

void Driver::take_token(Run& run) {
    Note* const note = add_note();
    const bool waits = run.execution.state() == ExecutionState::host_call;
    const auto token = run.execution.token(tell_dropped, note);
    require(token.has_value() == waits || is_scarce());
    if (token) {
        require(token->state() == AnswerToken::State::open);
        add_ticket(*token, note);
    }
    const bool is_armed = run.execution.notify(tell_answered, note);
    require(is_armed == token.has_value() || is_scarce() || !waits);
    if (is_armed && input_.byte() % 8 == 0)
        require(run.execution.notify(nullptr, nullptr));
}

void Driver::use_token() {
    const Ticket ticket = tickets_.pick(input_);
    const AnswerToken::State before = ticket.token.state();
    std::expected<void, Error> answered;
    const uint8_t choice = input_.byte();
    if (choice % 8 == 0) {
        Trap trap = Trap::host("refused").with_host_code(choice).with_payload(Counted{things_});
        if (!traps_.empty())
            trap.caused_by(traps_.back().trap);
        answered = ticket.token.refuse(std::move(trap));
    } else if (choice % 8 == 1) {
        const std::vector<Value> answer{value(home(), externref),
                                        value(home(), ValType::reference(HeapType::any, true))};
        answered = ticket.token.answer(answer);
    } else {
        const std::vector<Value> answer{value(home(), choice % 8 == 2 ? type() : ValType{ValType::i32})};
        answered = ticket.token.answer(answer);
    }
    if (done(answered))
        require(before == AnswerToken::State::open && ticket.token.state() == AnswerToken::State::answered);
    else
        require(ticket.token.state() == before);
    if (ticket.note != nullptr && ticket.note->dropped != 0)
        require(before == AnswerToken::State::closed);
}

/// Gives the stack of an execution that was restored or forked to new GuestStacks.
void Driver::adopt(Run& run, Instance guest) {
    auto stacks = GuestStacks::of(guest, {.size = stack_size, .pointer = "sp"});
    if (!done(*run.home, stacks) || !done(stacks->adopt(run.execution)))
        return;
    require(stacks->size() == 1 && stacks->unused() == 0 && !stacks->adopt(run.execution));
    // There is room, since the home is new.
    require(run.home->stacks.add(std::make_unique<GuestStacks>(std::move(*stacks))) != nullptr);
    run.on_stack = true;
}

void Driver::use_stacks(Home& home) {
    GuestStacks* stacks = home.stacks.pick(input_);
    refuel(home);
    if (stacks == nullptr || input_.byte() % 8 == 0) {
        const uint8_t choice = input_.byte();
        Instance guest = home.instances.pick(input_);
        for (const Instance& each : home.instances.all())
            if (choice % 8 != 7 && each.module() == modules_[guest_module])
                guest = each;
        auto made =
            GuestStacks::of(guest, {.size = choice % 4 != 1 ? stack_size : input_.size(),
                                    .pointer = choice % 4 == 0 ? std::string_view{} : std::string_view{"sp"},
                                    .allocator = {.own = choice % 3 == 0}});
        if (done(home, made)) {
            require(made->size() == 0 && made->unused() == 0);
            home.stacks.add(std::make_unique<GuestStacks>(std::move(*made)));
            require(made->size() == 0 && !made->create(Func{}));
        }
        return;
    }
    switch (input_.byte() % 4) {
    case 0:
        if (const auto trimmed = stacks->trim(); done(home, trimmed) && depth_ == 0 && !is_scarce())
            require(stacks->unused() == 0);
        break;
    case 1:
        for (size_t i = 0; i < runs_.size(); ++i)
            if (Run& run = runs_[i]; done(stacks->adopt(run.execution))) {
                require(run.home == &home);
                run.on_stack = true;
            }
        break;
    default: {
        Func func = home.funcs.pick(input_);
        for (const Instance& each : home.instances.all())
            if (each.module() == modules_[guest_module] && input_.byte() % 2 == 0)
                func = each.func("f").value_or(Func{});
        const std::vector<Value> args = values(home, func.type().params);
        // Memory may run out in the guest, too, so its traps are not for `keep`.
        if (auto made = stacks->create(func, args)) {
            require(stacks->size() > 0 && stacks->unused() < stacks->size());
            add_run(home, std::move(*made), true);
        }
        break;
    }
    }
    require(stacks->unused() <= stacks->size());
}

} // namespace warpbeam::fuzz
