// Drives GuestAllocator as the input says, and compares it with a model that records every block and its
// contents. Blocks never overlap, leave the memory or touch pages that the guest grew itself; they keep their
// contents whatever the guest writes elsewhere; and they are refused only if there is no room. The allocator
// is ours, in new pages and above a heap base, or the guest's; memories have 32-bit and 64-bit addresses, and
// pages of 64 KiB and of one byte.

#include "input.hpp"

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace warpbeam;
using fuzz::Input;
using fuzz::require;

enum class Kind : uint8_t { over, heap_base, malloc_and_free, only_malloc, cabi_realloc };
constexpr uint8_t kinds = 5;
constexpr uint64_t heap_base = 1032;
/// The store's limit on memory.
constexpr uint64_t limit = 1 << 22;

/// A guest for memories with such addresses and pages, which it imports. Its allocator is the simplest
/// possible: it allocates upwards from its heap base to the end of the memory.
std::string guest(Kind kind, bool is_64, bool small_pages) {
    std::string wat = R"((module (import "env" "memory" (memory ADDRESS 0 PAGES)) (export "memory" (memory 0))
        (global (export "__heap_base") TYPE (TYPE.const 1032)) (global $next (mut TYPE) (TYPE.const 1032))
        (func $take (param $align TYPE) (param $size TYPE) (result TYPE) (local $block TYPE) (local $end TYPE)
            (local.set $align (TYPE.sub (local.get $align) (TYPE.const 1)))
            (local.set $block (TYPE.and (TYPE.add (global.get $next) (local.get $align))
                                        (TYPE.xor (local.get $align) (TYPE.const -1))))
            (local.set $end (TYPE.add (local.get $block) (local.get $size)))
            (if (i32.or (i32.or (TYPE.lt_u (local.get $block) (global.get $next))
                                (TYPE.lt_u (local.get $end) (local.get $block)))
                        (TYPE.gt_u (local.get $end) (TYPE.mul (memory.size) (TYPE.const UNIT))))
                (then (return (TYPE.const 0))))
            (global.set $next (local.get $end))
            (local.get $block))
        (func $malloc MALLOC (param TYPE) (result TYPE) (call $take (TYPE.const 8) (local.get 0)))
        (func $realloc REALLOC (param TYPE TYPE TYPE TYPE) (result TYPE)
            (if (i32.eqz (TYPE.eqz (TYPE.or (local.get 0) (local.get 1)))) (then unreachable))
            (call $take (local.get 2) (local.get 3)))
        (func $free FREE (param TYPE) (if (TYPE.lt_u (local.get 0) (TYPE.const 1032)) (then unreachable)))))";
    const auto set = [&](std::string_view name, std::string_view value) {
        for (size_t at; (at = wat.find(name)) != std::string::npos;)
            wat.replace(at, name.size(), value);
    };
    const bool malloc = kind == Kind::malloc_and_free || kind == Kind::only_malloc;
    set("REALLOC", kind == Kind::cabi_realloc ? "(export \"cabi_realloc\")" : "");
    set("MALLOC", malloc ? "(export \"malloc\")" : "");
    set("FREE", kind == Kind::malloc_and_free ? "(export \"free\")" : "");
    set("UNIT", small_pages ? "1" : "65536");
    set("PAGES", small_pages ? "(pagesize 1)" : "");
    set("ADDRESS", is_64 ? "i64" : "i32");
    set("TYPE", is_64 ? "i64" : "i32");
    return wat;
}

Engine& engine() {
    static Engine instance{{.features = FeatureSet::all()}};
    return instance;
}

const Module& module_of(Kind kind, bool is_64, bool small_pages) {
    static Module modules[kinds][2][2];
    Module& module = modules[static_cast<size_t>(kind)][is_64][small_pages];
    if (!module) {
        const auto bytes = parse_wat(guest(kind, is_64, small_pages));
        require(bytes.has_value());
        auto loaded = engine().load(*bytes);
        require(loaded.has_value());
        module = *loaded;
    }
    return module;
}

constexpr uint64_t round_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

struct Block {
    GuestBuffer buffer;
    uint8_t pattern;
};

class Model {
public:
    Model(Memory memory, Kind kind, const GuestAllocator& allocator)
        : memory_{memory}, kind_{kind}, allocator_{allocator} {
        require((allocator.source() == GuestAllocator::Source::own) == is_own());
        require((allocator.source() == GuestAllocator::Source::cabi_realloc) == (kind == Kind::cabi_realloc));
        if (kind == Kind::heap_base && memory.size() > heap_base)
            own_.emplace_back(heap_base, memory.size());
    }

    void run(Input input) {
        while (!input.empty()) {
            switch (const uint8_t choice = input.byte(); choice % 8) {
            case 0:
            case 1:
            case 2:
            case 3:
                allocate(input.size(), uint64_t{1} << input.byte() % 18, choice);
                break;
            case 4:
            case 5:
                if (!blocks_.empty())
                    free(input.byte() % blocks_.size());
                break;
            case 6:
                if (is_own())
                    require(!allocator_.free(input.size() | 1)); // no block begins at an odd address
                break;
            default:
                if (const uint64_t before = memory_.size(); memory_.grow(1u + input.byte() % 2u))
                    guest_pages_.emplace_back(before, memory_.size());
                break;
            }
        }
        while (!blocks_.empty())
            free(0);
        if (is_own()) // all blocks are merged again
            for (const auto& [begin, end] : own_)
                if (const uint64_t first = std::max<uint64_t>(round_up(begin, 16), 16); first + 16 <= end)
                    allocate(end / 16 * 16 - first, 1, 0);
    }

private:
    [[nodiscard]] bool is_own() const { return kind_ == Kind::over || kind_ == Kind::heap_base; }

