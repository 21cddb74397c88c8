#include "store/driver.hpp"

namespace warpbeam::fuzz {

std::expected<void, Trap> Driver::called(Caller& caller, std::span<const Value> args,
                                         std::span<Value> results) {
    Home& home = *static_cast<Home*>(caller.store().data());
    require(&caller.store() == home.store.get() && results.size() == caller.type().results.size());
    const size_t kept = home.kept.size(), scopes = home.scopes.size();
    ++depth_;
    ++home.running;
    keep(home, args, caller.type().params);
    require(caller.backtrace().size() <= 64);
    if (const auto instance = caller.instance()) {
        require(instance->store() == home.store.get() && instance->module());
        require(caller.position() || is_scarce());
    }
    for (int steps = input_.byte() % 4; steps > 0 && depth_ < 4 && !is_ending_; --steps)
        step();
    auto end = outcome(home, caller, results);
    while (home.scopes.size() > scopes) {
        home.kept.resize(home.scopes.back()->kept);
        home.scopes.pop_back();
    }
    home.kept.resize(std::min(kept, home.kept.size()));
    --home.running;
    --depth_;
    return end;
}

/// What the host function returns.
std::expected<void, Trap> Driver::outcome(Home& home, Caller& caller, std::span<Value> results) {
    const uint8_t choice = input_.byte();
    if (choice % 4 == 1)
        caller.take_fuel(input_.size());
    if (choice % 4 == 2) {
        Note* const note = add_note();
        const auto token = caller.token(tell_dropped, note);
        require(token.has_value() == caller.can_suspend() || is_scarce());
        if (token) {
            require(token->state() != AnswerToken::State::closed);
            add_ticket(*token, note);
            if (input_.byte() % 4 == 0)
                use_token();
        }
    }
    switch (choice / 4 % 16) {
    case 0:
    case 1:
        return std::unexpected{caller.suspend()};
    case 2: {
        const auto code = static_cast<TrapCode>(input_.byte() % (static_cast<unsigned>(TrapCode::usage) + 1));
        if (code != TrapCode::out_of_memory)
            return std::unexpected{Trap{code}};
        return std::unexpected{Trap::exit(input_.byte())};
    }
    case 3:
        for (const Held& each : exceptions_)
            if (each.home == &home)
                return std::unexpected{Trap::thrown(each.exception)};
        break;
    case 4:
        for (const Caught& each : traps_)
            if (each.home == &home)
                return std::unexpected{each.trap};
        break;
    default:
        break;
    }
    const bool other_type = choice == 255;
    for (size_t i = 0; i < results.size(); ++i)
        results[i] = value(home, other_type ? type() : caller.type().results[i]);
    return {};
}

template <class R, class... A>
std::expected<R, Trap> Driver::called_typed(Caller& caller, A... args) {
    const std::vector<Value> given{Value{args}...};
    Value results[2];
    const size_t count = caller.type().results.size();
    if (auto called = this->called(caller, given, std::span{results}.first(count)); !called)
        return std::unexpected{std::move(called.error())};
    Store& store = caller.store();
    if constexpr (std::is_same_v<R, StructRef>)
        return StructRef::from(store, results[0]).value_or(StructRef{});
    else if constexpr (std::is_same_v<R, ArrayRef>)
        return ArrayRef::from(store, results[0]).value_or(ArrayRef{});
    else if constexpr (std::is_same_v<R, int32_t>)
        return results[0].get<int32_t>().value_or(0);
    else
        return R{results[0].get<ExternRef>().value_or(ExternRef{}),
                 results[1].get<AnyRef>().value_or(AnyRef{})};
}

void Driver::define_func(Linker& linker, uint8_t choice) {
    const auto counted = Counted{callables_};
    switch (choice % 8) {
    case 0:
        (void)done(linker.func("env", "f", [this, counted](Caller& caller, int32_t number) {
            return called_typed<int32_t>(caller, number);
        }));
        break;
    case 1: {
        constexpr ValType i32 = ValType::i32;
        (void)done(linker.func("env", "f", FuncType{{&i32, 1}, {&i32, 1}}, host_func()));
        break;
    }
    case 2:
        (void)done(linker.host_call<int32_t(int32_t)>("env", "ask"));
        break;
    case 3:
        (void)done(
            linker.func("env", "pass", [this, counted](Caller& caller, AnyRef any, ExternRef external) {
                return called_typed<std::tuple<ExternRef, AnyRef>>(caller, any, external);
            }));
        break;
    case 4:
        (void)done(linker.func("env", "make",
                               [this, counted](Caller& caller) { return called_typed<StructRef>(caller); }));
        break;
    case 5:
        (void)done(
            linker.func("env", "list", [this, counted](Caller& caller, ArrayRef array, int32_t number) {
                return called_typed<ArrayRef>(caller, array, number);
            }));
        break;
    case 6:
        (void)done(linker.func("env", "apply", [this, counted](Caller& caller, Func func, int32_t number) {
            return called_typed<int32_t>(caller, func, number);
        }));
        break;
    default: {
        // Of any type that a module has.
        const std::span<const TypeId> ids = modules_[input_.byte() % modules_.size()].types();
        const TypeId id = ids[input_.byte() % ids.size()];
        if (engine_->types()[id].kind != CompositeKind::func)
            break;
        if (input_.byte() % 2 == 0)
            (void)done(linker.func("env", name(), id, host_func()));
        else
            (void)done(linker.host_call("env", name(), id));
        break;
    }
    }
}

/// All functions that the modules import.
void Driver::define_all(Linker& linker) {
    const uint8_t choice = input_.byte();
    linker.allow_shadowing(true);
    for (uint8_t i = choice % 2; i < 7; ++i)
        define_func(linker, i);
    if (choice % 8 == 7)
        (void)done(linker.host_call<int32_t(int32_t)>("env", "f"));
}

void Driver::call(Home& home) {
    refuel(home);
    if (input_.byte() % 4 == 0)
        return call_typed(home);
    const Func func = home.funcs.pick(input_);
    const FuncType type = func.type();
    const std::vector<Value> args = values(home, type.params);
    std::vector<Value> results(type.results.size());
    const auto called = func.call(args, results);
    if (done(home, called))
        keep(home, results, type.results);
    else if (args.size() != type.params.size() || !func)
        require(called.error().code() == TrapCode::usage);
}

void Driver::call_typed(Home& home) {
    const Instance instance = home.instances.pick(input_);
    switch (input_.byte() % 4) {
    case 0:
        if (const auto func = instance.func<int32_t(int32_t)>(name()); done(func)) {
            require(*func && func->func().typed<int32_t(int32_t)>().has_value());
            (void)done(home, (*func)(input_.byte()));
        }
        break;
    case 1:
        if (const auto func = instance.func<std::tuple<ExternRef, AnyRef>(AnyRef, ExternRef)>("pass");
            done(func)) {
            const AnyRef any = value(home, ValType::reference(HeapType::any, true)).as<AnyRef>();
            const ExternRef external = value(home, externref).as<ExternRef>();
            if (const auto passed = (*func)(any, external); done(home, passed)) {
                keep(home, Value{std::get<0>(*passed)});
                keep(home, Value{std::get<1>(*passed)});
            }
        }
        break;
    case 2:
        // A result may have a supertype.
        if (const auto func = instance.func<StructRef(int32_t)>("mark"); done(func)) {
            const int32_t number = input_.byte();
            if (const auto made = (*func)(number); done(home, made)) {
                require(made->size() == 1 && made->get(0)->as<int32_t>() == number);
                keep(home, made->value());
            }
        }
        break;
    default:
        if (const auto func = home.funcs.pick(input_).typed<AnyRef(int32_t)>(); done(func))
            if (const auto made = (*func)(input_.byte()); done(home, made))
                keep(home, Value{*made});
        break;
    }
}

} // namespace warpbeam::fuzz
