#include "heap/block.hpp"
#include "heap/reference.hpp"

#include <algorithm>
#include <utility>

/// Collection: marks what can be reached from the roots, and turns everything else into free cells.

namespace warpbeam::vm {

namespace {

constexpr bool may_be_object(Slot reference) noexcept { return reference != 0 && (reference & 7) == 0; }

Slot load_reference(const uint8_t* place) noexcept {
    Slot reference;
    std::memcpy(&reference, place, sizeof reference);
    return reference;
}

constexpr uint32_t array_piece = 256;

} // namespace

Object* Heap::find_object(Slot word) const noexcept {
    if (!may_be_object(word))
        return nullptr;
    auto* const object = to_object(word);
    Block* const block = block_of(object);
    if (!std::binary_search(blocks_.begin(), blocks_.end(), block))
        return nullptr;
    const uint32_t offset = block->offset_of(object);
    if (offset < block->first || offset >= block->end || block->first == 0)
        return nullptr;
    if (block->cell != 0 && (offset - block->first) % block->cell != 0)
        return nullptr;
    // Free cells are zero.
    return object->layout != nullptr ? object : nullptr;
}

// ---- Objects kept by the host ----

bool Heap::keep(Slot reference) noexcept {
    Object* const object = find_object(reference);
    if (object == nullptr)
        return true;
    Block* const block = block_of(object);
    const uint32_t offset = block->offset_of(object);
    if (block->is_marked(offset))
        return true;
    if (!kept_.push(object))
        return false;
    block->set_mark(offset);
    return true;
}

void Heap::release_kept(size_t count) noexcept {
    for (size_t i = count; i < kept_.size(); ++i)
        block_of(kept_[i])->clear_mark(block_of(kept_[i])->offset_of(kept_[i]));
    kept_.truncate(std::min(count, kept_.size()));
}

// ---- Marking ----

void Heap::mark_object(Object* object) noexcept {
    Block* const block = block_of(object);
    const uint32_t offset = block->offset_of(object);
    if (block->is_marked(offset))
        return;
    block->set_mark(offset);
    const Layout& layout = *object->layout;
    const bool refers = layout.kind == ObjectKind::struct_ ? !layout.references.empty()
                        : layout.kind == ObjectKind::array ? layout.element().traced
                                                           : layout.kind == ObjectKind::exception;
    // If there is no memory to remember it, `rescan` finds it again.
    if (refers && !marked_.push(object))
        overflowed_ = true;
}

void Heap::mark_reference(Slot reference) noexcept {
    if (reference != 0 && !is_i31(reference) && !is_host_reference(reference))
        mark_object(to_object(reference));
}

void Heap::mark(std::span<const Slot> slots) noexcept {
    work_ += slots.size() / 4;
    for (const Slot slot : slots)
        if (Object* const object = find_object(slot); object != nullptr)
            mark_object(object);
}

/// Marks the objects that an object refers to.
void Heap::scan(Object* object) noexcept {
    const Layout& layout = *object->layout;
    switch (layout.kind) {
    case ObjectKind::struct_:
        for (const uint32_t offset : layout.references)
            mark_reference(load_reference(field_at(object, offset)));
        break;
    case ObjectKind::array:
        if (layout.element().traced) {
            const auto* const array = static_cast<ArrayObject*>(object);
            if (array->length <= array_piece || !arrays_.push({array, 0}))
                scan_elements(array, 0, array->length);
        }
        break;
    case ObjectKind::exception: {
        const auto* const exception = static_cast<ExceptionObject*>(object);
        const Slot* slot = exception->payload();
        for (const ValType type : types_.func(exception->tag->type).params) {
            if (type.is_ref() && !types_.matches(type.heap(), HeapType::func))
                mark_reference(*slot);
            slot += slots_of(type);
        }
        break;
    }
    case ObjectKind::host:
        break;
    }
}

void Heap::scan_elements(const ArrayObject* array, uint32_t begin, uint32_t end) noexcept {
    const uint8_t* element = field_at(array, array->layout->size) + size_t{begin} * sizeof(Slot);
    for (; begin != end; ++begin, element += sizeof(Slot))
        mark_reference(load_reference(element));
}

void Heap::drain() noexcept {
    for (;;) {
        if (!marked_.empty()) {
            Object* const object = marked_.back();
            marked_.pop();
            scan(object);
            continue;
        }
        // A long array is processed in pieces, so its elements are never on the stack all at once.
        if (!arrays_.empty()) {
            auto& [array, next] = arrays_.back();
            const ArrayObject* const piece = array;
            const uint32_t begin = next;
            const uint32_t end = begin + std::min(array->length - begin, array_piece);
            next = end;
            if (end == array->length)
                arrays_.pop();
            scan_elements(piece, begin, end);
            continue;
        }
        if (!overflowed_)
            return;
        overflowed_ = false;
        rescan();
    }
}

/// Follows the references of all marked objects. Each pass marks more, since the stack always holds at least
/// what fits without growing; repeats until nothing is left.
void Heap::rescan() noexcept {
    for (Block* const block : blocks_) {
        if (block->first == 0)
            continue;
        const uint32_t step = block->cell != 0 ? block->cell : block->end;
        for (uint32_t offset = block->first; offset < block->end; offset += step)
            if (block->is_marked(offset))
                scan(reinterpret_cast<Object*>(block->at(offset)));
    }
}

// ---- Sweeping ----

void Heap::collect() noexcept {
    // If a finalizer breaks the rules and uses the store, it must not start another collection.
    if (finalizing_)
        return;
    ++collections_;
    work_ = 0;
    allocated_ = 0;
    for (Block* const block : blocks_)
        block->clear_marks();
    host_.mark_roots(*this);
    for (const RootSpan* span = spans_; span != nullptr; span = span->below_)
        mark(span->slots);
    for (Object* const object : kept_)
        mark_object(object);
    drain();
    // A small stack is kept, so that there is one even without memory.
    if (marked_.capacity() > smallest_stack) {
        marked_.reset();
        (void)marked_.reserve(smallest_stack);
    }
    sweep();
    for (Object* const object : kept_)
        block_of(object)->set_mark(block_of(object)->offset_of(object));
    finalize(std::exchange(dead_, nullptr));
}

/// Turns dead cells into free runs; returns the size of the live objects.
uint64_t Heap::sweep_cells(Block& block) noexcept {
    uint64_t alive = 0;
    uint32_t run = 0; // the beginning of the current run
    uint32_t last = 0;
    block.runs = 0;
    const auto close = [&](uint32_t end) {
        if (run == 0)
            return;
        std::memset(block.at(run), 0, end - run);
        FreeRun::write(block.at(run), {end, 0});
        if (last == 0)
            block.runs = run;
        else
            FreeRun::write(block.at(last), {FreeRun::read(block.at(last)).end, run});
        last = run;
        run = 0;
    };
    for (uint32_t offset = block.first; offset != block.end; offset += block.cell) {
        if (block.is_marked(offset)) {
            close(offset);
            alive += block.cell;
        } else if (run == 0) {
            run = offset;
        }
    }
    close(block.end);
    return alive;
}

void Heap::sweep() noexcept {
    for (Run& run : runs_)
        run.next = run.end = nullptr;
    available_ = {};
    free_ = nullptr;
    free_bytes_ = 0;
    survived_ = 0;
    sweep_host();
    // Clearing a kilobyte, and following the references in a few words, takes about as long as marking an
    // object.
    work_ += committed_ / 1024;
    size_t left = 0;
    for (Block* const block : blocks_) {
        bool empty = true;
        if (block->cell == 0 && block->first != 0) {
            if (!block->is_marked(block->first)) {
                committed_ -= block->bytes;
                allocator_.deallocate(block, block->bytes, block_alignment);
                continue;
            }
            survived_ += block->bytes;
            ++work_;
            empty = false;
        } else if (block->cell != 0) {
            const uint64_t alive = sweep_cells(*block);
            survived_ += alive;
            work_ += alive / block->cell;
            empty = alive == 0;
        }
        // Only blocks of the common size can serve every class.
        if (empty && block->bytes != Block::small_bytes) {
            committed_ -= block->bytes;
            allocator_.deallocate(block, block->bytes, block_alignment);
            continue;
        }
        blocks_[left++] = block;
        block->clear_marks();
        if (empty) {
            block->cell = 0;
            block->first = 0;
            block->end = 0;
            block->next = free_;
            free_ = block;
            free_bytes_ += block->bytes;
        } else if (block->cell != 0 && block->runs != 0) {
            Block*& available = available_[class_of(block->cell)];
            block->next = available;
            available = block;
        }
    }
    blocks_.truncate(left);
    work_ += survived_ / 64;

    // The next collection comes when the heap has grown by three quarters of the live data. So it stays below
    // twice the live data even if each object takes an eighth more than requested, and the work of a
    // collection is spread over as many allocations.
    threshold_ = std::max(first_threshold, survived_ + survived_ / 4 * 3);
    release_free_blocks(threshold_);
}

} // namespace warpbeam::vm
