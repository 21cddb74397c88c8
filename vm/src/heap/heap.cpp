#include "heap/heap.hpp"

#include "heap/block.hpp"

#include <algorithm>

/// Allocation. Collection is in collect.cpp.

namespace warpbeam::vm {

Heap::Heap(Allocator& allocator, const TypeRegistry& types, HeapHost& host, uint64_t limit,
           bool collect_always) noexcept
    : allocator_{allocator}, types_{types}, host_{host}, blocks_{allocator}, marked_{allocator},
      arrays_{allocator}, kept_{allocator}, limit_{limit}, threshold_{first_threshold},
      collect_always_{collect_always} {
    for (size_t i = 0; i < runs_.size(); ++i)
        runs_[i].cell = cell_sizes[i];
}

Heap::~Heap() {
    for (HostData* data = host_data_; data != nullptr; data = data->next)
        data->object->data = nullptr;
    finalize(host_data_);
    for (Block* const block : blocks_)
        allocator_.deallocate(block, block->bytes, block_alignment);
}

ExceptionObject* Heap::allocate_exception(const TagHead& tag, std::span<const Slot> payload) noexcept {
    const RootSpan roots{*this, payload};
    auto* const exception = static_cast<ExceptionObject*>(
        allocate(&exception_layout, sizeof(ExceptionObject) + payload.size_bytes()));
    if (exception == nullptr)
        return nullptr;
    exception->tag = &tag;
    std::ranges::copy(payload, exception->payload());
    return exception;
}

Object* Heap::allocate_slow(const Layout* layout, size_t size) noexcept {
    if (collect_always_)
        collect();
    if (size > largest_cell)
        return allocate_large(layout, size);
    const size_t size_class = class_of(size);
    if (!refill(size_class))
        return nullptr;
    Run& run = runs_[size_class];
    Object* const object = take(run, layout);
    // Then the fast path never finds room, and the next allocation comes here too.
    if (collect_always_)
        run.end = run.next;
    return object;
}

Object* Heap::allocate_large(const Layout* layout, size_t size) noexcept {
    // The single object needs one mark bit.
    constexpr size_t head = sizeof(Block) + sizeof(uint64_t);
    if (size > SIZE_MAX - head - block_alignment || head + size > limit_) {
        failure_ = Exit::heap_exhausted;
        return nullptr;
    }
    Block* block = presses(head + size) ? nullptr : new_block(head + size);
    if (block == nullptr) {
        if (!collect_for(head + size, nullptr))
            return nullptr;
        block = new_block(head + size);
    }
    if (block == nullptr)
        return nullptr;
    allocated_ += size;
    block->first = head;
    block->end = head + 1;
    std::memset(block->marks(), 0, sizeof(uint64_t) + size);
    auto* const object = reinterpret_cast<Object*>(block->at(head));
    object->layout = layout;
    return object;
}

/// Gives the fast path free cells; false if there are none.
bool Heap::refill(size_t size_class) noexcept {
    if (reuse(size_class))
        return true;
    const size_t bytes = Block::bytes_for(cell_sizes[size_class]);
    Block* block = presses(bytes) ? nullptr : new_block(bytes);
    if (block == nullptr) {
        if (!collect_for(bytes, &available_[size_class]))
            return false;
        if (reuse(size_class))
            return true;
        block = new_block(bytes);
    }
    if (block == nullptr)
        return false;
    assign(*block, size_class);
    return next_run(size_class);
}

/// Collects because there is no room for a block of this size. Returns false if the limit has forced several
/// collections in a row that freed almost nothing: the program would do little but collect.
bool Heap::collect_for(size_t bytes, Block* const* available) noexcept {
    if (finalizing_) {
        failure_ = Exit::out_of_memory;
        return false;
    }
    const bool forced = !fits(bytes, limit_);
    collect();
    host_.charge(work_);
    uint64_t room = limit_ - std::min(limit_, committed_ - free_bytes_);
    for (Block* block = available != nullptr ? *available : nullptr; block != nullptr; block = block->next)
        for (uint32_t at = block->runs; at != 0; at = FreeRun::read(block->at(at)).next)
            room += FreeRun::read(block->at(at)).end - at;
    futile_ = forced && room < limit_ / 64 ? futile_ + 1 : 0;
    if (futile_ <= max_futile)
        return true;
    futile_ = max_futile;
    failure_ = Exit::heap_exhausted;
    return false;
}

/// The same, using only the memory that the heap already has.
bool Heap::reuse(size_t size_class) noexcept {
    if (next_run(size_class))
        return true;
    if (free_ == nullptr || Block::bytes_for(cell_sizes[size_class]) != Block::small_bytes)
        return false;
    Block& block = *free_;
    free_ = block.next;
    free_bytes_ -= block.bytes;
    assign(block, size_class);
    return next_run(size_class);
}

/// Lets objects of a class be taken from its next free run; false if there is none.
bool Heap::next_run(size_t size_class) noexcept {
    for (Block* block; (block = available_[size_class]) != nullptr; available_[size_class] = block->next) {
        if (block->runs == 0)
            continue;
        uint8_t* const begin = block->at(block->runs);
        const FreeRun run = FreeRun::read(begin);
        FreeRun::erase(begin);
        block->runs = run.next;
        runs_[size_class].next = begin;
        runs_[size_class].end = block->at(run.end);
        allocated_ += static_cast<size_t>(runs_[size_class].end - begin);
        return true;
    }
    return false;
}

/// Divides a block into free cells.
void Heap::assign(Block& block, size_t size_class) noexcept {
    block.cell = cell_sizes[size_class];
    const size_t first = sizeof(Block) + block.mark_words() * sizeof(uint64_t);
    block.first = static_cast<uint32_t>(first);
    block.end = static_cast<uint32_t>(first + (block.bytes - first) / block.cell * block.cell);
    std::memset(block.marks(), 0, block.bytes - sizeof(Block));
    block.runs = block.first;
    FreeRun::write(block.at(block.first), {block.end, 0});
    block.next = available_[size_class];
    available_[size_class] = &block;
}

/// Whether the heap stays within `max_bytes` after taking `bytes` more, if free blocks make room for them.
bool Heap::fits(size_t bytes, uint64_t max_bytes) const noexcept {
    const uint64_t taken = committed_ - free_bytes_;
    return taken <= max_bytes && bytes <= max_bytes - taken;
}

/// Whether to collect before taking this number of bytes. A fragmented heap may grow beyond its threshold
/// instead of being collected again soon.
bool Heap::presses(size_t bytes) const noexcept {
    if (collect_always_)
        return false;
    return !fits(bytes, limit_) ||
           (!fits(bytes, threshold_) && allocated_ >= std::max(least_progress, survived_ / 8));
}

Heap::Block* Heap::new_block(size_t bytes) noexcept {
    if (!fits(bytes, limit_)) {
        failure_ = Exit::heap_exhausted;
        return nullptr;
    }
    // Free blocks for small objects make room, several at a time.
    if (const uint64_t max_bytes = std::min(threshold_, limit_);
        free_ != nullptr && committed_ + bytes > max_bytes) {
        const uint64_t more = bytes + 16 * Block::small_bytes;
        release_free_blocks(max_bytes > more ? max_bytes - more : 0);
    }
    // Reserve the place in the list first; it grows geometrically.
    const bool listed = marked_.reserve(smallest_stack) && blocks_.push(nullptr);
    void* const memory = listed ? allocator_.allocate(bytes, block_alignment) : nullptr;
    if (memory == nullptr) {
        if (listed)
            blocks_.pop();
        if (free_ != nullptr) {
            release_free_blocks(0);
            return new_block(bytes);
        }
        failure_ = Exit::out_of_memory;
        return nullptr;
    }
    auto* const block = ::new (memory) Block;
    block->bytes = bytes;
    blocks_.back() = block;
    for (size_t i = blocks_.size() - 1; i != 0 && blocks_[i - 1] > block; --i)
        std::swap(blocks_[i - 1], blocks_[i]);
    committed_ += bytes;
    peak_ = std::max(peak_, committed_);
    return block;
}

/// Releases free blocks until at most `target` bytes are taken.
void Heap::release_free_blocks(uint64_t target) noexcept {
    if (free_ == nullptr || committed_ <= target)
        return;
    while (free_ != nullptr && committed_ > target) {
        Block* const block = free_;
        free_ = block->next;
        committed_ -= block->bytes;
        free_bytes_ -= block->bytes;
        // Marks the block for the removal below.
        block->bytes = 0;
    }
    size_t left = 0;
    for (Block* const block : blocks_) {
        if (block->bytes != 0)
            blocks_[left++] = block;
        else
            allocator_.deallocate(block, Block::small_bytes, block_alignment);
    }
    blocks_.truncate(left);
}

} // namespace warpbeam::vm
