#include "heap/heap.hpp"

#include "heap/block.hpp"
#include "heap/reference.hpp"

#include <algorithm>

/// Allocation. Collection is in collect.cpp.

namespace warpbeam::vm {

Heap::Heap(Allocator& allocator, const TypeRegistry& types, HeapHost& host, uint64_t limit,
           bool collect_always) noexcept
    : allocator_{allocator}, types_{types}, host_{host}, blocks_{allocator}, marked_{allocator},
      arrays_{allocator}, kept_{allocator}, limit_{limit}, collect_always_{collect_always} {
    grant();
    for (size_t i = 0; i < runs_.size(); ++i)
        runs_[i].cell = cell_sizes[i];
}

Heap::~Heap() {
    if (!has_objects)
        return;
    for (HostData* data = host_data_; data != nullptr; data = data->next)
        data->object->data = nullptr;
    dead_ = host_data_;
    while (!finalize()) {
    }
    for (Block* const block : blocks_)
        allocator_.deallocate(block, block->bytes, block_alignment);
}

ExceptionObject* Heap::allocate_exception(const TagHead& tag, std::span<const Slot> payload) noexcept {
    if (!has_objects)
        return nullptr;
    const RootSpan roots{*this, payload, types_.func(tag.type).params};
    auto* const exception =
        static_cast<ExceptionObject*>(allocate(&exception_layout, exception_size(payload.size())));
    if (exception == nullptr)
        return nullptr;
    exception->tag = &tag;
    std::ranges::copy(payload, exception->payload());
    return exception;
}

bool Heap::add_continuation() noexcept {
    if (!has_room(continuation_size))
        return false;
    budget_ -= static_cast<int64_t>(continuation_size);
    return true;
}

Object* Heap::allocate_slow(const Layout* layout, size_t size) noexcept {
    prepare_for(size);
    return allocate_now(layout, size);
}

Object* Heap::allocate_now(const Layout* layout, size_t size) noexcept {
    if (!has_objects || !has_room(size))
        return nullptr;
    Object* const object = size > largest_cell ? allocate_large(layout, size) : allocate_small(layout, size);
    if (object != nullptr)
        budget_ -= static_cast<int64_t>(size);
    return object;
}

Object* Heap::allocate_small(const Layout* layout, size_t size) noexcept {
    const size_t size_class = class_of(size);
    Run& run = runs_[size_class];
    return run.next != run.end || refill(size_class) ? take(run, layout) : nullptr;
}

Heap::Block* Heap::new_large_block(size_t size) noexcept {
    // The single object needs one mark bit.
    constexpr size_t head = sizeof(Block) + sizeof(uint64_t);
    if (size > SIZE_MAX - head - block_alignment) {
        failure_ = Exit::out_of_memory;
        return nullptr;
    }
    Block* const block = new_block(head + size);
    if (block == nullptr)
        return nullptr;
    block->first = head;
    block->end = head + 1;
    block->clear_marks();
    return block;
}

Object* Heap::allocate_large(const Layout* layout, size_t size) noexcept {
    Block* const block = new_large_block(size);
    if (block == nullptr)
        return nullptr;
    auto* const object = reinterpret_cast<Object*>(block->at(block->first));
    std::memset(static_cast<void*>(object), 0, size);
    object->layout = layout;
    return object;
}

void* Heap::begin_array(const Layout* layout, size_t size) noexcept {
    if (!has_objects)
        return nullptr;
    if (unfinished_ + size > limit_)
        host_.drop_unfinished();
    Block* const block = has_room(size) ? new_large_block(size) : nullptr;
    if (block == nullptr)
        return nullptr;
    const auto place = std::ranges::lower_bound(blocks_, block);
    std::copy(place + 1, blocks_.end(), place);
    blocks_.pop();
    committed_ -= block->bytes;
    unfinished_ += block->bytes;
    ArrayObject* const array = array_in(block);
    array->layout = layout;
    array->length = 0;
    return block;
}

void Heap::free_array(void* block) noexcept {
    unfinished_ -= static_cast<Block*>(block)->bytes;
    free_array(block, allocator_);
}

void Heap::free_array(void* block, Allocator& allocator) noexcept {
    allocator.deallocate(block, static_cast<Block*>(block)->bytes, block_alignment);
}

ArrayObject* Heap::array_in(void* block) noexcept {
    auto* const head = static_cast<Block*>(block);
    return reinterpret_cast<ArrayObject*>(head->at(head->first));
}

bool Heap::finish_array(void* memory, size_t size) noexcept {
    if (!has_room(size))
        return false;
    auto* const block = static_cast<Block*>(memory);
    if (!marked_.prepare() || !blocks_.push(nullptr)) {
        failure_ = Exit::out_of_memory;
        return false;
    }
    list(block);
    unfinished_ -= block->bytes;
    budget_ -= static_cast<int64_t>(size);
    return true;
}

/// Gives the fast path free cells; false if there are none.
bool Heap::refill(size_t size_class) noexcept {
    if (reuse(size_class))
        return true;
    Block* const block = new_block(Block::bytes_for(cell_sizes[size_class]));
    if (block == nullptr)
        return reuse(size_class); // what a collection has freed
    assign(*block, size_class);
    return next_run(size_class);
}

bool Heap::wants_collection(size_t size) const noexcept {
    if (finalizing_ || size > limit_)
        return false;
    // The heap grows a little beyond its budget instead of being collected again at once.
    return collect_always_ || size > room() ||
           (static_cast<int64_t>(size) > budget_ && allocated() >= std::max(least_progress, survived_ / 8));
}

void Heap::prepare_for(size_t size) noexcept {
    if (!has_objects)
        return;
    end_collection();
    if (!wants_collection(size))
        return;
    start(size);
    finish();
}

/// What is true after a collection, if one was due.
bool Heap::has_room(size_t size) noexcept {
    if (finalizing_) {
        failure_ = Exit::out_of_memory;
        return false;
    }
    if (size <= room() && futile_ <= max_futile)
        return true;
    futile_ = std::min(futile_, max_futile);
    failure_ = Exit::heap_exhausted;
    return false;
}

/// Decides when the next collection comes: when the heap has grown by three quarters of the live data. So it
/// stays below twice the live data even if each object takes an eighth more than its size, and the work of a
/// collection is spread over as many allocations.
void Heap::grant() noexcept {
    granted_ =
        collect_always_
            ? 0
            : static_cast<int64_t>(std::min<uint64_t>(target() - std::min(target(), survived_), INT64_MAX));
    budget_ = granted_;
}

bool Heap::set_counts(const Counts& counts) noexcept {
    const uint64_t copied = used();
    if (counts.survived > limit_ || counts.allocated > limit_ - counts.survived ||
        counts.survived + counts.allocated < copied || counts.futile > max_futile + 1)
        return false;
    survived_ = counts.survived;
    futile_ = counts.futile;
    collections_ = counts.collections;
    grant();
    budget_ = granted_ - static_cast<int64_t>(counts.allocated);
    return true;
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

Heap::Block* Heap::new_block(size_t bytes) noexcept {
    // Free blocks for small objects make room, several at a time.
    if (const uint64_t max_bytes = target(); free_ != nullptr && committed_ + bytes > max_bytes) {
        const uint64_t more = bytes + 16 * Block::small_bytes;
        release_free_blocks(max_bytes > more ? max_bytes - more : 0);
    }
    // Reserve the place in the list first; it grows geometrically.
    const bool listed = marked_.prepare() && blocks_.push(nullptr);
    void* const memory = listed ? allocator_.allocate(bytes, block_alignment) : nullptr;
    if (memory == nullptr) {
        if (listed)
            blocks_.pop();
        if (free_ != nullptr) {
            release_free_blocks(0);
            return new_block(bytes);
        }
        if (allocated() != 0) {
            collect();
            return new_block(bytes);
        }
        failure_ = Exit::out_of_memory;
        return nullptr;
    }
    auto* const block = ::new (memory) Block;
    block->bytes = bytes;
    list(block);
    return block;
}

/// Puts a block in the place that the list has for it at its end.
void Heap::list(Block* block) noexcept {
    blocks_.back() = block;
    for (size_t i = blocks_.size() - 1; i != 0 && blocks_[i - 1] > block; --i)
        std::swap(blocks_[i - 1], blocks_[i]);
    committed_ += block->bytes;
    peak_ = std::max(peak_, committed_);
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
