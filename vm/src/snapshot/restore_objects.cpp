#include "heap/object_values.hpp"
#include "snapshot/restore.hpp"

#include <cinttypes>
#include <cstring>

/// Objects, and values wherever they are. A reference is checked against the type of its place.

namespace warpbeam::vm {
// ---- Values ----

/// Whether a reference that is not null has a type; its hierarchy must be that of the type.
bool Restorer::fits(Slot reference, ValType type) noexcept {
    const TypeRegistry& types = store_.types();
    const HeapType heap = type.heap();
    if (types.top_of(heap) != HeapType::cont)
        return is_instance(reference, heap, types);
    if (heap.is_defined())
        return keep(checks_.push({static_cast<const ContObject*>(to_object(reference)), heap.id()}));
    return heap == HeapType::cont;
}

bool Restorer::reference(ValType type, Slot& reference) noexcept {
    const uint64_t encoded = in_.u64();
    reference = 0;
    if (!in_.ok())
        return false;
    if (encoded == 0)
        return type.nullable() || is_fork() || invalid("a reference is null, which its type forbids");
    const uint64_t number = encoded >> 2;
    const HeapType top = store_.types().top_of(type.heap());
    const auto missing = [&](const char* what) {
        return in_.malformed("there is no %s %" PRIu64, what, number);
    };
    bool is_same_hierarchy = top == HeapType::any || top == HeapType::extern_;
    switch (static_cast<Graph::RefKind>(encoded & 3)) {
    case Graph::RefKind::object: {
        if (number > objects_.size())
            return missing("object");
        reference = objects_[static_cast<size_t>(number) - 1];
        const ObjectKind kind = to_object(reference)->layout->kind;
        if (kind == ObjectKind::exception)
            is_same_hierarchy = top == HeapType::exn;
        else if (kind == ObjectKind::continuation)
            is_same_hierarchy = top == HeapType::cont;
        break;
    }
    case Graph::RefKind::i31:
        if (number > 0x7fff'ffff)
            return missing("i31");
        reference = make_i31(static_cast<uint32_t>(number));
        break;
    case Graph::RefKind::host:
        if (number >= externs_.size())
            return missing("external reference");
        reference = externs_[static_cast<size_t>(number)];
        break;
    case Graph::RefKind::func: {
        if (number >= funcs_)
            return missing("function");
        is_same_hierarchy = top == HeapType::func;
        reference = from_func(func_at(static_cast<uint32_t>(number)));
        break;
    }
    }
    if (is_fork() || (is_same_hierarchy && fits(reference, type)))
        return in_.ok();
    return invalid("a reference has another type than its place");
}

bool Restorer::value(ValType type, Slot* slot) noexcept {
    if (type.is_ref())
        return reference(type, *slot);
    uint8_t bytes[16];
    if (!numbers(bytes, type.kind(), 1))
        return false;
    load_value(slot, type.kind(), bytes);
    return true;
}

/// Numbers in the order of this machine.
bool Restorer::numbers(uint8_t* to, ValType::Kind kind, size_t count) noexcept {
    if (!in_.bytes({to, count * bytes_of(kind)}))
        return false;
    change_order(to, bytes_of(kind), count);
    return true;
}

FuncInst* Restorer::func_at(uint32_t number) const noexcept {
    if (number < hosts_.size())
        return hosts_[number];
    // The last instance whose functions begin at or before the number; some have none.
    const auto after = std::ranges::upper_bound(first_funcs_, number);
    const auto i = static_cast<size_t>(after - first_funcs_.begin()) - 1;
    const InstanceObject& instance = *instances_[i];
    return instance.funcs[instance.module->imported_funcs() + (number - first_funcs_[i])];
}

bool Restorer::func(FuncInst*& func) noexcept {
    const uint32_t number = in_.index(funcs_, "function");
    if (!in_.ok())
        return false;
    func = func_at(number);
    return true;
}

bool Restorer::func_or_none(FuncInst*& func) noexcept {
    const uint32_t number = in_.index(size_t{funcs_} + 1, "function");
    if (!in_.ok())
        return false;
    func = number != 0 ? func_at(number - 1) : nullptr;
    return true;
}

// ---- Objects ----

bool Restorer::externs() noexcept {
    const uint32_t count = in_.u32();
    const size_t kept = store_.heap.kept();
    for (uint32_t i = 0; i < count; ++i) {
        std::optional<ExternRef> found;
        if (is_fork()) {
            const auto reference = ExternRef::from_bits(in_.u64());
            if (options_.host != nullptr)
                found = options_.host->clone_extern(store_.handle(), *from_, reference);
            else if (reference.is_host())
                found = reference;
        } else {
            if (!in_.text(name_, max_name))
                return false;
            if (options_.host != nullptr)
                found = options_.host->find_extern(store_.handle(), name_);
        }
        if (!in_.ok())
            return false;
        if (!found)
            return in_.fault(Error{ErrorCode::unlinkable, "%s",
                                   is_fork()
                                       ? "a C++ object can't be copied: SnapshotHost::clone_extern does that"
                                   : options_.host == nullptr
                                       ? "an external reference has a name, but there is no host to find it"
                                       : "the host does not find an external reference by its name"});
        const Object* const object = store_.heap.find_object(found->bits());
        if (!found->is_host() && (object == nullptr || object->layout->kind != ObjectKind::host))
            return in_.fault(Error{ErrorCode::usage, "the host found an external reference that is null, "
                                                     "or is not the host's, or is of another store"});
        if (!keep(externs_.push(found->bits())))
            return false;
        extern_roots_.slots = externs_;
    }
    store_.heap.release_kept(kept);
    return in_.ok();
}

/// Makes an object, whose contents follow later.
bool Restorer::object() noexcept {
    Heap& heap = store_.heap;
    const auto kind = static_cast<ObjectKind>(in_.u8());
    if (!in_.ok())
        return false;
    Object* made = nullptr;
    switch (kind) {
    case ObjectKind::struct_:
    case ObjectKind::array: {
        TypeId id = 0;
        if (!type(id))
            return false;
        const bool is_array = kind == ObjectKind::array;
        if (store_.types()[id].kind != (is_array ? CompositeKind::array : CompositeKind::struct_))
            return in_.malformed("an object's type is not one of %s", is_array ? "arrays" : "structures");
        const uint32_t length = is_array ? in_.u32() : 0;
        const Layout* const layout = Internal::layouts(store_.engine())->of(id);
        if (!in_.ok() || !keep(layout != nullptr))
            return false;
        const uint64_t size = is_array ? layout->array_size(length) : layout->size;
        made = heap.allocate_now(layout, host_size(size));
        if (made != nullptr && is_array)
            static_cast<ArrayObject*>(made)->length = length;
        break;
    }
    case ObjectKind::exception: {
        const uint32_t tag = in_.index(tags_.size(), "tag");
        if (!in_.ok())
            return false;
        const size_t slots = slots_of(store_.types().func(tags_[tag]->type).params);
        made = heap.allocate_now(&exception_layout, exception_size(slots));
        if (made != nullptr)
            static_cast<ExceptionObject*>(made)->tag = tags_[tag];
        break;
    }
    case ObjectKind::continuation:
        made = heap.allocate_now(&continuation_layout, continuation_object_size);
        break;
    case ObjectKind::host:
    default:
        return in_.malformed("%u is no kind of object", static_cast<unsigned>(kind));
    }
    if (made == nullptr)
        return in_.fault(heap.failure() == Exit::heap_exhausted
                             ? Error{ErrorCode::limit, "the objects exceed the store's limit"}
                             : Error{ErrorCode::out_of_memory});
    if (!keep(objects_.push(from_object(made))))
        return false;
    object_roots_.slots = objects_;
    return true;
}

bool Restorer::objects() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count; ++i)
        if (!in_.ok() || !object())
            return false;
    for (const Slot each : objects_)
        if (!contents(*to_object(each)))
            return false;
    return in_.ok();
}

