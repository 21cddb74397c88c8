#include "snapshot/save.hpp"

#include "guest/linear_memory_heap.hpp"
#include "heap/object_values.hpp"
#include "snapshot/call_site.hpp"
#include "store/host_func.hpp"
#include "trap/exception_root.hpp"
#include "trap/trap_builder.hpp"

#include <cinttypes>
#include <cstring>

namespace warpbeam::vm {

std::expected<void, Error> Saver::write() noexcept {
    modules();
    hosts();
    memories();
    tables();
    globals();
    tags();
    instances();
    externs();
    objects();
    elements();
    for (const GraphContinuation& each : graph_.continuations)
        continuation(each);
    out_.u32(static_cast<uint32_t>(graph_.executions.size()));
    for (const GraphExecution& each : graph_.executions)
        execution(each);
    out_.u32(static_cast<uint32_t>(graph_.given.size()));
    for (const Instance& each : graph_.given)
        out_.u32(graph_.instances.find(static_cast<InstanceObject*>(Internal::inst(each))));
    out_.u32(static_cast<uint32_t>(graph_.values.size()));
    for (const Value& each : graph_.values) {
        type(each.type());
        value(each.type().kind(), each.slots());
    }
    heap();
    guest_heaps();
    if (error_)
        return std::unexpected{*error_};
    if (!out_.ok())
        return std::unexpected{out_.error()};
    return {};
}

// ---- Types and values ----

void Saver::type(TypeId type) noexcept {
    if (is_fork()) {
        out_.u32(0);
        return out_.u32(type);
    }
    const auto name = graph_.name_of(type);
    if (!name)
        return fail(Error{ErrorCode::out_of_memory}); // the graph has all types
    out_.u32(name->module);
    out_.u32(name->index);
}

/// The kind; for a reference also its properties, and the heap type.
void Saver::type(ValType type) noexcept {
    out_.u8(type.kind());
    if (!type.is_ref())
        return;
    const HeapType heap = type.heap();
    out_.u8(static_cast<uint8_t>((type.nullable() ? 1 : 0) | (heap.is_exact() ? 2 : 0) |
                                 (heap.is_defined() ? 4 : 0)));
    if (heap.is_defined())
        this->type(heap.id());
    else
        out_.u8(static_cast<uint8_t>(heap.code() - HeapType::func));
}

void Saver::limits(const Limits& limits) noexcept {
    out_.u8(static_cast<uint8_t>((limits.is_64 ? 1 : 0) | (limits.has_max ? 2 : 0)));
    out_.u64(limits.min);
    out_.u64(limits.max);
}

void Saver::value(ValType::Kind kind, const Slot* slot) noexcept {
    if (kind == ValType::ref)
        return reference(*slot);
    uint8_t bytes[16];
    store_value(bytes, kind, slot);
    change_order(bytes, bytes_of(kind), 1);
    out_.bytes({bytes, bytes_of(kind)});
}

void Saver::values(std::span<const ValType> types, const Slot* slots) noexcept {
    for (const ValType type : types) {
        value(type.kind(), slots);
        slots += slots_of(type);
    }
}

// ---- Declarations ----

void Saver::modules() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.modules.size()));
    for (const Module* const module : graph_.modules.items) {
        if (is_fork()) {
            address(module);
            continue;
        }
        out_.bytes(module->digest());
        const std::span<const uint8_t> bytes =
            options_.carry_modules ? module->bytes() : std::span<const uint8_t>{};
        out_.u64(bytes.size());
        out_.bytes(bytes);
    }
    out_.u32(static_cast<uint32_t>(graph_.instances.size()));
    for (const InstanceObject* const instance : graph_.instances.items)
        out_.u32(graph_.modules.find(instance->module));
}

/// Whether a name can be restored.
bool Saver::has_length(const Vec<uint8_t>& name) noexcept {
    if (name.size() <= max_name)
        return true;
    fail(Error{ErrorCode::usage,
               "SnapshotHost gives a name of %zu bytes: more than %" PRIu32 " are not possible", name.size(),
               max_name});
    return false;
}

