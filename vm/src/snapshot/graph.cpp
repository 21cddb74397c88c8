#include "snapshot/graph.hpp"

#include "handlers/continuation.hpp"
#include "heap/object_values.hpp"
#include "snapshot/call_site.hpp"
#include "store/host_func.hpp"
#include "store/values.hpp"
#include "trap/exception_root.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/memory/hash.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstring>

namespace warpbeam::vm {
uint32_t AddressMap::find(uint64_t key) const noexcept {
    const uint32_t found = index_.find(hash_of(key), [&](uint32_t i) { return keys_[i].key == key; });
    return found != none ? keys_[found].number : none;
}

bool AddressMap::add(uint64_t key, uint32_t number) noexcept {
    return keys_.push({key, number}) && index_.insert(hash_of(key), static_cast<uint32_t>(keys_.size() - 1));
}

Graph::Graph(StoreImpl& store) noexcept
    : modules{store.allocator()}, instances{store.allocator()}, hosts{store.allocator()},
      host_imports{store.allocator()}, memories{store.allocator()}, tables{store.allocator()},
      globals{store.allocator()}, tags{store.allocator()}, objects{store.allocator()},
      externs{store.allocator()}, continuations{store.allocator()}, executions{store.allocator()},
      shapes{store.allocator()}, store_{store}, types_{store.allocator()}, type_names_{store.allocator()},
      names_{store.allocator()}, first_funcs_{store.allocator()}, hosts_by_name_{store.allocator()} {}

bool Graph::fail(Error error) noexcept {
    if (!error_)
        error_ = std::move(error);
    return false;
}

std::expected<void, Error> Graph::find(const SnapshotContents& contents) noexcept {
    const auto refuse = [&](const char* words) {
        return std::unexpected{Error{ErrorCode::usage, "%s", words}};
    };
    if (store_.stacks.running() != nullptr)
        return refuse("a store can't be saved or forked while its code is running");
    store_.heap.end_collection();
    bool done = true;
    for (const Instance& instance : contents.instances) {
        if (Internal::inst(instance) == nullptr || Internal::store_number(instance) != store_.number())
            return refuse("an instance is empty or belongs to another store");
        done = done && add_instance(*static_cast<InstanceObject*>(Internal::inst(instance)));
    }
    AddressMap known{store_.allocator()};
    for (size_t i = 0; i < contents.executions.size(); ++i) {
        const warpbeam::Execution* const execution = contents.executions[i];
        ExecutionObject* const object = execution != nullptr ? Internal::object(*execution) : nullptr;
        if (object == nullptr || object->execution() == nullptr || &object->store() != &store_)
            return std::unexpected{
                Error{ErrorCode::usage, "execution %zu is empty or belongs to another store", i}};
        if (const uint32_t before = known.find(object); before != AddressMap::none)
            return std::unexpected{
                Error{ErrorCode::usage, "execution %zu is execution %" PRIu32 " again", i, before}};
        done = done && keep(known.add(object, static_cast<uint32_t>(i))) && add_execution(*object);
    }
    done = done && check_guest_stacks();
    for (const Value& value : contents.values) {
        if (value.type().is_ref() && !fits(value, value.type(), store_))
            return refuse("a value belongs to another store, or its object was not kept alive");
        done = done && add_value(value.type(), value.slots());
    }
    given = contents.instances;
    values = contents.values;
    if (!done || !visit_all() || !name_hosts_by_others())
        return std::unexpected{*error_};
    uint32_t next = static_cast<uint32_t>(hosts.size());
    for (const InstanceObject* const instance : instances.items) {
        if (!first_funcs_.push(next))
            return std::unexpected{Error{ErrorCode::out_of_memory}};
        next += static_cast<uint32_t>(instance->module->bodies().size());
    }
    return {};
}

/// Executions that share a guest's stack go on in the reverse order in which they began. Each must be able
/// to, with those that are here.
bool Graph::check_guest_stacks() noexcept {
    // Where the pointers stand, of the stacks of those that can't go on yet.
    Vec<GuestStack::Pointer> pointers{store_.allocator()};
    const auto pointer_of = [&](const GlobalInst* global) {
        return std::ranges::find(pointers, global, &GuestStack::Pointer::global);
    };
    Vec<uint8_t> ends{store_.allocator()};
    if (!keep(ends.resize(executions.size())))
        return false;
    for (const GraphExecution& execution : executions)
        if (const GuestStack& stack = execution.object->guest_stack(); !stack.may_go_on())
            for (const GuestStack::Saved saved = stack.saved();
                 const GuestStack::Pointer& pointer : saved.pointers)
                if (pointer.global != nullptr && pointer_of(pointer.global) == pointers.end() &&
                    !keep(pointers.push({pointer.global, pointer.global->value[0]})))
                    return false;
    for (bool more = pointers.size() != 0; more;) {
        more = false;
        for (size_t i = 0; i < executions.size(); ++i) {
            const GuestStack::Saved saved = executions[i].object->guest_stack().saved();
            const auto stands = [&](const GuestStack::Pointer& stopped) {
                const auto found = pointer_of(stopped.global);
                return found == pointers.end() || found->value == stopped.value;
            };
            if (ends[i] != 0 || !stands(saved.pointers[2]) || !stands(saved.pointers[3]))
                continue;
            ends[i] = 1;
            more = true;
            if (const auto found = pointer_of(saved.pointers[1].global); found != pointers.end())
                found->value = saved.pointers[1].value;
        }
    }
    for (size_t i = 0; pointers.size() != 0 && i < executions.size(); ++i)
        if (ends[i] == 0)
            return fail(Error{ErrorCode::usage,
                              "execution %zu waits below another one on the guest's stack, which has to be "
                              "included too",
                              i});
    return true;
}

/// Follows everything that was found until nothing more is.
bool Graph::visit_all() noexcept {
    size_t instance = 0;
    size_t table = 0;
    size_t global = 0;
    size_t object = 0;
    for (bool more = true; more;) {
        more = false;
        for (; instance < instances.size(); ++instance, more = true)
            if (!visit_instance(*instances.items[instance]))
                return false;
        for (; table < tables.size(); ++table, more = true)
            for (const Slot element : tables.items[table]->slots)
                if (!add_reference(element))
                    return false;
        for (; global < globals.size(); ++global, more = true)
            if (!add_value(globals.items[global]->type.content, globals.items[global]->value))
                return false;
        for (; object < objects.size(); ++object, more = true)
            if (!visit_object(*objects.items[object]))
                return false;
    }
    return true;
}

// ---- Instances ----

bool Graph::add_instance(InstanceObject& instance) noexcept {
    if (instances.find(&instance) != AddressMap::none)
        return true;
    if (!keep(instances.add(&instance) && modules.add(instance.module)))
        return false;
    // Host functions that it imports get their names from it.
    uint32_t func = 0;
    const std::span<const Import> imports = instance.module->imports();
    for (uint32_t i = 0; i < imports.size(); ++i) {
        if (imports[i].type.kind != ExternKind::func)
            continue;
        FuncInst& imported = *instance.funcs[func++];
        if (imported.host == nullptr)
            continue; // its instance is added when this one is visited
        if (!add_func(imported) || !name_host(hosts.find(&imported), instance, i))
            return false;
    }
    return true;
}

/// A host function gets its name from an import.
bool Graph::name_host(uint32_t host, const InstanceObject& instance, uint32_t import) noexcept {
    GraphHost& from = host_imports[host];
    if (from.instance != nullptr)
        return true;
    from = {&instance, import, host, false};
    const Import& names = from.names();
    const uint32_t hash = SeededHash{this}.add(names.module).add(names.name).finish();
    const uint32_t same = hosts_by_name_.find(hash, [&](uint32_t other) {
        return host_imports[other].names().module == names.module &&
               host_imports[other].names().name == names.name;
    });
    if (same == HashIndex::npos)
        return keep(hosts_by_name_.insert(hash, host));
    from.first = same;
    // Instances of one linker have the same function.
    if (hosts.items[same]->host != hosts.items[host]->host)
        host_imports[same].is_ambiguous = true;
    return true;
}

/// Functions that only instances outside of the snapshot import are named by those.
bool Graph::name_hosts_by_others() noexcept {
    AddressMap nameless{store_.allocator()};
    bool any = false;
    for (uint32_t i = 0; i < hosts.size(); ++i)
        if (host_imports[i].instance == nullptr) {
            any = true;
            if (!keep(nameless.add(hosts.items[i], i)))
                return false;
        }
    if (!any)
        return true;
    for (const InstanceObject* each = store_.objects.instances(); each != nullptr; each = each->next) {
        uint32_t func = 0;
        const std::span<const Import> imports = each->module->imports();
        for (uint32_t i = 0; i < imports.size(); ++i)
            if (imports[i].type.kind == ExternKind::func)
                if (const uint32_t host = nameless.find(each->funcs[func++]);
                    host != AddressMap::none && !name_host(host, *each, i))
                    return false;
    }
    return true;
}

bool Graph::add_global(GlobalInst* global) noexcept {
    return keep(globals.add(global)) && add_type(global->type.content);
}

bool Graph::visit_instance(InstanceObject& instance) noexcept {
    const Module& module = *instance.module;
    for (uint32_t i = 0; i < module.imported_funcs(); ++i)
        if (!add_func(*instance.funcs[i]))
            return false;
    for (size_t i = 0; i < module.memories().size(); ++i) {
        auto* const memory = static_cast<MemoryObject*>(instance.memories[i]);
        if (!memory->bytes)
            return fail(Error{ErrorCode::usage, "memory %zu is shared: it can't be saved or forked", i});
        if (!keep(memories.add(memory)))
            return false;
    }
    for (size_t i = 0; i < module.tables().size(); ++i)
        if (!keep(tables.add(static_cast<TableObject*>(instance.tables[i]))) ||
            !add_type(instance.tables[i]->type.element))
            return false;
    for (size_t i = 0; i < module.globals().size(); ++i)
        if (!add_global(instance.globals[i]))
            return false;
    for (size_t i = 0; i < module.tags().size(); ++i)
        if (!keep(tags.add(instance.tags[i])) || !add_type(instance.tags[i]->type))
            return false;
    for (size_t i = 0; i < module.elements().size(); ++i)
        for (const Slot value : instance.elems[i].values)
            if (!add_reference(value))
                return false;
    return true;
}

bool Graph::add_func(FuncInst& func) noexcept {
    if (func.host == nullptr)
        return add_instance(*static_cast<InstanceObject*>(func.instance));
    if (hosts.find(&func) != AddressMap::none)
        return true;
    return keep(hosts.add(&func) && host_imports.push({}));
}

uint32_t Graph::number_of(const FuncInst& func) const noexcept {
    if (func.host != nullptr)
        return hosts.find(const_cast<FuncInst*>(&func));
    auto* const instance = static_cast<InstanceObject*>(func.instance);
    const FuncInst* const first = instance->funcs[instance->module->imported_funcs()];
    return first_funcs_[instances.find(instance)] + static_cast<uint32_t>(&func - first);
}

// ---- Types ----

/// A module of the snapshot must have the type. If none has, another module of the store may.
bool Graph::add_type(TypeId type) noexcept {
    if (types_.find(type) != AddressMap::none)
        return true;
    if (!keep(types_.add(type)))
        return false;
    if (name_of(type))
        return true;
    if (error_)
        return false;
    for (const InstanceObject* each = store_.objects.instances(); each != nullptr; each = each->next)
        if (std::ranges::find(each->module->types(), type) != each->module->types().end())
            return keep(modules.add(each->module));
    return fail(Error{ErrorCode::usage,
                      "a type of the host's is in no module of the store, so a snapshot can't name it"});
}

bool Graph::add_type(ValType type) noexcept {
    return !type.is_ref() || !type.heap().is_defined() || add_type(type.heap().id());
}

std::optional<Graph::TypeName> Graph::name_of(TypeId type) noexcept {
    for (; named_modules_ < modules.size(); ++named_modules_) {
        const std::span<const TypeId> types = modules.items[named_modules_]->types();
        for (uint32_t i = 0; i < types.size(); ++i) {
            if (type_names_.find(uint64_t{types[i]}) != AddressMap::none)
                continue;
            const auto number = static_cast<uint32_t>(names_.size());
            if (!names_.push({static_cast<uint32_t>(named_modules_), i}) ||
                !type_names_.add(uint64_t{types[i]}, number)) {
                (void)keep(false);
                return std::nullopt;
            }
        }
    }
    const uint32_t number = type_names_.find(uint64_t{type});
    return number != AddressMap::none ? std::optional{names_[number]} : std::nullopt;
}

// ---- References ----

bool Graph::add_reference(Slot reference) noexcept {
    if (reference == 0 || is_i31(reference))
        return true;
    if (is_host_reference(reference))
        return keep(externs.add(reference));
    Object* const object = store_.heap.find_object(reference);
    if (object == nullptr)
        return add_func(*to_func(reference));
    if (object->layout->kind == ObjectKind::host)
        return keep(externs.add(reference));
    return keep(objects.add(object));
}

uint64_t Graph::encode(Slot reference) const noexcept {
    const auto encoded = [](uint64_t number, RefKind kind) {
        return number << 2 | static_cast<uint8_t>(kind);
    };
    if (reference == 0)
        return 0;
    if (is_i31(reference))
        return encoded(reference >> 1, RefKind::i31);
    // Numbers of objects begin with 1.
    if (const uint32_t host_number = externs.find(reference); host_number != AddressMap::none)
        return encoded(host_number, RefKind::host);
    if (const uint32_t object_number = objects.find(to_object(reference)); object_number != AddressMap::none)
        return encoded(uint64_t{object_number} + 1, RefKind::object);
    return encoded(number_of(*to_func(reference)), RefKind::func);
}

bool Graph::add_value(ValType type, const Slot* slot) noexcept {
    return !type.is_ref() || (add_reference(*slot) && add_type(type));
}

bool Graph::add_values(std::span<const ValType> types, const Slot* slots) noexcept {
    for (const ValType type : types) {
        if (type.is_ref() && !add_reference(*slots))
            return false;
        slots += slots_of(type);
    }
    return true;
}

bool Graph::visit_object(Object& object) noexcept {
    const Layout& layout = *object.layout;
    switch (layout.kind) {
    case ObjectKind::struct_:
        if (!add_type(layout.type))
            return false;
        for (const uint32_t offset : layout.references) {
            Slot reference;
            std::memcpy(&reference, field_at(&object, offset), sizeof reference);
            if (!add_reference(reference))
                return false;
        }
        // The collector does not follow references to functions.
        for (const ObjectField& field : layout.fields)
            if (field.storage == ValType::ref && !field.traced) {
                Slot reference;
                load_value(&reference, field.storage, field_at(&object, field.offset));
                if (!add_reference(reference))
                    return false;
            }
        return true;
    case ObjectKind::array: {
        auto& array = static_cast<ArrayObject&>(object);
        if (!add_type(layout.type))
            return false;
        if (layout.element().storage != ValType::ref)
            return true;
        for (uint32_t i = 0; i < array.length; ++i) {
            Slot reference;
            load_value(&reference, ValType::ref, element_at(&array, i));
            if (!add_reference(reference))
                return false;
        }
        return true;
    }
    case ObjectKind::exception: {
        const auto& exception = static_cast<const ExceptionObject&>(object);
        auto* const tag = static_cast<TagInst*>(const_cast<TagHead*>(exception.tag));
        return keep(tags.add(tag)) && add_type(tag->type) &&
               add_values(store_.types().func(tag->type).params, exception.payload());
    }
    case ObjectKind::continuation:
        return add_continuation(static_cast<const ContObject&>(object));
    case ObjectKind::host:
        break;
    }
    return true;
}

// ---- Stacks ----

/// What a stack refers to; `types` are those of its values.
bool Graph::add_stack(const SavedStack& stack, std::span<const ValType> types) noexcept {
    if (!add_values(types, stack.values.data()))
        return false;
    for (const SavedFrame& frame : stack.frames) {
        if (!add_instance(*static_cast<InstanceObject*>(frame.inst)))
            return false;
        const Slot* slot = stack.slots.data() + frame.first_slot;
        const bool added = visit_places(shapes[frame.shape].state, [&](const FramePlace& place) {
            if (place.kind == ValType::ref && !add_reference(*slot))
                return false;
            slot += slots_of(place.kind);
            return true;
        });
        if (!added)
            return false;
    }
    return true;
}

std::span<const ValType> Graph::types_of_values(const SavedStack& stack) const noexcept {
    if (stack.values.empty())
        return {};
    const SavedFrame& frame = stack.frames[0];
    const FrameShape& shape = shapes[frame.shape];
    const auto site = call_site_at(*frame.inst, shape.func, shape.state.point.offset);
    return *types_in(site->results, stack.values.size());
}

bool Graph::add_execution(ExecutionObject& object) noexcept {
    if (auto settled = object.settle_answer(); !settled)
        return fail(std::move(settled.error()));
    const auto saved = object.saved();
    const vm::Execution& execution = *object.execution();
    if (execution.is_running || saved.state == ExecutionState::done || saved.state == ExecutionState::trapped)
        return fail(
            Error{ErrorCode::usage, "execution %zu has ended: there is nothing to save", executions.size()});
    GraphExecution* const added = executions.emplace(store_.allocator());
    if (!keep(added != nullptr))
        return false;
    added->object = &object;
    if (saved.func != nullptr && !add_func(*saved.func))
        return false;
    if (saved.instance != nullptr && !add_instance(*static_cast<InstanceObject*>(saved.instance)))
        return false;
    if (const Trap* const answer = object.answer(); answer != nullptr)
        if (const auto thrown = TrapBuilder::exception_of(*answer);
            thrown && !add_reference(thrown->exception))
            return false;
    const auto push = [&]() noexcept { return added->stacks.emplace(store_.allocator()); };
    SavedStack* top = push();
    if (!keep(top != nullptr))
        return false;
    if (saved.step == ExecutionObject::Step::begin) {
        top->top = StackTop::values;
        const std::span<const ValType> params =
            saved.func != nullptr ? store_.types().func(saved.func->type).params : std::span<const ValType>{};
        return keep(top->values.append({execution.fp, slots_of(params)})) && add_stack(*top, params);
    }
    if (!keep(top->read(execution, shapes) == Exit::none))
        return false;
    if (execution.inst != nullptr && !add_instance(*static_cast<InstanceObject*>(execution.inst)))
        return false;
    if (top->host != nullptr) {
        // The function that was called, which the stack does not say.
        FuncInst* called = nullptr;
        const auto is_it = [&](FuncInst* func) { return func->host == top->host; };
        if (execution.inst != nullptr) {
            const std::span imports{execution.inst->funcs, execution.inst->module->imported_funcs()};
            if (const auto found = std::ranges::find_if(imports, is_it); found != imports.end())
                called = *found;
        }
        if (called == nullptr && saved.func != nullptr && is_it(saved.func))
            called = saved.func;
        if (called == nullptr)
            if (const auto found = std::ranges::find_if(hosts.items, is_it); found != hosts.items.end())
                called = *found;
        if (called == nullptr)
            called = store_.objects.make_host_func(*top->host);
        if (!keep(called != nullptr) || !add_func(*called))
            return false;
        top->host_func = called;
    }
    const std::span<const ValType> types = top->host == nullptr   ? std::span<const ValType>{}
                                           : execution.has_values ? execution.values
                                                                  : top->host->signature->params;
    if (!add_stack(*top, types))
        return false;
    for (const Continuation* each = execution.continuation; each != nullptr; each = each->parent) {
        SavedStack* const waiting = push();
        if (!keep(waiting != nullptr && waiting->read_waiting(waiting_state(execution, each->parent),
                                                              StackTop::resuming, shapes) == Exit::none) ||
            !add_stack(*waiting, {}))
            return false;
    }
    return true;
}

bool Graph::add_continuation(const ContObject& object) noexcept {
    GraphContinuation* const added = continuations.emplace(store_.allocator());
    if (!keep(added != nullptr))
        return false;
    const Continuation* const inner = object.inner;
    if (inner == nullptr)
        return true;
    if (inner->func != nullptr) {
        added->func = inner->func;
        const StackState& state = inner->state;
        if (!keep(added->args.append({state.stack, state.free})) || !add_func(*inner->func))
            return false;
        return add_values(*types_in(store_.types().func(inner->func->type).params, added->args.size()),
                          added->args.data());
    }
    for (const Continuation* each = inner; each != nullptr; each = each->parent) {
        SavedStack* const stack = added->stacks.emplace(store_.allocator());
        const StackTop waits = each == inner ? StackTop::suspended : StackTop::resuming;
        if (!keep(stack != nullptr && stack->read_waiting(each->state, waits, shapes) == Exit::none))
            return false;
    }
    for (const SavedStack& stack : added->stacks)
        if (!add_stack(stack, types_of_values(stack)))
            return false;
    return true;
}

} // namespace warpbeam::vm
