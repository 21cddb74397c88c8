#include "heap/block.hpp"
#include "heap/host_data.hpp"
#include "heap/reference.hpp"

#include <warpbeam/memory/discard_pages.hpp>

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

Object* Heap::object_at(Slot word) const noexcept {
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

bool Heap::is_marked(const Object& object) const noexcept {
    Block* const block = block_of(&object);
    return block->is_marked(block->offset_of(&object));
}

void Heap::release_newest_kept(size_t count) noexcept {
    end_collection();
    for (size_t i = count; i < kept_.size(); ++i)
        block_of(kept_[i])->clear_mark(block_of(kept_[i])->offset_of(kept_[i]));
    kept_.truncate(count);
}

// ---- Marking ----

uint64_t Heap::size_of(const Object* object) const noexcept {
    const Layout& layout = *object->layout;
    switch (layout.kind) {
    case ObjectKind::struct_:
        return layout.size;
    case ObjectKind::array:
        return layout.array_size(static_cast<const ArrayObject*>(object)->length);
    case ObjectKind::exception:
        return exception_size(
            slots_of(types_.func(static_cast<const ExceptionObject*>(object)->tag->type).params));
    case ObjectKind::continuation:
        return continuation_object_size; // and the stacks, which are counted when they are swept
    case ObjectKind::host:
        break; // and its data, which `sweep_host` counts
    }
    return sizeof(HostObject);
}

void Heap::mark_object(Object* object) noexcept {
    Block* const block = block_of(object);
    const uint32_t offset = block->offset_of(object);
    if (block->is_marked(offset))
        return;
    block->set_mark(offset);
    survived_ += size_of(object);
    const Layout& layout = *object->layout;
    const bool refers = layout.kind == ObjectKind::struct_ ? !layout.references.empty()
                        : layout.kind == ObjectKind::array
                            ? layout.element().traced
                            : layout.kind == ObjectKind::exception || layout.kind == ObjectKind::continuation;
    // If there is no memory to remember it, `rescan` finds it again.
    if (refers && !marked_.push(object))
        overflowed_ = true;
}

void Heap::mark_reference(Slot reference) noexcept {
    if (reference != 0 && !is_i31(reference) && !is_host_reference(reference))
        mark_object(to_object(reference));
}

void Heap::mark(std::span<const Slot> slots) noexcept {
    for (const Slot slot : slots)
        if (Object* const object = object_at(slot); object != nullptr)
            mark_object(object);
}

void Heap::mark(std::span<const ValType> types, const Slot* slot) noexcept {
    for (const ValType type : types) {
        if (type.is_ref())
            mark({slot, 1});
        slot += slots_of(type);
    }
}

/// Marks the objects that an object refers to; returns about how many references those were.
uint32_t Heap::scan(Object* object) noexcept {
    const Layout& layout = *object->layout;
    switch (layout.kind) {
    case ObjectKind::struct_:
        for (const uint32_t offset : layout.references)
            mark_reference(load_reference(field_at(object, offset)));
        return static_cast<uint32_t>(layout.references.size());
    case ObjectKind::array: {
        if (!layout.element().traced)
            return 0;
        const auto* const array = static_cast<ArrayObject*>(object);
        if (array->length > array_piece && arrays_.push({array, 0}))
            return 0;
        scan_elements(array, 0, array->length);
        return array->length;
    }
    case ObjectKind::exception: {
        const auto* const exception = static_cast<ExceptionObject*>(object);
        const std::span<const ValType> types = types_.func(exception->tag->type).params;
        const Slot* slot = exception->payload();
        for (const ValType type : types) {
            if (type.is_ref() && !types_.matches(type.heap(), HeapType::func))
                mark_reference(*slot);
            slot += slots_of(type);
        }
        return static_cast<uint32_t>(types.size());
    }
    case ObjectKind::continuation:
        host_.mark_continuation(*this, *static_cast<ContObject*>(object));
        return array_piece;
    case ObjectKind::host:
        break;
    }
    return 0;
}

void Heap::scan_elements(const ArrayObject* array, uint32_t begin, uint32_t end) noexcept {
    const uint8_t* element = field_at(array, array->layout->size) + size_t{begin} * sizeof(Slot);
    for (; begin != end; ++begin, element += sizeof(Slot))
        mark_reference(load_reference(element));
}

bool Heap::drain() noexcept {
    for (uint32_t looked_at = 0; looked_at < objects_per_step;) {
        if (!marked_.empty()) {
            looked_at += 1 + scan(marked_.pop());
        } else if (!arrays_.empty()) {
            // A long array is processed in pieces, so its elements are never on the stack all at once.
            auto& [array, next] = arrays_.back();
            const ArrayObject* const piece = array;
            const uint32_t begin = next;
            const uint32_t end = begin + std::min(array->length - begin, array_piece);
            next = end;
            if (end == array->length)
                arrays_.pop();
            scan_elements(piece, begin, end);
            looked_at += end - begin;
        } else if (next_block_ != 0) {
            looked_at += rescan(*blocks_[--next_block_]);
        } else if (overflowed_) {
            overflowed_ = false;
            next_block_ = blocks_.size();
        } else {
            return true;
        }
    }
    return false;
}

/// Follows the references of all marked objects of a block; returns about how much it looked at. When the
/// stack has overflowed, this is done with all blocks. Each pass marks more, since the stack always holds at
/// least its first chunk; they are repeated until nothing is left.
uint32_t Heap::rescan(Block& block) noexcept {
    uint32_t looked_at = 1;
    if (block.first == 0)
        return looked_at;
    const uint32_t step = block.cell != 0 ? block.cell : block.end;
    for (uint32_t offset = block.first; offset < block.end; offset += step, ++looked_at)
        if (block.is_marked(offset))
            looked_at += scan(reinterpret_cast<Object*>(block.at(offset)));
    return looked_at;
}

// ---- The steps of a collection ----

void Heap::start(size_t size) noexcept {
    // If a finalizer breaks the rules and uses the store, it must not start another collection.
    if (is_collecting())
        return;
    forced_ = size > room();
    // Nothing is allocated any more.
    granted_ -= std::exchange(budget_, 0);
    phase_ = Phase::begin;
}

bool Heap::step() noexcept {
    if (!has_objects || finalizing_)
        return true;
    switch (phase_) {
    case Phase::none:
        return true;
    case Phase::begin:
        begin_marking();
        phase_ = Phase::roots;
        [[fallthrough]];
    case Phase::roots:
        if (host_.mark_roots(*this, objects_per_step))
            phase_ = Phase::mark;
        return false;
    case Phase::mark:
        if (drain()) {
            begin_sweep();
            phase_ = Phase::sweep_host;
        }
        return false;
    case Phase::sweep_host:
        if (sweep_host())
            phase_ = Phase::sweep;
        return false;
    case Phase::sweep:
        if (sweep()) {
            end_sweep();
            phase_ = Phase::finalize;
        }
        return false;
    case Phase::finalize:
        break;
    }
    if (!finalize())
        return false;
    phase_ = Phase::none;
    return true;
}

void Heap::begin_marking() noexcept {
    ++collections_;
    survived_ = 0;
    // From here on, a mark means that the object is reachable, and not that it is kept.
    for (Object* const object : kept_)
        block_of(object)->clear_mark(block_of(object)->offset_of(object));
    for (const RootSpan* span = spans_; span != nullptr; span = span->below_)
        span->types.empty() ? mark(span->slots) : mark(span->types, span->slots.data());
    for (Object* const object : kept_)
        mark_object(object);
}

// ---- Sweeping ----

/// Turns dead cells into free runs; returns whether there is a live object.
bool Heap::sweep_cells(Block& block) noexcept {
    bool alive = false;
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
            alive = true;
        } else if (run == 0) {
            run = offset;
        }
    }
    close(block.end);
    return alive;
}

