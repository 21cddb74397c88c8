#include "store/store_number.hpp"

#include <atomic>

#if WARPBEAM_CHECKS
#include <warpbeam/memory/locks.hpp>

#include <array>
#include <new>
#endif

/// A number has a counter in its upper bits, which makes it unique. With WARPBEAM_CHECKS, the lower bits name
/// the cell with the state of the store. Cells are reused but never freed, so the state can be looked up for
/// any handle, however old.

namespace warpbeam::vm {
namespace {

constexpr unsigned cell_bits = 20;
std::atomic<uint64_t> next_number{1};

} // namespace

#if !WARPBEAM_CHECKS

uint64_t take_store_number() noexcept {
    return next_number.fetch_add(1, std::memory_order_relaxed) << cell_bits;
}
void end_store_number(uint64_t) noexcept {}

#else

namespace {

struct Cell {
    std::atomic<uint64_t> number{0};        ///< the number of the store that uses the cell; 0 if none does
    std::atomic<const void*> user{nullptr}; ///< identifies the thread that is using the store
    uint32_t depth = 0;                     ///< the number of nested calls by that thread
    uint32_t next_free = 0;
};

constexpr uint32_t chunk_size = 1024;
constexpr uint32_t no_cell = (1u << cell_bits) - 1;

/// All cells. Never destroyed, since a static object of the embedder may still hold a handle.
struct Cells {
    Mutex changing;
    std::array<std::atomic<Cell*>, (1u << cell_bits) / chunk_size> chunks{};
    uint32_t used = 0;
    uint32_t free = no_cell;
};
Cells& cells() noexcept {
    alignas(Cells) static std::byte place[sizeof(Cells)];
    static Cells* const all = ::new (place) Cells;
    return *all;
}

Cell* cell_at(uint32_t i) noexcept {
    if (i == no_cell)
        return nullptr;
    Cell* const chunk = cells().chunks[i / chunk_size].load(std::memory_order_acquire);
    return chunk != nullptr ? &chunk[i % chunk_size] : nullptr;
}
Cell* cell_of(uint64_t number) noexcept { return cell_at(static_cast<uint32_t>(number & no_cell)); }

/// A free cell, or `no_cell` if memory runs out.
uint32_t take_cell() noexcept {
    Cells& all = cells();
    const std::lock_guard lock{all.changing};
    if (all.free != no_cell) {
        const uint32_t found = all.free;
        all.free = cell_at(found)->next_free;
        return found;
    }
    if (all.used == no_cell)
        return no_cell;
    std::atomic<Cell*>& chunk = all.chunks[all.used / chunk_size];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
        Cell* const fresh = new (std::nothrow) Cell[chunk_size];
        if (fresh == nullptr)
            return no_cell;
        chunk.store(fresh, std::memory_order_release);
    }
    return all.used++;
}

/// Its address is different in each thread.
WARPBEAM_THREAD_LOCAL const char this_thread = 0;

} // namespace

uint64_t take_store_number() noexcept {
    const uint32_t i = take_cell();
    const uint64_t number = next_number.fetch_add(1, std::memory_order_relaxed) << cell_bits | i;
    if (Cell* const cell = cell_at(i))
        cell->number.store(number, std::memory_order_release);
    return number;
}

void end_store_number(uint64_t number) noexcept {
    Cell* const cell = cell_of(number);
    if (cell == nullptr)
        return;
    cell->number.store(0, std::memory_order_release);
    Cells& all = cells();
    const std::lock_guard lock{all.changing};
    cell->next_free = all.free;
    all.free = static_cast<uint32_t>(number & no_cell);
}

StoreState enter_store(uint64_t number) noexcept {
    Cell* const cell = cell_of(number);
    if (cell == nullptr)
        return StoreState::usable;
    if (cell->number.load(std::memory_order_acquire) != number)
        return StoreState::ended;
    const void* user = nullptr;
    if (!cell->user.compare_exchange_strong(user, &this_thread, std::memory_order_acquire) &&
        user != &this_thread)
        return StoreState::in_use;
    ++cell->depth;
    return StoreState::usable;
}

void leave_store(uint64_t number) noexcept {
    Cell* const cell = cell_of(number);
    if (cell != nullptr && --cell->depth == 0)
        cell->user.store(nullptr, std::memory_order_release);
}

#endif

} // namespace warpbeam::vm
