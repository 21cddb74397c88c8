#pragma once

#include "heap/host_data.hpp"
#include "heap/layout.hpp"
#include "heap/mark_stack.hpp"

#include <warpbeam/loader/built_features.hpp>
#include <warpbeam/memory/vec.hpp>

#include <algorithm>
#include <array>

/// The garbage-collected heap of a store. docs/decisions/0015-exact-frames.md says what keeps an
/// object alive.

namespace warpbeam::vm {

/// The owner of a heap.
struct HeapHost {
    /// Calls `Heap::mark` with about `count` more of the slots through which an object can be reached; true
    /// when no more are left. The next call then begins anew.
    [[nodiscard]] virtual bool mark_roots(class Heap& heap, uint32_t count) noexcept = 0;
    /// Frees all arrays that are made in steps (Heap::begin_array); they begin again.
    virtual void drop_unfinished() noexcept {}
    /// Calls `Heap::mark` for the stacks that an object refers to.
    virtual void mark_continuation(class Heap&, const ContObject&) noexcept {}
    /// Called when all live objects are marked (`Heap::is_marked`): frees the continuations of the others.
    /// Returns how many are left.
    virtual uint64_t sweep_continuations(class Heap&) noexcept { return 0; }

protected:
    ~HeapHost() = default;
};

/// Slots that are roots while this object lives, for references that are not yet in a frame, global or table.
/// Such objects must be destroyed in reverse order.
class RootSpan {
public:
    /// With types, only those slots are roots that hold references.
    RootSpan(Heap& heap, std::span<const Slot> slots, std::span<const ValType> types = {}) noexcept;
    RootSpan(const RootSpan&) = delete;
    RootSpan& operator=(const RootSpan&) = delete;
    ~RootSpan();

    std::span<const Slot> slots;
    std::span<const ValType> types;

private:
    friend class Heap;
    Heap& heap_;
    RootSpan* below_;
};

/// Mark and sweep; objects never move. Small objects lie in blocks of cells of one size; a larger one has its
/// own block. Blocks are aligned so that an object's address gives its block. Free cells are zero, so an
/// object's fields start with their default values.
///
/// The limit, and when the next collection comes, are counted in the sizes of objects and not in the memory
/// that they take, so they are the same on every machine and in every build.
class Heap {
public:
    /// The distance between possible beginnings of blocks; a power of two.
    static constexpr size_t block_alignment = 64 * 1024;

    Heap(Allocator& allocator, const TypeRegistry& types, HeapHost& host, uint64_t limit,
         bool collect_always) noexcept;
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;
    ~Heap();

    // ---- Allocation. Null if the limit is reached or memory runs out; `failure` then tells which. ----
    // Any of these may collect: every reference that is still needed must be where `HeapHost::mark_roots`
    // looks. Running code first records its position.

    /// An object of `size` bytes (a multiple of 8), all zero except the layout.
    [[nodiscard]] Object* allocate(const Layout* layout, size_t size) noexcept {
        Object* const object = try_allocate(layout, size);
        return object != nullptr ? object : allocate_slow(layout, size);
    }
    /// The same without collecting: null if the fast path has no room.
    [[nodiscard]] [[gnu::always_inline]] inline Object* try_allocate(const Layout* layout,
                                                                     size_t size) noexcept {
        if (!has_objects || size > largest_cell) [[unlikely]]
            return nullptr;
        Run& run = runs_[class_of(size)];
        if (run.next == run.end || static_cast<int64_t>(size) > budget_) [[unlikely]]
            return nullptr;
        budget_ -= static_cast<int64_t>(size);
        return take(run, layout);
    }
    /// Called after `try_allocate` has failed. The second one does not collect.
    [[nodiscard]] Object* allocate_slow(const Layout* layout, size_t size) noexcept;
    [[nodiscard]] Object* allocate_now(const Layout* layout, size_t size) noexcept;
    [[nodiscard]] Object* allocate_struct(const Layout* layout) noexcept {
        return allocate(layout, layout->size);
    }
    [[nodiscard]] ArrayObject* allocate_array(const Layout* layout, uint32_t length) noexcept {
        auto* const array =
            static_cast<ArrayObject*>(allocate(layout, host_size(layout->array_size(length))));
        if (array != nullptr) [[likely]]
            array->length = length;
        return array;
    }
    /// An exception with a tag and the values that it carries, in slots; these are roots during the call.
    [[nodiscard]] ExceptionObject* allocate_exception(const TagHead& tag,
                                                      std::span<const Slot> payload) noexcept;
    /// A host object: `data`, or new memory if its type has a size. In that memory the caller must
    /// immediately make the object that the finalizer destroys. The object is kept as by `keep`.
    [[nodiscard]] HostObject* allocate_host(const HostType& type, void* data) noexcept;
    /// Counts a continuation, which lies outside of the heap; false if there is no room for it. Never
    /// collects.
    [[nodiscard]] bool add_continuation() noexcept;
    /// For an array of this size that is made in steps: a block with the array, which has no elements and is
    /// not part of the heap. Null if there is no room. Never collects. All of these together take no more
    /// than the limit of the heap.
    [[nodiscard]] void* begin_array(const Layout* layout, size_t size) noexcept;
    /// It is complete, and from now on an object of the heap. False if there is no room now.
    [[nodiscard]] bool finish_array(void* block, size_t size) noexcept;
    void free_array(void* block) noexcept;
    /// The same when the heap is gone.
    static void free_array(void* block, Allocator& allocator) noexcept;
    [[nodiscard]] static ArrayObject* array_in(void* block) noexcept;
    /// heap_exhausted or out_of_memory.
    [[nodiscard]] Exit failure() const noexcept { return failure_; }
    /// For code that stops before it allocates: what `failure` then returns.
    void fail(Exit reason) noexcept { failure_ = reason; }

