#include "store/driver.hpp"
#include "store/modules.hpp"

namespace warpbeam::fuzz {

void Driver::make(Home& home) {
    Store& store = *home.store;
    switch (input_.byte() % 6) {
    case 0:
        return make_func(home);
    case 1: {
        const GlobalType made_type{type(), input_.byte() % 2 == 0};
        const Value init = value(home, made_type.content);
        if (const auto made = Global::create(store, made_type, init); done(made)) {
            require(made->type() == made_type);
            home.globals.add(*made);
        }
        break;
    }
    case 2: {
        const TableType made_type{.element = type(),
                                  .limits = {.min = input_.byte(), .max = input_.size(), .has_max = true}};
        const Value init = value(home, made_type.element);
        if (!made_type.element.is_ref())
            break;
        if (const auto made = Table::create(store, made_type, init); done(made)) {
            require(made->size() == made_type.limits.min);
            home.tables.add(*made);
        }
        break;
    }
    case 3: {
        const MemoryType made_type{
            .limits = {.min = input_.byte() % 4u, .max = input_.size(), .has_max = true},
            .shared = input_.byte() % 8 == 0};
        if (const auto made = Memory::create(store, made_type); done(made)) {
            require(made->pages() == made_type.limits.min && made->shared().has_value() == made_type.shared);
            home.memories.add(*made);
            if (const auto shared = made->shared())
                if (const auto other = Memory::create(*this->home().store, *shared); done(other))
                    require(other->size() == made->size());
        }
        break;
    }
    case 4: {
        ValType params[3];
        for (ValType& each : params)
            each = type();
        const auto given = std::span{params}.first(input_.byte() % 4);
        if (const auto made = Tag::create(store, given); done(made)) {
            require(std::ranges::equal(made->params(), given));
            home.tags.add(*made);
        }
        break;
    }
    default:
        return keep_instance(home, home.instances.pick(input_));
    }
}

void Driver::make_func(Home& home) {
    Store& store = *home.store;
    std::expected<Func, Error> made;
    switch (input_.byte() % 3) {
    case 0:
        made = Func::wrap(store, [this, counted = Counted{callables_}](Caller& caller, int32_t number) {
            return called_typed<int32_t>(caller, number);
        });
        break;
    case 1: {
        const ValType params[] = {type(), type()}, results[] = {type(), type()};
        made = Func::wrap(
            store,
            FuncType{std::span{params}.first(input_.byte() % 3), std::span{results}.first(input_.byte() % 3)},
            host_func());
        break;
    }
    default: {
        const std::span<const TypeId> ids = modules_[gc_module].types();
        const TypeId id = ids[input_.byte() % ids.size()];
        if (engine_->types()[id].kind != CompositeKind::func)
            return;
        made = Func::wrap(store, id, host_func());
        break;
    }
    }
    if (done(made))
        home.funcs.add(*made);
}

void Driver::keep_instance(Home& home, Instance instance) {
    if (!instance)
        return;
    home.instances.add(instance);
    const Module module = instance.module();
    for (const Export& entry : module.exports()) {
        const Extern object = instance.get(entry);
        require(kind_of(object) == entry.kind && instance.find_export(entry.name) == object);
        keep(home, object);
    }
    const auto index = input_.byte();
    require(static_cast<bool>(instance.func_at(index)) == (index < module.funcs().size()) &&
            static_cast<bool>(instance.table_at(index)) == (index < module.tables().size()) &&
            static_cast<bool>(instance.memory_at(index)) == (index < module.memories().size()) &&
            static_cast<bool>(instance.global_at(index)) == (index < module.globals().size()) &&
            static_cast<bool>(instance.tag_at(index)) == (index < module.tags().size()));
    home.globals.add(instance.global_at(index % 4));
}

void Driver::link(Home& home) {
    Linker* const linker = linkers_.pick(input_);
    switch (input_.byte() % 8) {
    case 0:
        if (Linker* const added = linkers_.add(std::make_unique<Linker>(*engine_)))
            define_all(*added);
        break;
    case 1:
        define_func(*linker, input_.byte());
        break;
    case 2:
        linker->allow_shadowing(input_.byte() % 4 != 0);
        break;
    case 3: {
        ExternType kind;
        kind.kind = static_cast<ExternKind>(input_.byte() % 5);
        (void)done(linker->define("env", name(), fitting(home, kind)));
        break;
    }
    case 4:
        (void)done(linker->define_instance("env", home.instances.pick(input_)));
        break;
    case 5: {
        const std::string_view wanted = name();
        const auto found = linker->get(*home.store, "env", wanted);
        if (done(found)) {
            require(linker->defines("env", wanted));
            keep(home, *found);
        }
        break;
    }
    case 6: {
        const Module& module = modules_[input_.byte() % modules_.size()];
        (void)done(
            linker->stub_unknown(module, input_.byte() % 2 == 0 ? Linker::Stub::zero : Linker::Stub::trap));
        break;
    }
    default: {
        const Module& module = modules_[input_.byte() % modules_.size()];
        const auto linked = linker->resolve(module);
        if (done(home, linked)) {
            require(linked->module() == module);
            linked_.add(*linked);
        }
        break;
    }
    }
}

Extern Driver::fitting(Home& home, const ExternType& type) {
    Home& in = input_.byte() == 255 ? this->home() : home;
    switch (type.kind) {
    case ExternKind::func:
        return in.funcs.pick(input_);
    case ExternKind::table:
        return in.tables.pick(input_);
    case ExternKind::memory:
        return in.memories.pick(input_);
    case ExternKind::global:
        return in.globals.pick(input_);
    case ExternKind::tag:
        return in.tags.pick(input_);
    }
    return {};
}

void Driver::instantiate(Home& home) {
    Store& store = *home.store;
    const Module& module = modules_[input_.byte() % modules_.size()];
    refuel(home);
    std::expected<Instance, InstantiationError> made;
    switch (input_.byte() % 8) {
    case 0:
        made = linked_.pick(input_).instantiate(store);
        break;
    case 1: {
        std::vector<Extern> imports;
        for (const Import& import : module.imports())
            imports.push_back(fitting(home, import.type));
        if (input_.byte() == 255)
            imports.clear();
        if (input_.byte() % 4 == 0) {
            if (auto execution = Execution::instantiate(store, module, imports); done(home, execution))
                add_run(home, std::move(*execution));
            return;
        }
        made = Instance::create(store, module, imports);
        break;
    }
    case 2:
        made = linkers_.pick(input_)->define_module(store, "env", module);
        break;
    default:
        made = linkers_.pick(input_)->instantiate(store, module);
        break;
    }
    if (!done(home, made))
        return;
    require(*made && made->store() == &store);
    keep_instance(home, *made);
}

} // namespace warpbeam::fuzz
