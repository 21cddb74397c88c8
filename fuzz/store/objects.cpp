#include "store/driver.hpp"
#include "store/modules.hpp"

namespace warpbeam::fuzz {

void Driver::use_objects(Home& home) {
    switch (input_.byte() % 6) {
    case 0:
    case 1:
        return make_object(home);
    case 2:
        return use_exception(home);
    case 3:
        return use_scope(home);
    case 4:
        home.store->collect();
        return check(home);
    default:
        break;
    }
    const Value object = value(home, ValType::reference(HeapType::any, true));
    const uint8_t index = input_.byte() % 4;
    if (const auto structure = StructRef::from(*home.store, object)) {
        const auto field = structure->get(index);
        require(done(field) == (index < structure->size()) || is_scarce());
        if (!field)
            return;
        keep(home, *field);
        const Value set = value(home, input_.byte() == 255 ? type() : field->type());
        if (done(structure->set(index, set)) && !set.type().is_vec())
            require(structure->get(index)->slots()[0] == set.slots()[0] || is_scarce());
    } else if (const auto array = ArrayRef::from(*home.store, object)) {
        const auto element = array->get(index);
        require(done(element) == (index < array->size()) || is_scarce());
        if (!element)
            return;
        keep(home, *element);
        (void)done(array->set(index, value(home, element->type())));
    }
}

void Driver::make_object(Home& home) {
    Store& store = *home.store;
    const std::span<const TypeId> ids = modules_[gc_module].types();
    const TypeId id = ids[input_.byte() % 4];
    switch (input_.byte() % 4) {
    case 0: {
        std::vector<ValType> wanted;
        for (const FieldType& field : engine_->types()[id].fields)
            wanted.push_back(field.storage.unpacked());
        const std::vector<Value> fields = values(home, wanted);
        if (const auto made = StructRef::create(store, id, fields); done(made)) {
            require(made->type() == id && made->size() == fields.size() &&
                    StructRef::from(store, made->value()) == *made);
            keep(home, made->value());
        }
        break;
    }
    case 1: {
        const auto length = static_cast<uint32_t>(input_.size());
        const ValType element = engine_->types()[id].kind == CompositeKind::array
                                    ? engine_->types()[id].fields[0].storage.unpacked()
                                    : type();
        if (const auto made = ArrayRef::create(store, id, length, value(home, element)); done(made)) {
            require(made->type() == id && made->size() == length);
            keep(home, made->value());
        }
        break;
    }
    case 2: {
        Thing thing{.counted = Counted{things_}, .number = input_.byte(), .root = {}, .exception = {}};
        if (!home.kept.empty() && input_.byte() % 2 == 0)
            thing.root = Root{store, home.kept[input_.byte() % home.kept.size()].value};
        if (!exceptions_.empty() && input_.byte() % 2 == 0)
            thing.exception = exceptions_[input_.byte() % exceptions_.size()].exception;
        if (const auto made = ExternRef::create(store, std::move(thing)); done(made)) {
            require(made->object<Thing>(store) != nullptr && made->object<int>(store) == nullptr);
            keep(home, Value{*made});
        }
        break;
    }
    default: {
        ++things_;
        if (const auto made =
                ExternRef::create(store, &things_, [](void* data) noexcept { --*static_cast<int*>(data); });
            done(made)) {
            require(made->data(store) == &things_);
            keep(home, Value{*made});
        }
        break;
    }
    }
}

void Driver::use_exception(Home& home) {
    if (input_.byte() % 2 == 0) {
        const Tag tag = home.tags.pick(input_);
        const std::vector<Value> carried = values(home, tag.params());
        if (const auto made = Exception::create(tag, carried); done(made)) {
            require(made->tag() == tag && made->size() == carried.size());
            if (exceptions_.size() < 16)
                exceptions_.push_back({*made, &home});
        }
        return;
    }
    if (exceptions_.empty())
        return;
    const Held held = exceptions_[input_.byte() % exceptions_.size()];
    if (held.home == nullptr)
        return require(!held.exception.tag() && held.exception.size() == 0 &&
                       held.exception[0].type() == ValType::i32);
    const Exception& exception = held.exception;
    const std::span<const ValType> types = exception.tag().params();
    require(exception.size() == types.size());
    for (size_t i = 0; i < types.size(); ++i) {
        const Value carried = exception[i];
        require(carried.type().kind() == types[i].kind());
        if (carried.type().is_ref() && !carried.is_null() && !carried.is<Func>() &&
            held.home->roots.size() < 16)
            held.home->roots.push_back({Root{*held.home->store, carried}, stamp(*held.home, carried)});
    }
    if (const auto same = Exception::from(*held.home->store, exception.reference()); done(same))
        require(*same == exception);
    (void)done(Exception::from(*held.home->store, value(*held.home, type())));
}

void Driver::use_scope(Home& home) {
    switch (input_.byte() % 5) {
    case 0:
        if (home.scopes.size() < 6)
            home.scopes.push_back(std::make_unique<Scope>(*home.store, home.kept.size(), depth_));
        break;
    case 1:
        // Those that began before this host function end later.
        if (!home.scopes.empty() && home.scopes.back()->depth == depth_) {
            home.kept.resize(home.scopes.back()->kept);
            home.scopes.pop_back();
        }
        break;
    case 2:
        if (!home.kept.empty() && home.roots.size() < 16) {
            const Kept& each = home.kept[input_.byte() % home.kept.size()];
            home.roots.push_back({Root{*home.store, each.value}, each.stamp});
        }
        break;
    case 3:
        if (!home.roots.empty())
            home.roots.erase(home.roots.begin() + input_.byte() % static_cast<ptrdiff_t>(home.roots.size()));
        break;
    default:
        if (!home.roots.empty()) {
            KeptRoot other = std::move(home.roots.back());
            require(home.roots.back().root.value().type() == ValType::i32);
            std::swap(home.roots.back(), other);
            std::swap(home.roots.front(), home.roots.back());
        }
        break;
    }
}

void Driver::use(Home& home) {
    switch (input_.byte() % 5) {
    case 0:
        return use_table(home);
    case 1:
        return use_memory(home);
    case 2:
        return use_global(home);
    case 3:
        return use_interrupt(home);
    default:
        return use_instance(home);
    }
}

void Driver::use_table(Home& home) {
    const Table table = home.tables.pick(input_);
    const ValType element = table.type().element;
    const uint64_t size = table.size(), index = input_.byte();
    const Value set = value(home, element.is_ref() && input_.byte() != 255 ? element : type());
    if (done(table.set(index, set))) {
        require(index < size);
        if (const auto found = table.get(index); done(found)) {
            require(found->slots()[0] == set.slots()[0]);
            keep(home, *found);
        }
    }
    const uint64_t delta = input_.size();
    const auto grown = table.grow(delta, set);
    if (done(grown))
        require(*grown == size && table.size() == size + delta);
    else
        require(table.size() == size);
}

void Driver::use_memory(Home& home) {
    const Memory memory = home.memories.pick(input_);
    const uint64_t pages = memory.pages(), delta = input_.size();
    const auto grown = memory.grow(delta);
    if (done(grown))
        require(*grown == pages && memory.pages() == pages + delta);
    else
        require(memory.pages() == pages);
    const std::span<uint8_t> bytes = memory.data();
    require(bytes.size() == memory.size());
    if (!bytes.empty())
        bytes[input_.size() % bytes.size()] = input_.byte();
}

void Driver::use_global(Home& home) {
    const Global global = home.globals.pick(input_);
    const GlobalType its = global.type();
    const Value before = global.get();
    if (!is_scarce()) // without memory, what it has been given might not be kept
        keep(home, before);
    const Value set = value(home, its.content.is_ref() && its.content.heap().is_defined() ? before.type()
                                  : input_.byte() == 255                                  ? type()
                                                                                          : before.type());
    if (done(global.set(set)))
        require(its.is_mutable && global.get().slots()[0] == set.slots()[0]);
    else
        require(global.get().slots()[0] == before.slots()[0]);
}

void Driver::use_interrupt(Home& home) {
    Store& store = *home.store;
    if (interrupts_.size() > 4)
        interrupts_.clear();
    switch (input_.byte() % 6) {
    case 0:
        interrupts_.push_back(store.interrupt_handle());
        break;
    case 1:
        interrupts_.push_back(store.new_interrupt_handle());
        break;
    case 2:
        interrupts_.push_back(store.next_interrupt_handle());
        break;
    case 3:
        store.clear_interrupt();
        break;
    default:
        if (!interrupts_.empty())
            interrupts_[input_.byte() % interrupts_.size()].interrupt();
        break;
    }
}

void Driver::use_instance(Home& home) {
    const Instance instance = home.instances.pick(input_);
    if (input_.byte() % 2 == 0)
        return use_stacks(home);
    auto reset = instance.reset();
    require(!reset || (instance && home.running == 0));
    if (!reset && instance && home.running == 0) {
        // It must not be used as it is now.
        memory_.fail_at(0);
        const bool may_fail = reset.error().code() == ErrorCode::limit || is_scarce();
        require(may_fail);
        reset = instance.reset();
        require(reset.has_value());
    }
}

} // namespace warpbeam::fuzz