void Saver::hosts() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.hosts.size()));
    for (size_t i = 0; i < graph_.hosts.size(); ++i) {
        FuncInst& func = *graph_.hosts.items[i];
        if (is_fork()) {
            out_.u8(static_cast<uint8_t>(HostName::shared));
            address(func.host);
            continue;
        }
        const GraphHost& from = graph_.host_imports[i];
        const bool is_ambiguous = from.instance != nullptr && graph_.host_imports[from.first].is_ambiguous;
        if (from.instance != nullptr && !is_ambiguous) {
            out_.u8(static_cast<uint8_t>(HostName::import));
            out_.text(from.names().module);
            out_.text(from.names().name);
            continue;
        }
        name_.clear();
        if (options_.host == nullptr || !options_.host->name_func(make_func(&func), name_)) {
            if (!is_ambiguous)
                return fail(Error{ErrorCode::usage, "a host function that no instance imports has no name: "
                                                    "SnapshotHost::name_func gives it one"});
            return fail(
                Error{ErrorCode::usage,
                      "several host functions are imported as %.*s.%.*s: SnapshotHost::name_func gives "
                      "each a name of its own",
                      static_cast<int>(from.names().module.size()), from.names().module.data(),
                      static_cast<int>(from.names().name.size()), from.names().name.data()});
        }
        if (!has_length(name_))
            return;
        out_.u8(static_cast<uint8_t>(HostName::named));
        out_.u32(static_cast<uint32_t>(name_.size()));
        out_.bytes(name_);
    }
}

/// Under which number the pages of a memory are found in all snapshots of a series.
uint32_t Saver::number_in_series(MemoryObject& memory) noexcept {
    if (series_ == nullptr)
        return graph_.memories.find(&memory);
    const auto number = series_->number_of(memory);
    if (!number)
        fail(Error{ErrorCode::out_of_memory});
    return number.value_or(0);
}

void Saver::memories() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.memories.size()));
    for (MemoryObject* const memory : graph_.memories.items) {
        out_.u32(number_in_series(*memory));
        limits(memory->type.limits);
        out_.u8(memory->type.page_size_log2);
        out_.u64(memory->size);
        if (is_fork())
            address(memory);
    }
}

void Saver::tables() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.tables.size()));
    for (const TableObject* const table : graph_.tables.items) {
        type(table->type.element);
        limits(table->type.limits);
        out_.u64(table->size);
    }
}

void Saver::globals() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.globals.size()));
    for (const GlobalInst* const global : graph_.globals.items) {
        type(global->type.content);
        out_.u8(global->type.is_mutable ? 1 : 0);
    }
}

void Saver::tags() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.tags.size()));
    for (const TagInst* const tag : graph_.tags.items)
        type(tag->type);
}

/// The index spaces, and which passive segments were not dropped.
void Saver::instances() noexcept {
    for (const InstanceObject* const instance : graph_.instances.items) {
        const Module& module = *instance->module;
        for (uint32_t i = 0; i < module.imported_funcs(); ++i)
            out_.u32(graph_.number_of(*instance->funcs[i]));
        for (size_t i = 0; i < module.memories().size(); ++i)
            out_.u32(graph_.memories.find(static_cast<MemoryObject*>(instance->memories[i])));
        for (size_t i = 0; i < module.tables().size(); ++i)
            out_.u32(graph_.tables.find(static_cast<TableObject*>(instance->tables[i])));
        for (size_t i = 0; i < module.globals().size(); ++i)
            out_.u32(graph_.globals.find(instance->globals[i]));
        for (size_t i = 0; i < module.tags().size(); ++i)
            out_.u32(graph_.tags.find(instance->tags[i]));
        for (size_t i = 0; i < module.elements().size(); ++i)
            if (module.elements()[i].mode == SegmentMode::passive)
                out_.u8(instance->elems[i].values.empty() ? 0 : 1);
        for (size_t i = 0; i < module.data().size(); ++i)
            if (module.data()[i].mode == SegmentMode::passive)
                out_.u8(instance->datas[i].bytes.empty() ? 0 : 1);
    }
}

// ---- Objects ----

