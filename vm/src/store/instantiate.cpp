#include "store/const_expr.hpp"
#include "store/invoke.hpp"
#include "store/link.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"

#include <warpbeam/memory/racing.hpp>

#include <algorithm>
#include <cinttypes>

namespace warpbeam {
namespace {

using vm::Slot;
using vm::within;

/// Creates one instance. The steps are those of the specification, in the order of `run`, but for the start
/// function. If a step fails, everything created so far is destroyed, unless something else may already refer
/// to a part of it: an imported table may contain a function, which refers to the instance and so to
/// everything in it. What the start function has stored may too, so the instance stays once that may run.
class Instantiation {
public:
    /// `mark` was taken before the instance's object was created.
    Instantiation(StoreImpl& store, const Module& module, vm::InstanceObject& inst,
                  const vm::ObjectFactory::Mark& mark) noexcept
        : store_{store}, module_{module}, inst_{inst}, constants_{inst, store.allocator()}, mark_{mark} {}
    Instantiation(const Instantiation&) = delete;
    Instantiation& operator=(const Instantiation&) = delete;
    ~Instantiation() {
        store_.roots.set_unfinished(nullptr);
        if (!adopted_)
            store_.objects.release_since(mark_);
    }

    std::expected<void, InstantiationError> run(std::span<const ImportValue> imports) noexcept;
    /// Makes an instance without objects other than its own functions, for a snapshot.
    std::expected<void, Error> make_shell() noexcept;
    /// Restores the state of a complete instance from before its start function.
    std::expected<void, InstantiationError> run_again() noexcept;

private:
    using Step = std::expected<void, Error>;

    [[nodiscard]] bool make_index_spaces() noexcept;
    [[nodiscard]] bool bind(std::span<const ImportValue> imports) noexcept;
    Step make_funcs() noexcept;
    Step make_globals() noexcept;
    Step make_memories() noexcept;
    Step make_tables() noexcept;
    Step make_tags() noexcept;
    Step make_elements() noexcept;
    Step make_element_storage() noexcept;
    Step set_globals() noexcept;
    Step reset_memories() noexcept;
    Step reset_tables() noexcept;
    Step set_segments() noexcept;
    /// Apply the active segments; with `again`, only those for tables and memories that a reset restores.
    std::expected<void, InstantiationError> apply_elements(bool again) noexcept;
    std::expected<void, InstantiationError> apply_data(bool again) noexcept;

    /// From here on, something else may refer to what was created, so it is kept whatever happens.
    void keep() noexcept {
        if (!adopted_)
            store_.objects.adopt(inst_);
        adopted_ = true;
    }

    /// What replaces the data segments of the memory with this index; null if nothing does.
    [[nodiscard]] const MemoryImage* image_of(size_t memory) const noexcept {
        return images_ != nullptr ? images_->of(memory) : nullptr;
    }

    /// A value of one slot: a reference, or an address (i32 or i64).
    std::expected<Slot, Error> slot(const ConstExpr& expression) noexcept;
    /// The initial value of a table's elements.
    std::expected<Slot, Error> first_value(const TableDecl& decl) noexcept {
        return decl.init ? slot(*decl.init) : Slot{0};
    }
    /// Element `i` of a segment.
    std::expected<Slot, Error> element(const ElementSegment& segment, size_t i) noexcept {
        return segment.funcs.empty() ? slot(segment.exprs[i]) : vm::from_func(inst_.funcs[segment.funcs[i]]);
    }
    [[nodiscard]] InstantiationError refused(const Error& error) const noexcept {
        if (const auto trap = constants_.trap())
            return InstantiationError{Trap{*trap}};
        return InstantiationError{error, store_.allocator()};
    }

    /// The error for segment `index`, which is out of bounds. `words` are the kind of segment, the word for
    /// its elements, and the word for its destination.
    [[nodiscard]] std::unexpected<InstantiationError> outside(TrapCode code, const char* const (&words)[3],
                                                              size_t index, size_t count, uint64_t start,
                                                              uint64_t size) const noexcept {
        const std::string_view trap = text_of(code);
        return std::unexpected{InstantiationError{
            Trap::with_message(store_.allocator(), code,
                               "%.*s: %s segment %zu writes %zu %s%s at %" PRIu64 ", but the %s has %" PRIu64,
                               static_cast<int>(trap.size()), trap.data(), words[0], index, count, words[1],
                               count == 1 ? "" : "s", start, words[2], size)}};
    }