    void allocate(uint64_t size, uint64_t alignment, uint8_t pattern) {
        const uint64_t before = memory_.size();
        auto buffer = allocator_.allocate(size, alignment);
        if (const uint64_t after = memory_.size(); after != before) {
            require(is_own());
            if (!own_.empty() && own_.back().second == before)
                own_.back().second = after;
            else
                own_.emplace_back(before, after);
        }
        if (!buffer) {
            require(buffer.error().code() == TrapCode::out_of_memory);
            require(is_own() ? !has_room(size, alignment) : !guest_has_room(size, alignment));
            return;
        }
        const uint64_t begin = buffer->address();
        const uint64_t end = begin + size;
        require(begin != 0 && begin % alignment == 0 && buffer->size() == size && end >= begin);
        require(end <= memory_.size());
        const auto after = ends_.lower_bound(begin);
        require(after == ends_.end() || (after->first != begin && end <= after->first));
        require(after == ends_.begin() || std::prev(after)->second <= begin);
        if (is_own()) {
            for (const auto& [first, last] : guest_pages_)
                require(end <= first || last <= begin);
            require(begin >= 16 && std::any_of(own_.begin(), own_.end(), [&](const auto& piece) {
                        return piece.first <= begin && end <= piece.second;
                    }));
        } else {
            // The guest's allocator places blocks consecutively.
            next_ = round_up(next_, granted(alignment)) + asked(size, alignment);
            require(begin >= heap_base && end <= next_);
        }
        ends_[begin] = end;
        require(buffer->view().fill(0, size, pattern).has_value());
        blocks_.push_back({std::move(*buffer), pattern});
    }

    /// Whether our own allocator has a gap for that, or may add pages for it.
    [[nodiscard]] bool has_room(uint64_t size, uint64_t alignment) const {
        if (size > limit || alignment > limit)
            return false;
        const uint64_t wanted = round_up(std::max<uint64_t>(size, 1), 16);
        uint64_t tail = std::max<uint64_t>(round_up(memory_.size(), 16), 16);
        for (const auto& [begin, end] : own_) {
            uint64_t free = std::max<uint64_t>(round_up(begin, 16), 16);
            for (auto block = ends_.lower_bound(begin); block != ends_.end() && block->first < end; ++block) {
                if (round_up(free, alignment) + wanted <= block->first)
                    return true;
                free = block->first + round_up(std::max<uint64_t>(block->second - block->first, 1), 16);
            }
            if (round_up(free, alignment) + wanted <= end / 16 * 16)
                return true;
            if (end == memory_.size())
                tail = std::max(free, uint64_t{16});
        }
        const MemoryType type = memory_.type();
        const uint64_t most = std::min(type.limits.max << type.page_size_log2, limit);
        return round_up(tail, alignment) + wanted <= most;
    }

    // The size that GuestAllocator asks the guest for: alignment beyond that of `malloc` takes a larger
    // block.
    [[nodiscard]] uint64_t granted(uint64_t alignment) const {
        return kind_ == Kind::cabi_realloc ? alignment : 8;
    }
    [[nodiscard]] uint64_t asked(uint64_t size, uint64_t alignment) const {
        return alignment > granted(alignment) ? size + alignment : std::max<uint64_t>(size, 1);
    }
    [[nodiscard]] bool guest_has_room(uint64_t size, uint64_t alignment) const {
        if (size > limit || alignment > limit)
            return false;
        return round_up(next_, granted(alignment)) + asked(size, alignment) <= memory_.size();
    }

    void free(size_t index) {
        Block& block = blocks_[index];
        const auto bytes =
            block.buffer.view().bytes(); // g++ 12 destroys temporaries of a loop's range before the loop
        for (const uint8_t byte : *bytes)
            require(byte == block.pattern);
        ends_.erase(block.buffer.address());
        require(block.buffer.free().has_value());
        std::swap(block, blocks_.back());
        blocks_.pop_back();
    }

    Memory memory_;
    Kind kind_;
    GuestAllocator allocator_;
    std::vector<Block> blocks_;
    std::map<uint64_t, uint64_t> ends_;
    std::vector<std::pair<uint64_t, uint64_t>> guest_pages_;
    std::vector<std::pair<uint64_t, uint64_t>> own_; ///< the ranges of our own allocator, in ascending order
    uint64_t next_ = heap_base;                      ///< the next address of the guest's allocator
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input{{data, size}};
    const auto kind = static_cast<Kind>(input.byte() % kinds);
    const uint8_t form = input.byte();
    const bool is_64 = (form & 1) != 0;
    const bool small_pages = (form & 2) != 0;
    Store store{engine(), {.memory_bytes = limit}};
    const uint64_t pages = small_pages ? input.byte() * uint64_t{17} : input.byte() % 3u;
    const auto memory =
        Memory::create(store, {.limits = {pages, small_pages ? pages + 100'000 : 40, true, is_64},
                               .page_size_log2 = static_cast<uint8_t>(small_pages ? 0 : 16)});
    require(memory.has_value());
    if (kind == Kind::over) {
        Model{*memory, kind, *GuestAllocator::over(store, *memory)}.run(input);
        return 0;
    }
    Linker linker{engine()};
    require(linker.define("env", "memory", *memory).has_value());
    const auto instance = linker.instantiate(store, module_of(kind, is_64, small_pages));
    require(instance.has_value());
    Model{*memory, kind, *GuestAllocator::of(*instance)}.run(input);
    return 0;
}