void Saver::externs() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.externs.size()));
    for (const Slot bits : graph_.externs.items) {
        if (is_fork()) {
            out_.u64(bits);
            continue;
        }
        name_.clear();
        const ExternRef reference = ExternRef::from_bits(bits);
        if (options_.host == nullptr ||
            !options_.host->name_extern(graph_.store().handle(), reference, name_)) {
            if (reference.is_host())
                return fail(Error{ErrorCode::usage,
                                  "the external reference %" PRIu64
                                  " has no name: SnapshotHost::name_extern gives it one",
                                  reference.payload()});
            return fail(Error{ErrorCode::usage, "an external reference to a C++ object has no name: "
                                                "SnapshotHost::name_extern gives it one"});
        }
        if (!has_length(name_))
            return;
        out_.u32(static_cast<uint32_t>(name_.size()));
        out_.bytes(name_);
    }
}

void Saver::objects() noexcept {
    out_.u32(static_cast<uint32_t>(graph_.objects.size()));
    for (Object* const object : graph_.objects.items) {
        const Layout& layout = *object->layout;
        out_.u8(static_cast<uint8_t>(layout.kind));
        switch (layout.kind) {
        case ObjectKind::struct_:
            type(layout.type);
            break;
        case ObjectKind::array:
            type(layout.type);
            out_.u32(static_cast<const ArrayObject*>(object)->length);
            break;
        case ObjectKind::exception:
            out_.u32(graph_.tags.find(static_cast<TagInst*>(
                const_cast<TagHead*>(static_cast<const ExceptionObject*>(object)->tag))));
            break;
        case ObjectKind::continuation:
        case ObjectKind::host:
            break;
        }
    }
    for (Object* const object : graph_.objects.items)
        contents(*object);
}

void Saver::contents(Object& object) noexcept {
    const Layout& layout = *object.layout;
    const auto stored = [&](ValType::Kind storage, const uint8_t* at) {
        Slot slots[2] = {0, 0};
        load_value(slots, storage, at);
        value(storage, slots);
    };
    switch (layout.kind) {
    case ObjectKind::struct_:
        for (const ObjectField& field : layout.fields)
            stored(field.storage, field_at(&object, field.offset));
        if (layout.descriptor != 0)
            reference(load_descriptor(&object));
        return;
    case ObjectKind::array: {
        auto& array = static_cast<ArrayObject&>(object);
        const ValType::Kind storage = layout.element().storage;
        if (storage != ValType::ref && is_little_endian)
            return out_.bytes({element_at(&array, 0), size_t{array.length} * bytes_of(storage)});
        for (uint32_t i = 0; i < array.length; ++i)
            stored(storage, element_at(&array, i));
        return;
    }
    case ObjectKind::exception: {
        const auto& exception = static_cast<const ExceptionObject&>(object);
        return values(graph_.store().types().func(exception.tag->type).params, exception.payload());
    }
    case ObjectKind::continuation:
    case ObjectKind::host:
        return;
    }
}

/// What tables, globals and passive segments hold.
void Saver::elements() noexcept {
    for (const TableObject* const table : graph_.tables.items)
        for (const Slot element : table->slots)
            reference(element);
    for (const GlobalInst* const global : graph_.globals.items)
        value(global->type.content.kind(), global->value);
    for (const InstanceObject* const instance : graph_.instances.items)
        for (size_t i = 0; i < instance->module->elements().size(); ++i)
            for (const Slot element : instance->elems[i].values)
                reference(element);
}

// ---- Stacks ----

void Saver::stack(const SavedStack& stack, std::span<const ValType> types) noexcept {
    out_.u8(static_cast<uint8_t>(stack.top));
    if (stack.host_func != nullptr)
        out_.u32(graph_.number_of(*stack.host_func));
    out_.u32(static_cast<uint32_t>(stack.frames.size()));
    for (const SavedFrame& frame : stack.frames) {
        const FrameShape& shape = graph_.shapes[frame.shape];
        out_.u32(graph_.instances.find(static_cast<InstanceObject*>(frame.inst)));
        out_.u32(shape.func);
        out_.u8(shape.state.point.kind);
        out_.u32(shape.state.point.offset);
        const Slot* slot = stack.slots.data() + frame.first_slot;
        (void)visit_places(shape.state, [&](const FramePlace& place) {
            value(place.kind, slot);
            slot += slots_of(place.kind);
            return true;
        });
    }
    out_.u32(static_cast<uint32_t>(types.size()));
    values(types, stack.values.data());
}

