#include "snapshot/restore.hpp"

#include "guest/linear_memory_heap.hpp"
#include "handlers/entry_points.hpp"
#include "store/compiled_module.hpp"
#include "store/host_func.hpp"
#include "store/initial_memory.hpp"
#include "store/link.hpp"
#include "store/memory_type.hpp"
#include "trap/type_text.hpp"

#include <warpbeam/loader/type_codes.hpp>

#include <cinttypes>
#include <cstring>

/// Modules, the host's functions, and everything that index spaces refer to.

namespace warpbeam::vm {
Restorer::Restorer(StoreImpl& store, Reader& in, Purpose purpose, const RestoreOptions& options,
                   const Store* from) noexcept
    : store_{store}, in_{in}, purpose_{purpose}, options_{options}, from_{from}, modules_{store.allocator()},
      instances_{store.allocator()}, first_funcs_{store.allocator()}, hosts_{store.allocator()},
      memory_plans_{store.allocator()}, space_numbers_{store.allocator()}, memories_{store.allocator()},
      series_numbers_{store.allocator()}, tables_{store.allocator()}, globals_{store.allocator()},
      tags_{store.allocator()}, objects_{store.allocator()}, externs_{store.allocator()},
      object_roots_{store.heap, {}}, extern_roots_{store.heap, {}}, name_{store.allocator()},
      shapes_{store.allocator()}, types_{store.allocator()}, checks_{store.allocator()},
      continuation_types_{store.allocator()}, executions_{store.allocator()}, given_{store.allocator()},
      values_{store.allocator()} {}

Restorer::~Restorer() {
    for (Ref<ExecutionObject>& execution : executions_)
        if (execution)
            execution->drop();
}

bool Restorer::read() noexcept {
    return modules() && hosts() && memory_types() && tables() && globals() && tags() && spaces() &&
           make_memories() && externs() && objects() && elements() && continuations() && given() && heap() &&
           guest_heaps();
}

bool Restorer::guest_heaps() noexcept {
    LinearMemoryHeap::State state{allocator()};
    for (size_t i = 0; i < memories_.size() && in_.ok(); ++i) {
        if (in_.u8() == 0)
            continue;
        state.end = in_.u64();
        state.first_page = in_.u64();
        state.seam = in_.u64();
        state.has_base = in_.u8() != 0;
        state.ranges.clear();
        for (uint32_t left = in_.u32(); left != 0 && in_.ok(); --left) {
            RangeAllocator::Piece range{in_.u64(), in_.u64(), false, false};
            const uint8_t flags = in_.u8();
            range.used = (flags & 1) != 0;
            range.continues = (flags & 2) != 0;
            if (!keep(state.ranges.push(range)))
                return false;
        }
        if (in_.ok() && !LinearMemoryHeap::restore(*memories_[i], state))
            return in_.malformed("what is allocated in memory %zu contradicts itself", i);
    }
    return in_.ok();
}

// ---- Types ----

bool Restorer::type(TypeId& type) noexcept {
    if (is_fork()) {
        (void)in_.u32();
        type = in_.u32();
        return in_.ok();
    }
    const uint32_t module = in_.index(modules_.size(), "module");
    if (!in_.ok())
        return false;
    const uint32_t index = in_.u32();
    if (!in_.ok())
        return false;
    if (index >= modules_[module].types().size())
        return in_.malformed("module %u has no type %u", module, index);
    type = modules_[module].types()[index];
    return true;
}

bool Restorer::type(ValType& type) noexcept {
    const uint8_t kind = in_.u8();
    if (!in_.ok())
        return false;
    if (kind == ValType::bot || kind == ValType::i8 || kind == ValType::i16 || kind > ValType::ref)
        return in_.malformed("%u is no kind of type", kind);
    type = ValType{static_cast<ValType::Kind>(kind)};
    if (!type.is_ref())
        return true;
    const uint8_t flags = in_.u8();
    if (!in_.ok())
        return false;
    if (flags > 7 || (flags & 6) == 2)
        return in_.malformed("a reference type has the flags %u", flags);
    HeapType heap = HeapType::any;
    if ((flags & 4) != 0) {
        TypeId id = 0;
        if (!this->type(id))
            return false;
        heap = HeapType::defined(id, (flags & 2) != 0);
    } else {
        const uint8_t abstract = in_.u8();
        if (abstract >= HeapType::bot - HeapType::func)
            return in_.malformed("%u is no abstract heap type", abstract);
        heap = HeapType{static_cast<HeapType::Abstract>(HeapType::func + abstract)};
    }
    type = ValType::reference(heap, (flags & 1) != 0);
    return in_.ok();
}

bool Restorer::limits(Limits& limits, uint64_t max) noexcept {
    const uint8_t flags = in_.u8();
    limits.min = in_.u64();
    limits.max = in_.u64();
    limits.is_64 = (flags & 1) != 0;
    limits.has_max = (flags & 2) != 0;
    if (!in_.ok())
        return false;
    if (flags > 3 || limits.exceed(max) || (limits.has_max && limits.min > limits.max))
        return in_.malformed("the limits %" PRIu64 " and %" PRIu64 " are not possible", limits.min,
                             limits.max);
    return true;
}

// ---- Modules, and shells of instances ----

bool Restorer::modules() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count; ++i)
        if (!in_.ok() || !module(i))
            return false;
    const uint32_t instances = in_.u32();
    for (uint32_t i = 0; i < instances; ++i) {
        const uint32_t number = in_.index(modules_.size(), "module");
        if (!in_.ok())
            return false;
        auto made = make_shell(store_, modules_[number]);
        if (!made)
            return in_.fault(std::move(made.error()));
        if (!keep(instances_.push(*made)))
            return false;
    }
    return in_.ok();
}

