#include "store/store_impl.hpp"

#include "heap/reference.hpp"

#include <algorithm>
#include <cinttypes>

namespace warpbeam {
namespace vm {

uint64_t max_pages(const MemoryType& type) noexcept {
    const unsigned address_bits = type.limits.is_64 ? 64 : 32;
    // With pages of one byte the size itself must be an address type's number.
    const uint64_t most = type.page_size_log2 == 0 ? UINT64_MAX >> (64 - address_bits)
                                                   : uint64_t{1} << (address_bits - type.page_size_log2);
    return type.limits.has_max ? std::min(type.limits.max, most) : most;
}

uint64_t max_elements(const TableType& type) noexcept {
    const uint64_t most = type.limits.is_64 ? UINT64_MAX : UINT32_MAX;
    return type.limits.has_max ? std::min(type.limits.max, most) : most;
}

namespace {

/// Every frame takes a slot at least, and leaves at most two records: its own, and one for the way back into
/// its caller's instance. Each run of the interpreter leaves one more.
size_t record_count(size_t slots, uint32_t depth) noexcept { return 2 * slots + depth + 1; }

} // namespace
} // namespace vm

StoreImpl* StoreImpl::create(Store& handle, const StoreLimits& limits) noexcept {
    Allocator& allocator = handle.engine().allocator();
    // An engine that found no memory itself makes nothing. Modules may come from elsewhere than Engine::load.
    if (handle.engine().layouts() == nullptr)
        return nullptr;
    auto* const target = warpbeam::create<InterruptTarget>(allocator, allocator);
    if (target == nullptr)
        return nullptr;
    auto* const store = warpbeam::create<StoreImpl>(allocator, handle, limits, target);
    if (store == nullptr)
        target->release();
    return store;
}

StoreImpl::StoreImpl(Store& handle, const StoreLimits& limits, InterruptTarget* target) noexcept
    : handle_{handle}, limits_{limits}, target_{target}, arena_{handle.engine().allocator()},
      heap_{*this, limits.heap_bytes, handle.engine().config().collect_always},
      exceptions_{handle.engine().allocator()} {
    execution().store = this;
    execution().may_be_interrupted = engine().config().interruption;
    execution().may_wait = engine().config().waiting;
}

StoreImpl::~StoreImpl() {
    while (roots_ != nullptr)
        roots_->unlink();
    release_objects(nullptr, nullptr);
    for (const vm::InstanceObject* instance = instances_; instance != nullptr; instance = instance->next)
        instance->module->release();
    for (const HostLink* link = hosts_; link != nullptr; link = link->next)
        link->host->release();
    vm::Execution& stacks = execution();
    if (stacks.stack != nullptr) {
        const size_t records = vm::record_count(stack_slots_, engine().config().host_call_depth);
        allocator().deallocate(stacks.stack, stack_slots_ * sizeof(vm::Slot), alignof(vm::Slot));
        allocator().deallocate(stacks.records, records * sizeof(vm::Record), alignof(vm::Record));
    }
    target_->release();
}

StoreImpl::Mark StoreImpl::mark() const noexcept {
    return {memories_, tables_, hosts_, globals_, arena_.mark()};
}

void StoreImpl::release_since(const Mark& mark) noexcept {
    release_objects(mark.memories, mark.tables);
    for (; hosts_ != mark.hosts; hosts_ = hosts_->next)
        hosts_->host->release();
    globals_ = mark.globals;
    arena_.rewind(mark.arena);
}

void StoreImpl::release_objects(const vm::MemoryObject* memories, const vm::TableObject* tables) noexcept {
    while (memories_ != memories) {
        vm::MemoryObject* const next = memories_->next;
        return_memory(memories_->taken());
        --usage_.memories;
        destroy(allocator(), memories_);
        memories_ = next;
    }
    while (tables_ != tables) {
        vm::TableObject* const next = tables_->next;
        return_elements(tables_->size);
        --usage_.tables;
        destroy(allocator(), tables_);
        tables_ = next;
    }
}

/// Counts a new memory that takes `taken` bytes of the limit.
std::expected<void, Error> StoreImpl::begin_memory(const MemoryType& type, uint64_t taken) noexcept {
    if (usage_.memories >= limits_.memories)
        return std::unexpected{Error{ErrorCode::limit, "the store has as many memories as it may have"}};
    if (taken == UINT64_MAX || !has_memory(taken)) // more than there are numbers for
        return std::unexpected{
            Error{ErrorCode::limit, "a %s %" PRIu64 " pages exceeds the store's limit of %" PRIu64 " bytes",
                  type.shared ? "shared memory of up to" : "memory of",
                  type.shared ? vm::max_pages(type) : type.limits.min, limits_.memory_bytes}};
    if (!allows(type, 0, type.limits.min << type.page_size_log2))
        return std::unexpected{Error{
            ErrorCode::limit, "the growth policy refuses a memory of %" PRIu64 " pages", type.limits.min}};
    // A policy that makes memories itself, against the rules, gets no more than others.
    if (usage_.memories >= limits_.memories || !has_memory(taken))
        return std::unexpected{Error{ErrorCode::limit,
                                     "the growth policy has left no room for a memory of %" PRIu64 " pages",
                                     type.limits.min}};
    count_memory(taken);
    ++usage_.memories;
    return {};
}

/// Takes the count of `taken` bytes back if the memory could not be made.
vm::MemoryObject* StoreImpl::end_memory(vm::MemoryObject* memory, uint64_t taken) noexcept {
    if (memory == nullptr) {
        return_memory(taken);
        --usage_.memories;
        return nullptr;
    }
    memory->next = memories_;
    return memories_ = memory;
}

std::expected<vm::MemoryObject*, Error> StoreImpl::make_shared_memory(const MemoryType& type,
                                                                      const SharedMemory* present) noexcept {
    const uint64_t most = vm::bytes_of(vm::max_pages(type), type);
    if (auto begun = begin_memory(type, most); !begun)
        return std::unexpected{begun.error()};
    std::expected<SharedMemory, Error> shared =
        present != nullptr ? *present : SharedMemory::create(type, &allocator());
    if (shared && engine().guard_pages() && vm::is_guardable(type) && !shared->bytes()->is_guarded()) {
        const ErrorCode code = present != nullptr ? ErrorCode::usage : ErrorCode::out_of_memory;
        shared = std::unexpected{
            Error{code, "there was no address space for guard pages when the shared memory was made"}};
    }
    vm::MemoryObject* const memory =
        end_memory(shared ? warpbeam::create<vm::MemoryObject>(allocator(), *shared, this) : nullptr, most);
    if (memory == nullptr)
        return std::unexpected{shared ? no_memory() : shared.error()};
    return memory;
}

std::expected<vm::MemoryObject*, Error> StoreImpl::make_memory(const MemoryType& type) noexcept {
    if (type.shared)
        return make_shared_memory(type, nullptr);
    const uint64_t pages = type.limits.min;
    const uint64_t most = vm::max_pages(type);
    if (pages > most)
        return std::unexpected{Error{ErrorCode::usage, "a memory of %" PRIu64 " pages can't exist", pages}};
    const uint64_t size = vm::bytes_of(pages, type);
    if (auto begun = begin_memory(type, size); !begun)
        return std::unexpected{begun.error()};
    auto bytes = LinearMemory::create({.page_size_log2 = type.page_size_log2,
                                       .initial_pages = pages,
                                       .max_pages = most,
                                       .guarded = engine().guard_pages() && vm::is_guardable(type),
                                       .allocator = &allocator()});
    vm::MemoryObject* const memory = end_memory(
        bytes ? warpbeam::create<vm::MemoryObject>(allocator(), std::move(*bytes), type, this) : nullptr,
        size);
    if (memory == nullptr)
        return std::unexpected{
            Error{ErrorCode::out_of_memory, "out of memory for a memory of %" PRIu64 " pages", pages}};
    return memory;
}

bool StoreImpl::take_elements(const TableType& type, uint64_t from, uint64_t to) noexcept {
    if (!has_elements(to - from) ||
        (limits_.growth != nullptr && !limits_.growth->allow_table(handle_, type, from, to)) ||
        !has_elements(to - from))
        return false;
    usage_.table_elements += to - from;
    return true;
}

std::expected<vm::TableObject*, Error> StoreImpl::make_table(const TableType& type, vm::Slot init) noexcept {
    const uint64_t size = type.limits.min;
    if (size > vm::max_elements(type))
        return std::unexpected{Error{ErrorCode::usage, "a table of %" PRIu64 " elements can't exist", size}};
    if (usage_.tables >= limits_.tables)
        return std::unexpected{Error{ErrorCode::limit, "the store has as many tables as it may have"}};
    if (!take_elements(type, 0, size))
        return std::unexpected{Error{ErrorCode::limit,
                                     "a table of %" PRIu64 " elements exceeds the store's limit of %" PRIu64
                                     ", or the growth policy refuses it",
                                     size, limits_.table_elements}};
    if (usage_.tables >= limits_.tables) {
        return_elements(size);
        return std::unexpected{
            Error{ErrorCode::limit, "the growth policy has left no room for another table"}};
    }
    Vec<vm::Slot> elements{allocator()};
    const bool filled = size <= SIZE_MAX && elements.resize(static_cast<size_t>(size));
    if (filled)
        std::fill(elements.begin(), elements.end(), init);
    auto* const table =
        filled ? warpbeam::create<vm::TableObject>(allocator(), std::move(elements), type, this) : nullptr;
    if (table == nullptr) {
        return_elements(size);
        return std::unexpected{
            Error{ErrorCode::out_of_memory, "out of memory for a table of %" PRIu64 " elements", size}};
    }
    ++usage_.tables;
    table->next = tables_;
    return tables_ = table;
}

vm::FuncInst* StoreImpl::make_host_func(vm::HostFunc& host) noexcept {
    HostLink* const link = make(HostLink{&host, hosts_});
    if (link == nullptr)
        return nullptr;
    auto* const func = make(vm::FuncInst{&host.cell, host.type, nullptr, &host, this});
    if (func == nullptr)
        return nullptr;
    host.retain();
    hosts_ = link;
    return func;
}

void StoreImpl::adopt(vm::InstanceObject& instance) noexcept {
    instance.module->retain();
    instance.next = instances_;
    instances_ = &instance;
    ++usage_.instances;
}

bool StoreImpl::watch(const vm::GlobalInst& global) noexcept {
    if (!global.type.content.is_ref())
        return true;
    GlobalLink* const link = make(GlobalLink{&global, globals_});
    if (link == nullptr)
        return false;
    globals_ = link;
    return true;
}

bool StoreImpl::keep(std::span<const ValType> types, const vm::Slot* slots) noexcept {
    if (heap_.unused())
        return true;
    for (const ValType type : types) {
        if (type.is_ref() && !heap_.keep(*slots))
            return false;
        slots += vm::slots_of(type);
    }
    return true;
}

void StoreImpl::mark_roots(vm::Heap& heap) noexcept {
    const vm::Execution& stacks = execution();
    if (stacks.stack != nullptr)
        heap.mark({stacks.stack, stacks.free});
    for (const GlobalLink* link = globals_; link != nullptr; link = link->next)
        heap.mark({link->global->value, 1});
    for (const vm::TableObject* table = tables_; table != nullptr; table = table->next)
        if (!types().matches(table->type.element.heap(), HeapType::func))
            heap.mark(table->slots);
    for (const Root* root = roots_; root != nullptr; root = root->next_)
        heap.mark({root->value_.slots(), 1});
    const auto mark_elements = [&](const vm::InstanceObject& instance) {
        for (size_t i = 0; i < instance.module->elements().size(); ++i)
            heap.mark(instance.elems[i].values);
    };
    for (const vm::InstanceObject* instance = instances_; instance != nullptr; instance = instance->next)
        mark_elements(*instance);
    if (unfinished_ != nullptr)
        mark_elements(*unfinished_);
    exceptions_.mark(heap);
}

bool StoreImpl::prepare_stacks() noexcept {
    vm::Execution& stacks = execution();
    if (stacks.stack != nullptr)
        return true;
    const Config& config = engine().config();
    // Without any room not even the stubs could run.
    const size_t slots = std::max<size_t>(config.stack_size / sizeof(vm::Slot), 64);
    if (slots > SIZE_MAX / sizeof(vm::Record) / 4)
        return false;
    const size_t records = vm::record_count(slots, config.host_call_depth);
    void* const stack = allocator().allocate(slots * sizeof(vm::Slot), alignof(vm::Slot));
    if (stack == nullptr)
        return false;
    void* const calls = allocator().allocate(records * sizeof(vm::Record), alignof(vm::Record));
    if (calls == nullptr) {
        allocator().deallocate(stack, slots * sizeof(vm::Slot), alignof(vm::Slot));
        return false;
    }
    stack_slots_ = slots;
    stacks.stack = static_cast<vm::Slot*>(stack);
    stacks.stack_limit = stacks.stack + slots;
    stacks.free = stacks.stack;
    stacks.records = static_cast<vm::Record*>(calls);
    stacks.rp = stacks.records;
    return true;
}

// ---- The public handles ----

Store::Store(Engine& engine, const StoreLimits& limits) noexcept
    : engine_{&engine}, impl_{StoreImpl::create(*this, limits)} {}

Store::~Store() { destroy(engine_->allocator(), impl_); }

void Store::set_fuel(uint64_t units) noexcept {
    if (impl_ != nullptr)
        impl_->execution().fuel = static_cast<int64_t>(std::min<uint64_t>(units, INT64_MAX));
}

uint64_t Store::fuel() const noexcept {
    return impl_ != nullptr ? static_cast<uint64_t>(std::max<int64_t>(impl_->execution().fuel, 0)) : 0;
}

InterruptHandle Store::interrupt_handle() const noexcept {
    if (impl_ != nullptr)
        impl_->interrupt_target()->owners.add();
    return InterruptHandle{impl_ != nullptr ? impl_->interrupt_target() : nullptr};
}

StoreUsage Store::usage() const noexcept { return impl_ != nullptr ? impl_->usage() : StoreUsage{}; }

Store::HeapStatistics Store::heap() const noexcept {
    if (impl_ == nullptr)
        return {};
    const vm::Heap& heap = impl_->heap();
    return {heap.committed(), heap.peak(), heap.survived(), heap.collections()};
}

void Store::collect() noexcept {
    if (impl_ != nullptr)
        impl_->heap().collect();
}

InterruptHandle::InterruptHandle(const InterruptHandle& other) noexcept : target_{other.target_} {
    if (target_ != nullptr)
        target_->owners.add();
}

InterruptHandle& InterruptHandle::operator=(InterruptHandle other) noexcept {
    std::swap(target_, other.target_);
    return *this;
}

InterruptHandle::~InterruptHandle() {
    if (target_ != nullptr)
        target_->release();
}

void InterruptHandle::interrupt() const noexcept {
    if (target_ != nullptr)
        target_->execution.interrupt.store(true, std::memory_order_relaxed);
}

} // namespace warpbeam