    // ---- Collection ----

    /// Frees all unreachable objects, then runs the finalizers of host objects. There are no further
    /// collections while they run.
    void collect() noexcept {
        end_collection();
        start(0);
        finish();
    }
    /// Whether to collect before an object of this size is allocated.
    [[nodiscard]] bool wants_collection(size_t size) const noexcept;
    /// After a collection: whether it is not worth while to collect again before an object of this size is
    /// allocated, since there is room, or nothing was allocated since then.
    [[nodiscard]] bool has_collected_for(size_t size) const noexcept {
        return !is_collecting() && (size <= room() || allocated() == 0);
    }
    /// The same as `collect` in steps that take less than a millisecond: to make room for an object of this
    /// size, `start`, then `step` until it returns true. In between no code may run, which would change what
    /// refers to what. The other functions of the heap end a collection that has started.
    void start(size_t size) noexcept;
    [[nodiscard]] bool step() noexcept;
    void finish() noexcept {
        while (!step()) {
        }
    }
    /// Whether a collection has started and not ended.
    [[nodiscard]] bool is_collecting() const noexcept { return phase_ != Phase::none; }
    void end_collection() noexcept {
        if (is_collecting()) [[unlikely]]
            finish();
    }
    /// Before the host changes what is a root, which it may do between two steps.
    void end_marking_roots() noexcept {
        while (phase_ == Phase::roots) [[unlikely]]
            (void)step();
    }
    /// For `HeapHost::mark_roots`: any slot that holds the address of an object keeps that object alive,
    /// whatever the slot contains.
    void mark(std::span<const Slot> slots) noexcept;
    /// The same for values of these types, which follow each other: only references count.
    void mark(std::span<const ValType> types, const Slot* slot) noexcept;
    /// The object at this address, or null.
    [[nodiscard]] Object* find_object(Slot word) noexcept {
        end_collection();
        return object_at(word);
    }

    /// Whether an object has been reached, after marking.
    [[nodiscard]] bool is_marked(const Object& object) const noexcept;

    /// Keeps a reference's object alive until the list is truncated below it; other values need not be kept.
    /// False if memory runs out.
    [[nodiscard]] bool keep(Slot reference) noexcept;
    [[nodiscard]] size_t kept() const noexcept { return kept_.size(); }
    /// Releases all but the first `count` kept objects.
    void release_kept(size_t count) noexcept {
        if (count < kept_.size())
            release_newest_kept(count);
    }

    /// Whether nothing was ever allocated, so no reference can point to an object.
    [[nodiscard]] bool unused() const noexcept { return peak_ == 0; }
    /// The size of the objects that are not known to be unreachable, which is what the limit counts.
    [[nodiscard]] uint64_t used() const noexcept { return survived_ + allocated(); }
    /// The bytes taken from the allocator for objects, the peak of these, the size of the objects that
    /// survived the last collection, and the number of collections.
    [[nodiscard]] uint64_t committed() const noexcept { return committed_; }
    [[nodiscard]] uint64_t peak() const noexcept { return peak_; }
    [[nodiscard]] uint64_t survived() const noexcept { return survived_; }
    [[nodiscard]] uint64_t collections() const noexcept { return collections_; }

    // ---- For snapshots ----