bool Restorer::module(uint32_t number) noexcept {
    if (is_fork()) {
        const auto* const module = address<const Module>();
        return keep(modules_.push(*module));
    }
    Digest digest{};
    if (!in_.bytes(digest))
        return false;
    const uint64_t size = in_.u64();
    if (!in_.ok())
        return false;
    if (size != 0)
        return carried_module(digest, size);
    for (const Module& module : options_.modules)
        if (module && module.digest() == digest) {
            if (&module.type_registry() != &store_.types())
                return in_.fault(Error{ErrorCode::usage, "a module was loaded by another engine"});
            return keep(modules_.push(module));
        }
    return in_.fault(Error{ErrorCode::unlinkable,
                           "module %u of the snapshot, with the SHA-256 %02x%02x%02x%02x..., is not among "
                           "those given, and the snapshot does not carry it",
                           number, digest[0], digest[1], digest[2], digest[3]});
}

bool Restorer::carried_module(const Digest& digest, uint64_t size) noexcept {
    Vec<uint8_t> bytes{allocator()};
    // What is not there takes no memory.
    for (uint64_t left = size; left != 0;) {
        const auto part = static_cast<size_t>(std::min<uint64_t>(left, max_chunk));
        const size_t old = bytes.size();
        if (!keep(bytes.resize(old + part)) || !in_.bytes({bytes.data() + old, part}))
            return false;
        left -= part;
    }
    auto module = store_.engine().load(bytes);
    if (!module)
        return in_.fault(std::move(module.error()));
    if (module->digest() != digest)
        return in_.malformed("a module in the snapshot does not have the SHA-256 that it should have");
    return keep(modules_.push(std::move(*module)));
}

// ---- Functions of the host ----

bool Restorer::hosts() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count; ++i)
        if (!in_.ok() || !host())
            return false;
    funcs_ = static_cast<uint32_t>(hosts_.size());
    for (const InstanceObject* const instance : instances_) {
        if (!keep(first_funcs_.push(funcs_)))
            return false;
        funcs_ += static_cast<uint32_t>(instance->module->bodies().size());
    }
    return in_.ok();
}

bool Restorer::host() noexcept {
    const auto add = [&](FuncInst* func) { return keep(func != nullptr && hosts_.push(func)); };
    const auto how = static_cast<HostName>(in_.u8());
    if (!in_.ok())
        return false;
    if (is_fork())
        return add(store_.objects.make_host_func(*address<HostFunc>()));
    if (how != HostName::import && how != HostName::named)
        return in_.malformed("%u is no kind of name for a host function", static_cast<unsigned>(how));
    if (!in_.text(name_, max_name))
        return false;
    if (how == HostName::named) {
        const auto found =
            options_.host != nullptr ? options_.host->find_func(store_.handle(), name_) : std::nullopt;
        if (!found || !*found)
            return in_.fault(Error{ErrorCode::unlinkable, "%s",
                                   options_.host == nullptr
                                       ? "a host function has a name, but there is no host to find it"
                                       : "the host does not find a function by its name"});
        if (Internal::store_number(*found) != store_.number())
            return in_.fault(Error{ErrorCode::usage, "the host found a function of another store"});
        return add(Internal::inst(*found));
    }
    Vec<uint8_t> second{allocator()};
    if (!in_.text(second, max_name))
        return false;
    const auto words = [](const Vec<uint8_t>& bytes) {
        return std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    };
    const std::string_view module = words(name_);
    const std::string_view name = words(second);
    if (options_.linker == nullptr)
        return in_.fault(Error{ErrorCode::unlinkable, "%.*s.%.*s is imported, but there is no linker",
                               static_cast<int>(module.size()), module.data(), static_cast<int>(name.size()),
                               name.data()});
    auto found = options_.linker->get(store_.handle(), module, name);
    if (!found)
        return in_.fault(Error{ErrorCode::unlinkable, "%.*s",
                               static_cast<int>(found.error().message().size()),
                               found.error().message().data()});
    const Func* const func = std::get_if<Func>(&*found);
    if (func == nullptr)
        return in_.fault(Error{ErrorCode::unlinkable, "%.*s.%.*s is not a function",
                               static_cast<int>(module.size()), module.data(), static_cast<int>(name.size()),
                               name.data()});
    return add(Internal::inst(*func));
}