void Saver::continuation(const GraphContinuation& continuation) noexcept {
    out_.u32(static_cast<uint32_t>(continuation.stacks.size()));
    if (!continuation.stacks.empty()) {
        for (const SavedStack& each : continuation.stacks)
            stack(each, graph_.types_of_values(each));
        return;
    }
    number_or_none(continuation.func != nullptr ? graph_.number_of(*continuation.func) : 0,
                   continuation.func != nullptr);
    if (continuation.func == nullptr)
        return;
    const auto types =
        *types_in(graph_.store().types().func(continuation.func->type).params, continuation.args.size());
    out_.u32(static_cast<uint32_t>(types.size()));
    values(types, continuation.args.data());
}

void Saver::execution(const GraphExecution& execution) noexcept {
    const auto saved = execution.object->saved();
    const Execution& from = *execution.object->execution();
    out_.u8(static_cast<uint8_t>(saved.state));
    out_.u8(static_cast<uint8_t>(saved.step));
    number_or_none(saved.func != nullptr ? graph_.number_of(*saved.func) : 0, saved.func != nullptr);
    number_or_none(graph_.instances.find(static_cast<InstanceObject*>(saved.instance)),
                   saved.instance != nullptr);
    out_.u64(static_cast<uint64_t>(from.fuel));
    out_.u64(from.collection);
    guest_stack(execution.object->guest_stack());
    if (const Trap* const trap = execution.object->answer(); trap != nullptr)
        answer(*trap);
    out_.u32(static_cast<uint32_t>(execution.stacks.size()));
    for (const SavedStack& each : execution.stacks) {
        std::span<const ValType> types;
        if (each.top == StackTop::values && saved.func != nullptr)
            types = graph_.store().types().func(saved.func->type).params;
        else if (each.host != nullptr && saved.step != ExecutionObject::Step::trap)
            types = saved.step == ExecutionObject::Step::return_values ? each.host->signature->results
                                                                       : each.host->signature->params;
        stack(each, types);
    }
}

/// What the library has allocated in memories for guests without a `malloc`.
void Saver::guest_heaps() noexcept {
    LinearMemoryHeap::State state{graph_.store().allocator()};
    for (const MemoryObject* const memory : graph_.memories.items) {
        bool kept = true;
        const bool has_one = LinearMemoryHeap::state_of(*memory, state, kept);
        if (!kept)
            return fail(Error{ErrorCode::out_of_memory});
        out_.u8(has_one ? 1 : 0);
        if (!has_one)
            continue;
        out_.u64(state.end);
        out_.u64(state.first_page);
        out_.u64(state.seam);
        out_.u8(state.has_base ? 1 : 0);
        out_.u32(static_cast<uint32_t>(state.ranges.size()));
        for (const RangeAllocator::Piece& range : state.ranges) {
            out_.u64(range.begin);
            out_.u64(range.size);
            out_.u8(static_cast<uint8_t>((range.used ? 1 : 0) | (range.continues ? 2 : 0)));
        }
    }
}

/// A host call's answer that is a trap.
void Saver::answer(const Trap& trap) noexcept {
    out_.u8(static_cast<uint8_t>(trap.code()));
    out_.u32(static_cast<uint32_t>(trap.code() == TrapCode::exit ? trap.exit_status() : trap.host_code()));
    out_.text(trap.message().substr(0, max_name));
    const auto thrown = TrapBuilder::exception_of(trap);
    out_.u8(thrown ? 1 : 0);
    if (thrown)
        reference(thrown->exception);
}

void Saver::guest_stack(const GuestStack& stack) noexcept {
    const GuestStack::Saved saved = stack.saved();
    out_.u8(saved.has_block ? 1 : 0);
    out_.u64(saved.block);
    out_.u64(saved.size);
    for (const GuestStack::Pointer& pointer : saved.pointers) {
        number_or_none(graph_.globals.find(pointer.global), pointer.global != nullptr);
        out_.u64(pointer.value);
    }
}

void Saver::heap() noexcept {
    const Heap::Counts counts = graph_.store().heap.counts();
    out_.u64(counts.survived);
    out_.u64(counts.allocated);
    out_.u32(counts.futile);
    out_.u64(counts.collections);
}

} // namespace warpbeam::vm