    StoreImpl& store_;
    const Module& module_;
    vm::InstanceObject& inst_;
    const vm::DataImages* images_ = nullptr;
    vm::ConstEvaluator constants_;
    vm::ObjectFactory::Mark mark_;
    bool adopted_ = false;
};

bool Instantiation::make_index_spaces() noexcept {
    const auto array = [&]<typename T>(T*& field, size_t count) {
        const auto made = store_.objects.make_array<T>(count);
        field = made ? made->data() : nullptr;
        return made.has_value();
    };
    return array(inst_.funcs, module_.funcs().size()) && array(inst_.globals, module_.globals().size()) &&
           array(inst_.tables, module_.tables().size()) && array(inst_.memories, module_.memories().size()) &&
           array(inst_.tags, module_.tags().size()) && array(inst_.elems, module_.elements().size()) &&
           array(inst_.elem_storage, module_.elements().size()) && array(inst_.datas, module_.data().size());
}

bool Instantiation::bind(std::span<const ImportValue> imports) noexcept {
    size_t next[5] = {}; // the next import of each kind
    for (const ImportValue& import : imports) {
        size_t& i = next[import.host == nullptr ? import.object->index() : 0];
        if (import.host != nullptr) {
            inst_.funcs[i] = store_.objects.make_host_func(*import.host);
            if (inst_.funcs[i] == nullptr)
                return false;
        } else if (const auto* const func = std::get_if<Func>(import.object)) {
            inst_.funcs[i] = vm::Internal::inst(*func);
        } else if (const auto* const table = std::get_if<Table>(import.object)) {
            inst_.tables[i] = vm::Internal::inst(*table);
        } else if (const auto* const memory = std::get_if<Memory>(import.object)) {
            inst_.memories[i] = vm::Internal::inst(*memory);
        } else if (const auto* const global = std::get_if<Global>(import.object)) {
            inst_.globals[i] = vm::Internal::inst(*global);
        } else if (const auto* const tag = std::get_if<Tag>(import.object)) {
            inst_.tags[i] = vm::Internal::inst(*tag);
        }
        ++i;
    }
    return true;
}

Instantiation::Step Instantiation::make_funcs() noexcept {
    inst_.compiled = vm::CompiledModule::of(module_, store_.engine());
    const uint32_t imported = module_.imported_funcs();
    const auto defined = store_.objects.make_array<vm::FuncInst>(module_.bodies().size());
    if (inst_.compiled == nullptr || !defined)
        return std::unexpected{no_memory()};
    inst_.code = &inst_.compiled->code();
    images_ = inst_.compiled->images();
    for (uint32_t i = 0; i < defined->size(); ++i) {
        vm::FuncInst& func = (*defined)[i];
        func = {{inst_.code->cell(imported + i), module_.funcs()[imported + i]}, &inst_, nullptr, &store_};
        inst_.funcs[imported + i] = &func;
    }
    return {};
}

Instantiation::Step Instantiation::make_globals() noexcept {
    const auto decls = module_.global_decls();
    const auto defined = store_.objects.make_array<vm::GlobalInst>(decls.size());
    if (!defined)
        return std::unexpected{no_memory()};
    for (size_t i = 0; i < decls.size(); ++i) {
        vm::GlobalInst& global = (*defined)[i];
        global.type = decls[i].type;
        global.store = &store_;
        if (!store_.objects.list(global))
            return std::unexpected{no_memory()};
        inst_.globals[module_.imported_globals() + i] = &global;
    }
    return set_globals();
}

Instantiation::Step Instantiation::set_globals() noexcept {
    // Each global may refer to earlier ones.
    for (size_t i = 0; i < module_.global_decls().size(); ++i) {
        const auto value = constants_.evaluate(module_.global_decls()[i].init);
        if (!value)
            return std::unexpected{value.error()};
        std::copy_n(value->slots, 2, inst_.globals[module_.imported_globals() + i]->value);
    }
    return {};
}

Instantiation::Step Instantiation::make_memories() noexcept {
    for (size_t i = module_.imported_memories(); i < module_.memories().size(); ++i) {
        const auto memory = store_.objects.make_memory(module_.memories()[i], image_of(i) != nullptr);
        if (!memory)
            return std::unexpected{memory.error()};
        inst_.memories[i] = *memory;
    }
    inst_.memory_count = static_cast<uint32_t>(module_.memories().size());
    return {};
}

Instantiation::Step Instantiation::reset_memories() noexcept {
    for (size_t i = module_.imported_memories(); i < module_.memories().size(); ++i) {
        auto& memory = *static_cast<vm::MemoryObject*>(inst_.memories[i]);
        if (!memory.bytes)
            continue; // shared: other threads use it
        if (memory.attachment)
            memory.attachment->end();
        memory.attachment = nullptr;
        if (!memory.bytes->reset())
            return std::unexpected{no_memory()};
        store_.quota.return_memory(memory.size - memory.bytes->size());
        memory.base = memory.bytes->data();
        memory.size = memory.bytes->size();
    }
    return {};
}

std::expected<Slot, Error> Instantiation::slot(const ConstExpr& expression) noexcept {
    const auto value = constants_.evaluate(expression);
    if (!value)
        return std::unexpected{value.error()};
    return value->slots[0];
}

Instantiation::Step Instantiation::reset_tables() noexcept {
    const auto decls = module_.table_decls();
    for (size_t i = 0; i < decls.size(); ++i) {
        const auto init = first_value(decls[i]);
        if (!init)
            return std::unexpected{init.error()};
        auto& table = *static_cast<vm::TableObject*>(inst_.tables[module_.imported_tables() + i]);
        table.slots.truncate(static_cast<size_t>(table.type.limits.min));
        std::fill(table.slots.begin(), table.slots.end(), *init);
        store_.quota.return_elements(table.size - table.slots.size());
        table.size = table.slots.size();
    }
    return {};
}

Instantiation::Step Instantiation::make_tables() noexcept {
    const auto decls = module_.table_decls();
    for (size_t i = 0; i < decls.size(); ++i) {
        const auto init = first_value(decls[i]);
        if (!init)
            return std::unexpected{init.error()};
        const auto table = store_.objects.make_table(decls[i].type, *init);
        if (!table)
            return std::unexpected{table.error()};
        inst_.tables[module_.imported_tables() + i] = *table;
    }
    return {};
}

Instantiation::Step Instantiation::make_tags() noexcept {
    for (size_t i = module_.imported_tags(); i < module_.tags().size(); ++i) {
        inst_.tags[i] = store_.objects.make(vm::TagInst{{module_.tags()[i].type}, &store_});
        if (inst_.tags[i] == nullptr)
            return std::unexpected{no_memory()};
    }
    return {};
}

/// Active segments are written directly to their tables, and count as dropped from the start.
Instantiation::Step Instantiation::make_elements() noexcept {
    auto made = make_element_storage();
    return made ? set_segments() : made;
}

Instantiation::Step Instantiation::make_element_storage() noexcept {
    for (size_t i = 0; i < module_.elements().size(); ++i) {
        const ElementSegment& segment = module_.elements()[i];
        if (segment.mode != SegmentMode::passive)
            continue;
        const auto values = store_.objects.make_array<Slot>(segment.size());
        if (!values)
            return std::unexpected{no_memory()};
        inst_.elem_storage[i] = *values;
    }
    return {};
}

/// Evaluates the passive segments.
Instantiation::Step Instantiation::set_segments() noexcept {
    for (size_t i = 0; i < module_.elements().size(); ++i) {
        const std::span<Slot> values = inst_.elem_storage[i];
        // The objects of a dropped segment may be gone, so it is cleared before the collector sees it again.
        std::ranges::fill(values, Slot{0});
        inst_.elems[i].values = values;
        for (size_t k = 0; k < values.size(); ++k) {
            const auto value = element(module_.elements()[i], k);
            if (!value)
                return std::unexpected{value.error()};
            values[k] = *value;
        }
    }
    for (size_t i = 0; i < module_.data().size(); ++i)
        if (module_.data()[i].mode == SegmentMode::passive)
            inst_.datas[i].bytes = module_.data()[i].bytes;
    return {};
}

std::expected<void, InstantiationError> Instantiation::apply_elements(bool again) noexcept {
    const size_t first_table = again ? module_.imported_tables() : 0;
    for (const ElementSegment& segment : module_.elements()) {
        if (segment.mode != SegmentMode::active || segment.table < first_table)
            continue;
        const auto start = slot(segment.offset);
        if (!start)
            return std::unexpected{refused(start.error())};
        const vm::TableInst& table = *inst_.tables[segment.table];
        if (!within(*start, segment.size(), table.size))
            return outside(TrapCode::table_out_of_bounds, {"element", "element", "table"},
                           static_cast<size_t>(&segment - module_.elements().data()), segment.size(), *start,
                           table.size);
        for (size_t i = 0; i < segment.size(); ++i) {
            const auto value = element(segment, i);
            if (!value)
                return std::unexpected{refused(value.error())};
            if (segment.table < module_.imported_tables())
                keep();
            table.elements[*start + i] = *value;
        }
    }
    return {};
}

std::expected<void, InstantiationError> Instantiation::apply_data(bool again) noexcept {
    const size_t first_memory = again ? module_.imported_memories() : 0;
    for (const DataSegment& segment : module_.data()) {
        if (segment.mode != SegmentMode::active || segment.memory < first_memory ||
            (again && module_.memories()[segment.memory].shared))
            continue;
        if (const MemoryImage* const image = image_of(segment.memory); image != nullptr) {
            auto& memory = *static_cast<vm::MemoryObject*>(inst_.memories[segment.memory]);
            const bool mapped = memory.bytes->map(*image);
            memory.base = memory.bytes->data(); // it may have moved for that
            if (mapped)
                continue;
        }
        const auto start = slot(segment.offset);
        if (!start)
            return std::unexpected{refused(start.error())};
        const vm::MemoryInst& memory = *inst_.memories[segment.memory];
        if (!within(*start, segment.bytes.size(), memory.size))
            return outside(TrapCode::memory_out_of_bounds, {"data", "byte", "memory"},
                           static_cast<size_t>(&segment - module_.data().data()), segment.bytes.size(),
                           *start, memory.size);
        racing_copy(memory.base + *start, segment.bytes.data(), segment.bytes.size());
    }
    return {};
}

std::expected<void, InstantiationError> Instantiation::run(std::span<const ImportValue> imports) noexcept {
    if (!make_index_spaces() || !bind(imports))
        return std::unexpected{refused(no_memory())};
    store_.heap.end_marking_roots();
    store_.roots.set_unfinished(&inst_);
    using Make = Step (Instantiation::*)() noexcept;
    for (const Make make :
         {&Instantiation::make_funcs, &Instantiation::make_globals, &Instantiation::make_memories,
          &Instantiation::make_tables, &Instantiation::make_tags, &Instantiation::make_elements})
        if (auto made = (this->*make)(); !made)
            return std::unexpected{refused(made.error())};
    set_exported_memory(inst_);

    // Checked again, since a growth policy that breaks the rules may have made instances itself.
    if (auto room = store_.quota.check_instances(); !room)
        return std::unexpected{refused(room.error())};
    if (auto applied = apply_elements(false); !applied)
        return applied;
    if (auto applied = apply_data(false); !applied)
        return applied;
    keep();
    return {};
}

std::expected<void, Error> Instantiation::make_shell() noexcept {
    if (!make_index_spaces())
        return std::unexpected{no_memory()};
    for (const auto step : {&Instantiation::make_funcs, &Instantiation::make_element_storage})
        if (auto done = (this->*step)(); !done)
            return done;
    inst_.memory_count = static_cast<uint32_t>(module_.memories().size());
    keep();
    return {};
}

std::expected<void, InstantiationError> Instantiation::run_again() noexcept {
    adopted_ = true;
    images_ = inst_.compiled->images();
    for (const auto step : {&Instantiation::set_globals, &Instantiation::reset_memories,
                            &Instantiation::reset_tables, &Instantiation::set_segments})
        if (auto done = (this->*step)(); !done)
            return std::unexpected{refused(done.error())};
    auto applied = apply_elements(true);
    return applied ? apply_data(true) : applied;
}

/// Null if memory runs out.
vm::InstanceObject* make_empty(StoreImpl& store, const Module& module) noexcept {
    vm::InstanceObject* const inst = store.objects.make(vm::InstanceObject{});
    if (inst == nullptr)
        return nullptr;
    inst->store = &store;
    inst->store_number = store.number();
    inst->module = &ModuleAccess::self(module);
    inst->types = module.types().data();
    inst->registry = &module.type_registry();
    inst->heap = &store.heap;
    return inst;
}

/// Whether every import can be bound.
std::expected<void, InstantiationError> check_imports(const StoreImpl& store, const Module& module,
                                                      std::span<const ImportValue> values) noexcept {
    LinkReport report{module, store.allocator()};
    for (uint32_t i = 0; i < module.imports().size(); ++i) {
        const ImportValue& value = values[i];
        if (value.object != nullptr && store_number(*value.object) != store.number()) {
            const Import& import = module.imports()[i];
            return std::unexpected{
                InstantiationError{Error{ErrorCode::usage,
                                         "the import %.*s.%.*s was given an empty handle, or an object that "
                                         "belongs to another store",
                                         static_cast<int>(import.module.size()), import.module.data(),
                                         static_cast<int>(import.name.size()), import.name.data()},
                                   store.allocator()}};
        }
        check_import(report, i, module.imports()[i], value, store.types());
    }
    if (!report.empty())
        return std::unexpected{report.take()};
    return {};
}

} // namespace

std::expected<void, InstantiationError> check_instantiation(Store& store, const Module& module,
                                                            std::span<const ImportValue> imports) noexcept {
    Allocator& allocator = store.engine().allocator();
    const StoreImpl* const impl = vm::Internal::impl(store);
    if (impl == nullptr)
        return std::unexpected{InstantiationError{no_memory(), allocator}};
    if (!module)
        return std::unexpected{InstantiationError{no_module(), allocator}};
    if (&module.type_registry() != &impl->types())
        return std::unexpected{InstantiationError{other_engine(), allocator}};
    return check_imports(*impl, module, imports);
}

std::expected<vm::InstanceObject*, InstantiationError>
make_instance(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept {
    const auto refuse = [&](const Error& error) {
        return std::unexpected{InstantiationError{error, store.engine().allocator()}};
    };
    StoreImpl* const impl = vm::Internal::impl(store);
    if (impl == nullptr)
        return refuse(no_memory());
    const vm::Use use{store};
    if (!use)
        return refuse(use.error());
    if (auto room = impl->quota.check_instances(); !room)
        return refuse(room.error());

    const vm::ObjectFactory::Mark mark = impl->objects.mark();
    vm::InstanceObject* const inst = make_empty(*impl, module);
    if (inst == nullptr)
        return refuse(no_memory());
    Instantiation instantiation{*impl, module, *inst, mark};
    if (auto made = instantiation.run(imports); !made)
        return std::unexpected{std::move(made.error())};
    return inst;
}

std::expected<vm::InstanceObject*, Error> vm::make_shell(StoreImpl& store, const Module& module) noexcept {
    if (auto room = store.quota.check_instances(); !room)
        return std::unexpected{std::move(room.error())};
    const ObjectFactory::Mark mark = store.objects.mark();
    InstanceObject* const inst = make_empty(store, module);
    if (inst == nullptr)
        return std::unexpected{no_memory()};
    if (auto made = Instantiation{store, module, *inst, mark}.make_shell(); !made)
        return std::unexpected{std::move(made.error())};
    return inst;
}

void vm::set_exported_memory(InstanceObject& inst) noexcept {
    const Export* const memory = inst.module->find_export("memory");
    if (memory != nullptr && memory->kind == ExternKind::memory)
        inst.exported_memory = inst.memories[memory->index];
}

std::expected<Instance, InstantiationError> instantiate(Store& store, const Module& module,
                                                        std::span<const ImportValue> imports) noexcept {
    if (auto checked = check_instantiation(store, module, imports); !checked)
        return std::unexpected{std::move(checked.error())};
    return instantiate_checked(store, module, imports);
}

std::expected<Instance, InstantiationError>
instantiate_checked(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept {
    const vm::Use use{store}; // by the start function, too; if it is not allowed, `make_instance` says so
    const auto made = make_instance(store, module, imports);
    if (!made)
        return std::unexpected{made.error()};
    vm::InstanceData* const inst = *made;
    if (module.start())
        if (auto called = vm::invoke(*inst->funcs[*module.start()], nullptr, 0, 0); !called)
            return std::unexpected{InstantiationError{std::move(called.error())}};
    return vm::make_handle<Instance>(inst);
}

std::expected<void, InstantiationError> vm::reset(InstanceObject& inst) noexcept {
    StoreImpl& store = *inst.store;
    if (store.stacks.running() != nullptr)
        return std::unexpected{InstantiationError{
            Error{ErrorCode::usage, "an instance can't be reset while code is running in its store"},
            store.allocator()}};
    // What an execution has read of a segment so far would not be kept alive by that any more.
    store.stacks.drop_unfinished();
    return Instantiation{store, *inst.module, inst, store.objects.mark()}.run_again();
}

} // namespace warpbeam
