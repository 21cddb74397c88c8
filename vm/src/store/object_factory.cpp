#include "store/object_factory.hpp"

#include "store/errors.hpp"

#include <algorithm>
#include <cinttypes>

namespace warpbeam::vm {

ObjectFactory::~ObjectFactory() {
    release_since({.arena = arena_.mark()});
    for (const InstanceObject* instance = instances_; instance != nullptr; instance = instance->next)
        ModuleAccess::release(*instance->module);
}

void ObjectFactory::release_hosts() noexcept {
    while (hosts_ != nullptr)
        std::exchange(hosts_, hosts_->next)->host->release();
}

ObjectFactory::Mark ObjectFactory::mark() const noexcept {
    return {memories_, tables_, hosts_, globals_, arena_.mark()};
}

void ObjectFactory::release_since(const Mark& mark) noexcept {
    while (memories_ != mark.memories) {
        MemoryObject* const memory = std::exchange(memories_, memories_->next);
        quota_.remove_memory(memory->taken());
        destroy(engine_.allocator(), memory);
    }
    while (tables_ != mark.tables) {
        TableObject* const table = std::exchange(tables_, tables_->next);
        quota_.remove_table(table->size);
        destroy(engine_.allocator(), table);
    }
    for (; hosts_ != mark.hosts; hosts_ = hosts_->next)
        hosts_->host->release();
    globals_ = mark.globals;
    arena_.rewind(mark.arena);
}

/// Returns the `taken` bytes to the quota if the memory could not be created.
MemoryObject* ObjectFactory::end_memory(MemoryObject* memory, uint64_t taken) noexcept {
    if (memory == nullptr) {
        quota_.remove_memory(taken);
        return nullptr;
    }
    memory->next = memories_;
    return memories_ = memory;
}

std::expected<MemoryObject*, Error> ObjectFactory::make_shared_memory(const MemoryType& type,
                                                                      const SharedMemory* present) noexcept {
    if (engine_.config().deterministic)
        return std::unexpected{not_deterministic()};
    Allocator& allocator = engine_.allocator();
    const uint64_t max_size = bytes_of(max_pages(type), type);
    if (auto counted = quota_.add_memory(type, max_size); !counted)
        return std::unexpected{counted.error()};
    std::expected<SharedMemory, Error> shared =
        present != nullptr ? *present : SharedMemory::create(type, &allocator);
    if (shared && engine_.guard_pages() && is_guardable(type) && !Internal::bytes(*shared)->is_guarded()) {
        const ErrorCode code = present != nullptr ? ErrorCode::usage : ErrorCode::out_of_memory;
        shared = std::unexpected{
            Error{code, "the shared memory was created without guard pages: no address space was left"}};
    }
    MemoryObject* const memory =
        end_memory(shared ? create<MemoryObject>(allocator, *shared, &owner_) : nullptr, max_size);
    if (memory == nullptr)
        return std::unexpected{shared ? no_memory() : shared.error()};
    return memory;
}

std::expected<MemoryObject*, Error> ObjectFactory::make_memory(const MemoryType& type,
                                                               bool will_map) noexcept {
    if (is_built(Feature::threads) && type.shared)
        return make_shared_memory(type, nullptr);
    Allocator& allocator = engine_.allocator();
    const uint64_t pages = type.limits.min;
    const uint64_t max = max_pages(type);
    if (pages > max)
        return std::unexpected{Error{ErrorCode::usage,
                                     "a memory of %" PRIu64
                                     " page%s exceeds the maximum of its type or address space",
                                     pages, pages == 1 ? "" : "s"}};
    const uint64_t size = bytes_of(pages, type);
    if (auto counted = quota_.add_memory(type, size); !counted)
        return std::unexpected{counted.error()};
    auto bytes = LinearMemory::create({.page_size_log2 = type.page_size_log2,
                                       .initial_pages = pages,
                                       .max_pages = max,
                                       .guarded = engine_.guard_pages() && is_guardable(type),
                                       .slots = Internal::slots(engine_),
                                       .will_map = will_map,
                                       .allocator = &allocator});
    MemoryObject* const memory =
        end_memory(bytes ? create<MemoryObject>(allocator, std::move(*bytes), type, &owner_) : nullptr, size);
    if (memory == nullptr)
        return std::unexpected{Error{ErrorCode::out_of_memory,
                                     "out of memory: can't create a memory of %" PRIu64 " page%s", pages,
                                     pages == 1 ? "" : "s"}};
    return memory;
}

std::expected<TableObject*, Error> ObjectFactory::make_table(const TableType& type, Slot init) noexcept {
    Allocator& allocator = engine_.allocator();
    const uint64_t size = type.limits.min;
    if (size > max_elements(type))
        return std::unexpected{Error{ErrorCode::usage,
                                     "a table of %" PRIu64
                                     " element%s exceeds the maximum of its type or address space",
                                     size, size == 1 ? "" : "s"}};
    if (auto counted = quota_.add_table(type); !counted)
        return std::unexpected{counted.error()};
    Vec<Slot> elements{allocator};
    const bool filled = size <= SIZE_MAX && elements.resize(static_cast<size_t>(size));
    if (filled)
        std::fill(elements.begin(), elements.end(), init);
    auto* const table = filled ? create<TableObject>(allocator, std::move(elements), type, &owner_) : nullptr;
    if (table == nullptr) {
        quota_.remove_table(size);
        return std::unexpected{Error{ErrorCode::out_of_memory,
                                     "out of memory: can't create a table of %" PRIu64 " element%s", size,
                                     size == 1 ? "" : "s"}};
    }
    table->next = tables_;
    return tables_ = table;
}

FuncInst* ObjectFactory::make_host_func(HostFunc& host) noexcept {
    HostLink* const link = make(HostLink{&host, hosts_});
    if (link == nullptr)
        return nullptr;
    auto* const func = make(FuncInst{{&host.cell, host.type}, nullptr, &host, &owner_});
    if (func == nullptr)
        return nullptr;
    host.retain();
    hosts_ = link;
    return func;
}

bool ObjectFactory::list(const GlobalInst& global) noexcept {
    if (!global.type.content.is_ref())
        return true;
    GlobalLink* const link = make(GlobalLink{&global, globals_});
    if (link == nullptr)
        return false;
    globals_ = link;
    return true;
}

void ObjectFactory::adopt(InstanceObject& instance) noexcept {
    ModuleAccess::retain(*instance.module);
    instance.next = instances_;
    instances_ = &instance;
    quota_.add_instance();
}

} // namespace warpbeam::vm
