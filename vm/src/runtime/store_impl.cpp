#include "runtime/store_impl.hpp"

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
    auto* const target = warpbeam::create<InterruptTarget>(allocator, allocator);
    if (target == nullptr)
        return nullptr;
    auto* const store = warpbeam::create<StoreImpl>(allocator, handle, limits, target);
    if (store == nullptr)
        target->release();
    return store;
}

StoreImpl::StoreImpl(Store& handle, const StoreLimits& limits, InterruptTarget* target) noexcept
    : handle_{handle}, limits_{limits}, target_{target}, arena_{handle.engine().allocator()} {
    execution().store = this;
}

StoreImpl::~StoreImpl() {
    release_since({nullptr, nullptr});
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

void StoreImpl::release_since(const Mark& mark) noexcept {
    while (memories_ != mark.memories) {
        vm::MemoryObject* const next = memories_->next;
        return_memory(memories_->size);
        destroy(allocator(), memories_);
        memories_ = next;
    }
    while (tables_ != mark.tables) {
        vm::TableObject* const next = tables_->next;
        return_elements(tables_->size);
        destroy(allocator(), tables_);
        tables_ = next;
    }
}

std::expected<vm::MemoryObject*, Error> StoreImpl::make_memory(const MemoryType& type) noexcept {
    const uint64_t pages = type.limits.min;
    const uint64_t most = vm::max_pages(type);
    if (pages > most)
        return std::unexpected{Error{ErrorCode::usage, "a memory of %" PRIu64 " pages can't exist", pages}};
    const bool countable = pages <= UINT64_MAX >> type.page_size_log2;
    if (!countable || !take_memory(pages << type.page_size_log2))
        return std::unexpected{Error{
            ErrorCode::limit, "a memory of %" PRIu64 " pages exceeds the store's limit of %" PRIu64 " bytes",
            pages, limits_.memory_bytes}};
    auto bytes = LinearMemory::create({.page_size_log2 = type.page_size_log2,
                                       .initial_pages = pages,
                                       .max_pages = most,
                                       .allocator = &allocator()});
    auto* const memory =
        bytes ? warpbeam::create<vm::MemoryObject>(allocator(), std::move(*bytes), type, this) : nullptr;
    if (memory == nullptr) {
        return_memory(pages << type.page_size_log2);
        return std::unexpected{
            Error{ErrorCode::out_of_memory, "out of memory for a memory of %" PRIu64 " pages", pages}};
    }
    memory->next = memories_;
    return memories_ = memory;
}

std::expected<vm::TableObject*, Error> StoreImpl::make_table(const TableType& type, vm::Slot init) noexcept {
    const uint64_t size = type.limits.min;
    if (size > vm::max_elements(type))
        return std::unexpected{Error{ErrorCode::usage, "a table of %" PRIu64 " elements can't exist", size}};
    if (!take_elements(size))
        return std::unexpected{Error{ErrorCode::limit,
                                     "a table of %" PRIu64 " elements exceeds the store's limit of %" PRIu64,
                                     size, limits_.table_elements}};
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
    ++instance_count_;
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

uint64_t Store::memory_bytes() const noexcept { return impl_ != nullptr ? impl_->memory_bytes() : 0; }
uint64_t Store::table_elements() const noexcept { return impl_ != nullptr ? impl_->table_elements() : 0; }

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