bool Restorer::contents(Object& object) noexcept {
    const Layout& layout = *object.layout;
    const TypeRegistry& types = store_.types();
    Slot slots[2] = {0, 0};
    switch (layout.kind) {
    case ObjectKind::struct_: {
        const SubType& of = types[layout.type];
        for (size_t i = 0; i < layout.fields.size(); ++i) {
            if (!value(of.fields[i].storage, slots))
                return false;
            store_value(field_at(&object, layout.fields[i].offset), layout.fields[i].storage, slots);
        }
        if (layout.descriptor == 0)
            return true;
        const ValType descriptor = ValType::reference(HeapType::defined(of.descriptor, true), false);
        if (!reference(descriptor, slots[0]))
            return false;
        store_descriptor(&object, slots[0]);
        return true;
    }
    case ObjectKind::array: {
        auto& array = static_cast<ArrayObject&>(object);
        const ValType element = types[layout.type].fields[0].storage;
        if (!element.is_ref())
            return numbers(element_at(&array, 0), element.kind(), array.length);
        for (uint32_t i = 0; i < array.length; ++i) {
            if (!reference(element, slots[0]))
                return false;
            store_value(element_at(&array, i), ValType::ref, slots);
        }
        return true;
    }
    case ObjectKind::exception: {
        auto& exception = static_cast<ExceptionObject&>(object);
        Slot* to = exception.payload();
        for (const ValType of : types.func(exception.tag->type).params) {
            if (!value(of, to))
                return false;
            to += slots_of(of);
        }
        return true;
    }
    case ObjectKind::continuation:
    case ObjectKind::host:
        break;
    }
    return true;
}

// ---- Where references are ----

bool Restorer::elements() noexcept {
    for (TableObject* const table : tables_)
        for (Slot& element : table->slots)
            if (!reference(table->type.element, element))
                return false;
    for (GlobalInst* const global : globals_)
        if (!value(global->type.content, global->value))
            return false;
    for (InstanceObject* const instance : instances_)
        for (size_t i = 0; i < instance->module->elements().size(); ++i) {
            if (instance->elems[i].values.empty())
                continue;
            for (Slot& element : instance->elem_storage[i])
                if (!reference(instance->module->elements()[i].type, element))
                    return false;
        }
    return true;
}

/// What the caller of `save` asked for, besides executions.
bool Restorer::given() noexcept {
    const uint32_t instances = in_.u32();
    for (uint32_t i = 0; i < instances && in_.ok(); ++i) {
        const uint32_t number = in_.index(instances_.size(), "instance");
        if (!in_.ok() || !keep(given_.push(instances_[number])))
            return false;
    }
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count && in_.ok(); ++i) {
        RestoredValue restored{};
        if (!type(restored.type) || !value(restored.type, restored.slots) || !keep(values_.push(restored)))
            return false;
    }
    return in_.ok();
}

bool Restorer::heap() noexcept {
    Heap::Counts counts;
    counts.survived = in_.u64();
    counts.allocated = in_.u64();
    counts.futile = in_.u32();
    counts.collections = in_.u64();
    if (!in_.ok())
        return false;
    return store_.heap.set_counts(counts) ||
           in_.fault(Error{ErrorCode::limit, "the heap's numbers contradict its objects or the limit"});
}

} // namespace warpbeam::vm