void Heap::begin_sweep() noexcept {
    marked_.drop_spare();
    for (Run& run : runs_)
        run.next = run.end = nullptr;
    available_ = {};
    free_ = nullptr;
    free_bytes_ = 0;
    survived_ += continuation_size * host_.sweep_continuations(*this);
    next_host_ = &host_data_;
    next_block_ = left_ = blocks_.size();
}

/// To free a block of hundreds of megabytes at once would take the system tens of milliseconds, so its pages
/// are given back before, in parts. True when it can be freed. What an embedder's allocator does is its own
/// affair.
bool Heap::release_pages(Block& block) noexcept {
    constexpr size_t part = 8 << 20;
    const size_t left = block.bytes - released_;
    if (left <= part || &allocator_ != &Allocator::standard()) {
        released_ = 0;
        return true;
    }
    discard_pages(block.at(left - part), part);
    released_ += part;
    return false;
}

bool Heap::sweep() noexcept {
    // From the highest address down: an allocator gives memory back to the system from its end, and in the
    // other order it would give back all of it at once.
    for (uint32_t i = 0; i < blocks_per_step && next_block_ != 0; ++i) {
        Block* const block = blocks_[--next_block_];
        bool empty = true;
        if (block->first != 0)
            empty = block->cell == 0 ? !block->is_marked(block->first) : !sweep_cells(*block);
        // Only blocks of the common size can serve every class.
        const bool is_common = block->bytes == Block::small_bytes && (block->cell != 0 || block->first == 0);
        if (empty && (!is_common || committed_ > target())) {
            if (!release_pages(*block)) {
                ++next_block_;
                return false;
            }
            committed_ -= block->bytes;
            allocator_.deallocate(block, block->bytes, block_alignment);
            continue;
        }
        blocks_[--left_] = block;
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
    return next_block_ == 0;
}

void Heap::end_sweep() noexcept {
    std::copy(blocks_.begin() + left_, blocks_.end(), blocks_.begin());
    blocks_.truncate(blocks_.size() - left_);
    for (Object* const object : kept_)
        block_of(object)->set_mark(block_of(object)->offset_of(object));
    futile_ = forced_ && limit_ - std::min(limit_, survived_) < limit_ / 64 ? futile_ + 1 : 0;
    grant();
}

} // namespace warpbeam::vm