    /// What the heap's limit and the times of collections depend on, besides the objects.
    struct Counts {
        uint64_t survived = 0;
        uint64_t allocated = 0; ///< since the last collection
        uint32_t futile = 0;
        uint64_t collections = 0;
    };
    [[nodiscard]] Counts counts() const noexcept { return {survived_, allocated(), futile_, collections_}; }
    /// For a heap with objects that were copied from another one, which has these counts, and at least as
    /// many objects. False if they contradict the objects or the limit.
    [[nodiscard]] bool set_counts(const Counts& counts) noexcept;

private:
    /// release_kept, if there are more.
    void release_newest_kept(size_t count) noexcept;
    friend class RootSpan;

    /// A smaller heap is not collected.
    static constexpr uint64_t first_threshold = 1 << 20;
    /// At least this much is allocated between two collections, unless a limit forces one.
    static constexpr uint64_t least_progress = 1 << 18;
    /// How many objects or references a step of a collection looks at, each of which takes up to a few dozen
    /// nanoseconds; and how many blocks.
    static constexpr uint32_t objects_per_step = 10'000;
    static constexpr uint32_t blocks_per_step = 16;
    /// After this number of consecutive collections that the limit forced and that freed almost nothing, the
    /// heap is exhausted.
    static constexpr uint32_t max_futile = 8;
    /// Larger objects get their own blocks. Those are aligned to 64 KiB, which would be a waste for small
    /// objects.
    static constexpr size_t largest_cell = 32208;
    /// Every size from 64 on is at most an eighth larger than the previous one, so no object takes much more
    /// than it requests.
    static constexpr auto all_cell_sizes = std::to_array<uint16_t>(
        {16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 144, 160, 176, 192, 208, 224, 240,
         256, 288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 832, 896, 960, 1024,
         // Sizes that divide a block without remainder.
         1144, 1256, 1400, 1568, 1736, 1952, 2144, 2384, 2576, 2800, 3064, 3384, 3784, 4024, 4288, 4600, 4952,
         5368, 5856, 6440, 7152, 8048,
         // The others leave a remainder; their blocks end after the last cell.
         8600, 9200, 9968, 10736, 11808, 12880, 14488, 16104, 18112, 20368, 21472, 24152, 27168, 30560,
         32208});
    static constexpr size_t largest_in_common_block = 8048;
#if WARPBEAM_SMALL
    /// Every second from 64 on, and the last: each takes 32 bytes of a store.
    static constexpr auto cell_sizes = [] {
        constexpr size_t fine = 7;
        std::array<uint16_t, fine + (all_cell_sizes.size() - fine) / 2 + 1> sizes{};
        size_t count = 0;
        for (size_t i = 0; i < all_cell_sizes.size(); ++i)
            if (i < fine || (i - fine) % 2 == 1 || i + 1 == all_cell_sizes.size())
                sizes[count++] = all_cell_sizes[i];
        return sizes;
    }();
#else
    static constexpr const auto& cell_sizes = all_cell_sizes;
#endif
    /// The class for each multiple of 8.
    static constexpr auto classes = [] {
        std::array<uint8_t, largest_cell / 8 + 1> table{};
        size_t next = 0;
        for (size_t i = 0; i < table.size(); ++i) {
            next += cell_sizes[next] < i * 8;
            table[i] = static_cast<uint8_t>(next);
        }
        return table;
    }();
    [[nodiscard]] static size_t class_of(size_t size) noexcept { return classes[size / 8]; }

    struct Block;
    /// Consecutive free cells; the next object is taken from them.
    struct Run {
        uint8_t* next = nullptr;
        uint8_t* end = nullptr;
        size_t cell = 0;
    };
    [[nodiscard]] [[gnu::always_inline]] static inline Object* take(Run& run, const Layout* layout) noexcept {
        auto* const object = reinterpret_cast<Object*>(run.next);
        run.next += run.cell;
        object->layout = layout;
        return object;
    }