// ---- Memories, tables, globals and tags ----

bool Restorer::memory_types() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count && in_.ok(); ++i) {
        MemoryPlan plan{};
        if (!keep(series_numbers_.push(in_.u32())) || !limits(plan.type.limits, UINT64_MAX))
            return false;
        plan.type.page_size_log2 = in_.u8();
        plan.size = in_.u64();
        if (!in_.ok())
            return false;
        const uint8_t log2 = plan.type.page_size_log2;
        if ((log2 != 0 && log2 != 16) || plan.type.limits.exceed(plan.type.addressable_pages()) ||
            plan.size != plan.size >> log2 << log2 || plan.size >> log2 < plan.type.limits.min)
            return in_.malformed("memory %u can't have %" PRIu64 " bytes", i, plan.size);
        if (is_fork())
            plan.source = address<MemoryObject>();
        if (!keep(memory_plans_.push(plan)))
            return false;
    }
    return in_.ok();
}

/// When it is known which of them have an image.
bool Restorer::make_memories() noexcept {
    for (const MemoryPlan& plan : memory_plans_) {
        std::expected<MemoryObject*, Error> made;
        if (is_fork()) {
            made = store_.objects.fork_memory(*plan.source);
        } else {
            const DataImages* const images = plan.home != nullptr ? plan.home->compiled->images() : nullptr;
            made = store_.objects.make_memory(plan.type, images != nullptr && images->of(plan.index));
        }
        if (!made)
            return in_.fault(std::move(made.error()));
        MemoryObject& memory = **made;
        if (!keep(memories_.push(&memory)))
            return false;
        const uint64_t more = plan.size - memory.size;
        if (more != 0 && grow(static_cast<MemoryInst&>(memory), more >> plan.type.page_size_log2) < 0)
            return in_.fault(Error{ErrorCode::limit,
                                   "a memory of %" PRIu64 " bytes is not possible here: limits, the growth "
                                   "policy or the allocator forbid it",
                                   plan.size});
    }
    const uint32_t* number = space_numbers_.data();
    for (InstanceObject* const instance : instances_) {
        for (size_t i = 0; i < instance->module->memories().size(); ++i)
            instance->memories[i] = memories_[*number++];
        set_exported_memory(*instance);
    }
    return true;
}

bool Restorer::tables() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count && in_.ok(); ++i) {
        TableType of;
        if (!type(of.element))
            return false;
        if (!of.element.is_ref())
            return in_.malformed("table %u holds no references", i);
        if (!limits(of.limits, of.limits.max_address()))
            return false;
        const uint64_t size = in_.u64();
        if (!in_.ok())
            return false;
        if (size < of.limits.min)
            return in_.malformed("table %u has fewer elements than its minimum", i);
        auto made = store_.objects.make_table(of, 0);
        if (!made)
            return in_.fault(std::move(made.error()));
        if (size != of.limits.min && grow(**made, size - of.limits.min, 0) < 0)
            return in_.fault(Error{ErrorCode::limit,
                                   "a table of %" PRIu64 " elements is not possible here: limits, the growth "
                                   "policy or the allocator forbid it",
                                   size});
        if (!keep(tables_.push(*made)))
            return false;
    }
    return in_.ok();
}

bool Restorer::globals() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count && in_.ok(); ++i) {
        GlobalInst global{};
        global.store = &store_;
        if (!type(global.type.content))
            return false;
        global.type.is_mutable = in_.u8() != 0;
        GlobalInst* const made = store_.objects.make(global);
        if (!keep(made != nullptr && store_.objects.list(*made) && globals_.push(made)))
            return false;
    }
    return in_.ok();
}

