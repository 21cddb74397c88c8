#include "runtime/heap.hpp"

#include "runtime/block.hpp"
#include "runtime/reference.hpp"
#include "runtime/store_impl.hpp"

#include <algorithm>

/// Allocation. Collection is in collect.cpp.

namespace warpbeam::vm {

namespace {

constexpr bool fits_in(uint64_t taken, uint64_t more, uint64_t limit) noexcept {
    return taken <= limit && more <= limit - taken;
}

} // namespace

Heap::Heap(StoreImpl& store, uint64_t limit, bool collect_always) noexcept
    : store_{store}, blocks_{store.allocator()}, marked_{store.allocator()}, arrays_{store.allocator()},
      kept_{store.allocator()}, limit_{limit}, threshold_{first_threshold}, collect_always_{collect_always} {
    for (size_t i = 0; i < runs_.size(); ++i)
        runs_[i].cell = cell_sizes[i];
}

Heap::~Heap() {
    for (Block* const block : blocks_)
        store_.allocator().deallocate(block, block->bytes, block_alignment);
}

ExceptionObject* Heap::allocate_exception(const TagInst& tag, std::span<const Slot> payload) noexcept {
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
    // Then the fast path never finds anything, and the next allocation comes here too.
    if (collect_always_)
        run.end = run.next;
    return object;
}

Object* Heap::allocate_large(const Layout* layout, size_t size) noexcept {
    // The one object needs one mark bit.
    constexpr size_t head = sizeof(Block) + sizeof(uint64_t);
    if (size > SIZE_MAX - head - block_alignment) {
        failure_ = Exit::heap_exhausted;
        return nullptr;
    }
    const bool pressed = presses(head + size);
    if (pressed)
        collect();
    Block* block = new_block(head + size);
    if (block == nullptr) {
        if (!pressed)
            collect();
        release_free_blocks(0);
        block = new_block(head + size);
    }
    if (block == nullptr)
        return nullptr;
    block->first = head;
    block->end = head + 1;
    std::memset(block->marks(), 0, sizeof(uint64_t) + size);
    auto* const object = reinterpret_cast<Object*>(block->at(head));
    object->layout = layout;
    return object;
}

/// Gives the fast path free cells; false when there are none to be had.
bool Heap::refill(size_t size_class) noexcept {
    if (reuse(size_class))
        return true;
    const bool pressed = presses(Block::small_bytes);
    if (pressed) {
        collect();
        if (reuse(size_class))
            return true;
    }
    Block* block = new_block(Block::small_bytes);
    if (block == nullptr && !pressed) {
        collect();
        if (reuse(size_class))
            return true;
        block = new_block(Block::small_bytes);
    }
    if (block == nullptr)
        return false;
    assign(*block, size_class);
    return next_run(size_class);
}

/// The same with the memory that the heap has.
bool Heap::reuse(size_t size_class) noexcept {
    if (next_run(size_class))
        return true;
    if (free_ == nullptr)
        return false;
    Block& block = *free_;
    free_ = block.next;
    assign(block, size_class);
    return next_run(size_class);
}

/// Makes the next free run of a class the one that objects are taken from; false when there is none.
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

/// Whether it is time to collect before that many more bytes are taken.
bool Heap::presses(size_t bytes) const noexcept {
    return !collect_always_ && !fits_in(committed_, bytes, std::min(threshold_, limit_));
}

Heap::Block* Heap::new_block(size_t bytes) noexcept {
    if (!fits_in(committed_, bytes, limit_)) {
        failure_ = Exit::heap_exhausted;
        return nullptr;
    }
    // The place in the list comes first, and grows as a list that is appended to should.
    const bool listed = marked_.reserve(smallest_stack) && blocks_.push(nullptr);
    void* const memory = listed ? store_.allocator().allocate(bytes, block_alignment) : nullptr;
    if (memory == nullptr) {
        if (listed)
            blocks_.pop();
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

/// Gives free blocks back until no more than `target` bytes are taken.
void Heap::release_free_blocks(uint64_t target) noexcept {
    if (free_ == nullptr || committed_ <= target)
        return;
    while (free_ != nullptr && committed_ > target) {
        Block* const block = free_;
        free_ = block->next;
        committed_ -= block->bytes;
        // Marks it for the removal below.
        block->bytes = 0;
    }
    size_t left = 0;
    for (Block* const block : blocks_) {
        if (block->bytes != 0)
            blocks_[left++] = block;
        else
            store_.allocator().deallocate(block, Block::small_bytes, block_alignment);
    }
    blocks_.truncate(left);
}

} // namespace warpbeam::vm