    [[nodiscard]] Object* allocate_small(const Layout* layout, size_t size) noexcept;
    [[nodiscard]] Object* allocate_large(const Layout* layout, size_t size) noexcept;
    [[nodiscard]] bool refill(size_t size_class) noexcept;
    [[nodiscard]] bool reuse(size_t size_class) noexcept;
    [[nodiscard]] bool next_run(size_t size_class) noexcept;
    void assign(Block& block, size_t size_class) noexcept;
    [[nodiscard]] Block* new_block(size_t bytes) noexcept;
    [[nodiscard]] Block* new_large_block(size_t size) noexcept;
    void list(Block* block) noexcept;
    [[nodiscard]] bool release_pages(Block& block) noexcept;
    /// The size of the objects allocated since the last collection.
    [[nodiscard]] uint64_t allocated() const noexcept { return static_cast<uint64_t>(granted_ - budget_); }
    [[nodiscard]] uint64_t room() const noexcept { return limit_ - std::min(limit_, used()); }
    void grant() noexcept;
    /// The size at which the heap is collected again, to which it also keeps free blocks.
    [[nodiscard]] uint64_t target() const noexcept {
        return std::min(std::max(first_threshold, survived_ + survived_ / 4 * 3), limit_);
    }
    [[nodiscard]] Object* object_at(Slot word) const noexcept;
    /// Collects if it is time to before an object of this size is allocated.
    void prepare_for(size_t size) noexcept;
    [[nodiscard]] bool has_room(size_t size) noexcept;
    [[nodiscard]] uint64_t size_of(const Object* object) const noexcept;
    [[nodiscard]] void* allocate_data(size_t bytes, size_t alignment) noexcept;
    void free_data(HostData* data) noexcept;
    void release_free_blocks(uint64_t target) noexcept;

    [[nodiscard]] static Block* block_of(const void* object) noexcept {
        return reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(object) & ~(block_alignment - 1));
    }
    void mark_object(Object* object) noexcept;
    void mark_reference(Slot reference) noexcept;
    uint32_t scan(Object* object) noexcept;
    void scan_elements(const ArrayObject* array, uint32_t begin, uint32_t end) noexcept;
    // Steps of a collection; those that return bool are done when they return true.
    void begin_marking() noexcept;
    [[nodiscard]] bool drain() noexcept;
    [[nodiscard]] uint32_t rescan(Block& block) noexcept;
    void begin_sweep() noexcept;
    [[nodiscard]] bool sweep_host() noexcept;
    [[nodiscard]] bool sweep() noexcept;
    void end_sweep() noexcept;
    [[nodiscard]] bool finalize() noexcept;
    [[nodiscard]] bool sweep_cells(Block& block) noexcept;

    /// None are used in a build without objects.
    static constexpr size_t class_count = has_objects ? cell_sizes.size() : 1;
    std::array<Run, class_count> runs_{}; ///< first, because the fast path reads it
    /// The size of the objects that may be allocated before the next collection; and what it was after the
    /// last one. Negative after an object that was larger.
    int64_t budget_;
    int64_t granted_;
    Allocator& allocator_;
    const TypeRegistry& types_;
    HeapHost& host_;
    /// The blocks of each class that still have free runs.
    std::array<Block*, class_count> available_{};
    Vec<Block*> blocks_;    ///< all blocks by address
    Block* free_ = nullptr; ///< empty blocks of the common size
    uint64_t free_bytes_ = 0;
    MarkStack marked_;
    struct PartOfArray {
        const ArrayObject* array;
        uint32_t next;
    };
    Vec<PartOfArray> arrays_;
    bool overflowed_ = false; ///< something was marked but not put on the stack
    Vec<Object*> kept_;
    HostData* host_data_ = nullptr; ///< the data of all host objects
    HostData* dead_ = nullptr;      ///< the data whose finalizers are to run
    bool finalizing_ = false;
    RootSpan* spans_ = nullptr;
    uint64_t limit_;
    uint64_t unfinished_ = 0; ///< the bytes of arrays that are made in steps
    uint64_t committed_ = 0;
    uint64_t peak_ = 0;
    uint64_t survived_ = 0;
    uint64_t collections_ = 0;
    enum class Phase : uint8_t { none, begin, roots, mark, sweep_host, sweep, finalize };
    Phase phase_ = Phase::none;
    bool forced_ = false; ///< by the limit
    // How far it is.
    HostData** next_host_ = nullptr;
    size_t next_block_ = 0; ///< to rescan or to sweep; downwards
    size_t left_ = 0;       ///< where the blocks that stay begin
    size_t released_ = 0;   ///< how many bytes of the next block, from its end, have no pages any more
    uint32_t futile_ = 0;   ///< the number of consecutive collections that freed almost nothing
    bool collect_always_;
    Exit failure_ = Exit::none;
};

inline RootSpan::RootSpan(Heap& heap, std::span<const Slot> roots, std::span<const ValType> of_types) noexcept
    : slots{roots}, types{of_types}, heap_{heap}, below_{heap.spans_} {
    heap.spans_ = this;
}
inline RootSpan::~RootSpan() { heap_.spans_ = below_; }

} // namespace warpbeam::vm