bool Restorer::tags() noexcept {
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count && in_.ok(); ++i) {
        TypeId of = 0;
        if (!type(of))
            return false;
        if (store_.types()[of].kind != CompositeKind::func)
            return in_.malformed("tag %u does not have the type of a function", i);
        TagInst* const made = store_.objects.make(TagInst{{of}, &store_});
        if (!keep(made != nullptr && tags_.push(made)))
            return false;
    }
    return in_.ok();
}

// ---- Index spaces ----

template <typename T>
bool Restorer::pick(Vec<T*>& objects, const char* what, T*& picked) noexcept {
    const uint32_t number = in_.index(objects.size(), what);
    if (!in_.ok())
        return false;
    picked = objects[number];
    return true;
}

bool Restorer::spaces() noexcept {
    for (InstanceObject* const instance : instances_)
        if (!spaces_of(*instance))
            return false;
    return in_.ok();
}

bool Restorer::spaces_of(InstanceObject& instance) noexcept {
    const Module& module = *instance.module;
    const TypeRegistry& types = store_.types();
    const auto refuse = [&](const char* what, size_t index) {
        return in_.fault(
            Error{ErrorCode::invalid, "%s %zu of an instance has another type in its module", what, index});
    };
    // The types of the imports of each kind, in their order.
    size_t imports[5] = {};
    const auto import_of = [&](ExternKind kind) -> const Import& {
        size_t& next = imports[static_cast<size_t>(kind)];
        while (module.imports()[next].type.kind != kind)
            ++next;
        return module.imports()[next++];
    };
    for (uint32_t i = 0; i < module.imported_funcs(); ++i) {
        const Import& expected = import_of(ExternKind::func);
        if (!func(instance.funcs[i]))
            return false;
        ExternType given;
        given.func = instance.funcs[i]->type;
        given.exact = true;
        if (types.matches(given, expected.type))
            continue;
        // The host has another function now.
        if (instance.funcs[i]->host != nullptr) {
            Text text{allocator()};
            text.add(expected.module).add(".").add(expected.name).add(": expected ");
            add_type(text, expected.type, types);
            text.add(", found ");
            add_type(text, types.func(given.func), types);
            return in_.fault(Error{ErrorCode::unlinkable, "%.*s", static_cast<int>(text.view().size()),
                                   text.view().data()});
        }
        return refuse("function", i);
    }
    for (uint32_t i = 0; i < module.memories().size(); ++i) {
        const uint32_t number = in_.index(memory_plans_.size(), "memory");
        if (!in_.ok() || !keep(space_numbers_.push(number)))
            return false;
        MemoryPlan& plan = memory_plans_[number];
        if (i < module.imported_memories()) {
            ExternType given;
            given.kind = ExternKind::memory;
            given.memory = plan.type;
            given.memory.limits.min = plan.size >> plan.type.page_size_log2;
            if (!types.matches(given, import_of(ExternKind::memory).type))
                return refuse("memory", i);
            continue;
        }
        if (plan.type != module.memories()[i])
            return refuse("memory", i);
        if (plan.home != nullptr)
            return in_.malformed("two instances define memory %u", number);
        plan.home = &instance;
        plan.index = i;
    }
    for (uint32_t i = 0; i < module.tables().size(); ++i) {
        TableObject* table = nullptr;
        if (!pick(tables_, "table", table))
            return false;
        instance.tables[i] = table;
        ExternType given;
        given.kind = ExternKind::table;
        given.table = vm::type_of(static_cast<const TableInst&>(*table));
        if (i < module.imported_tables() ? !types.matches(given, import_of(ExternKind::table).type)
                                         : table->type != module.tables()[i])
            return refuse("table", i);
    }
    for (uint32_t i = 0; i < module.globals().size(); ++i) {
        if (!pick(globals_, "global", instance.globals[i]))
            return false;
        ExternType given;
        given.kind = ExternKind::global;
        given.global = instance.globals[i]->type;
        if (i < module.imported_globals() ? !types.matches(given, import_of(ExternKind::global).type)
                                          : given.global != module.globals()[i])
            return refuse("global", i);
    }
    for (uint32_t i = 0; i < module.tags().size(); ++i) {
        if (!pick(tags_, "tag", instance.tags[i]))
            return false;
        if (instance.tags[i]->type != module.tags()[i].type)
            return refuse("tag", i);
    }
    for (size_t i = 0; i < module.elements().size(); ++i)
        if (module.elements()[i].mode == SegmentMode::passive && in_.u8() != 0)
            instance.elems[i].values = instance.elem_storage[i];
    for (size_t i = 0; i < module.data().size(); ++i)
        if (module.data()[i].mode == SegmentMode::passive && in_.u8() != 0)
            instance.datas[i].bytes = module.data()[i].bytes;
    return in_.ok();
}

} // namespace warpbeam::vm
