#include "guest/linear_memory_heap.hpp"
#include "store/use.hpp"

#include <warpbeam/vm/guest_allocator.hpp>

#include <algorithm>
#include <cinttypes>

namespace warpbeam {
namespace vm {

/// The state shared by the copies of a GuestAllocator.
class GuestHeap : public RefCounted<GuestHeap> {
public:
    using Source = GuestAllocator::Source;

    GuestHeap(Allocator& allocator, Memory memory) noexcept
        : RefCounted{allocator}, memory_{memory}, is_64_{memory.type().limits.is_64} {}

    [[nodiscard]] static std::expected<GuestAllocator, Trap> make(Store& store, Memory memory) noexcept;
    /// Uses our own allocator; false if memory runs out.
    [[nodiscard]] bool be_own() noexcept;
    [[nodiscard]] std::expected<void, Trap> find_exports(Instance instance,
                                                         const GuestAllocatorOptions& options) noexcept;

    [[nodiscard]] Source source() const noexcept { return source_; }
    [[nodiscard]] Memory memory() const noexcept { return memory_; }
    [[nodiscard]] std::expected<GuestBuffer, Trap> allocate(uint64_t size, uint64_t alignment) noexcept;
    [[nodiscard]] std::expected<void, Trap> free(uint64_t block) noexcept;

private:
    [[nodiscard]] std::expected<Func, Trap> find(Instance instance, std::string_view name, size_t params,
                                                 bool result) const noexcept;
    [[nodiscard]] std::expected<void, Trap> find_named(Instance instance,
                                                       const GuestAllocatorOptions& options) noexcept;
    void guess(Instance instance) noexcept;
    [[nodiscard]] bool add_heap_base(Instance instance) noexcept;
    [[nodiscard]] std::expected<uint64_t, Trap> call(Func func,
                                                     std::initializer_list<uint64_t> args) const noexcept;
    [[nodiscard]] std::expected<uint64_t, Trap> ask_guest(uint64_t size, uint64_t alignment) noexcept;

    Memory memory_;
    bool is_64_;
    Source source_ = Source::own;
    Func malloc_;
    Func free_; ///< null if blocks are not freed
    Ref<LinearMemoryHeap> own_;
};

namespace {

/// The alignment that every C compiler's malloc provides. For a larger one we allocate a larger block and
/// align within it.
constexpr uint64_t malloc_alignment = 8;

template <typename... Args>
std::unexpected<Trap> refuse(TrapCode code, const char* format, Args... args) noexcept {
    return std::unexpected{Trap::with_message(code, format, args...)};
}

} // namespace

std::expected<GuestAllocator, Trap> GuestHeap::make(Store& store, Memory memory) noexcept {
    Allocator& allocator = store.engine().allocator();
    auto* const heap = create<GuestHeap>(allocator, allocator, memory);
    if (heap == nullptr)
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    return GuestAllocator{Ref<GuestHeap>::adopt(heap)};
}

bool GuestHeap::be_own() noexcept {
    source_ = Source::own;
    own_ = LinearMemoryHeap::over(*Internal::inst(memory_));
    return static_cast<bool>(own_);
}

/// An exported function that takes `params` numbers of the address type, and returns one or nothing. Null if
/// there is no export of that name.
std::expected<Func, Trap> GuestHeap::find(Instance instance, std::string_view name, size_t params,
                                          bool result) const noexcept {
    const auto found = instance.func(name);
    if (!found)
        return Func{};
    const ValType address{is_64_ ? ValType::i64 : ValType::i32};
    const FuncType type = found->type();
    const auto all = [&](std::span<const ValType> types) {
        return std::all_of(types.begin(), types.end(), [&](ValType t) { return t == address; });
    };
    if (type.params.size() != params || type.results.size() != (result ? 1 : 0) || !all(type.params) ||
        !all(type.results))
        return refuse(TrapCode::usage,
                      "the guest's function %.*s does not have the type of an allocator function",
                      static_cast<int>(name.size()), name.data());
    return *found;
}

/// Finds functions that the embedder has named, which must exist.
std::expected<void, Trap> GuestHeap::find_named(Instance instance,
                                                const GuestAllocatorOptions& options) noexcept {
    const auto named = [&](std::string_view name, size_t params, bool result) {
        auto func = find(instance, name, params, result);
        if (func && func->is_null())
            func = refuse(TrapCode::usage, "the guest does not export a function named %.*s",
                          static_cast<int>(name.size()), name.data());
        return func;
    };
    const auto free = options.free.empty() ? std::expected<Func, Trap>{} : named(options.free, 1, false);
    if (!free)
        return std::unexpected{free.error()};
    if (options.malloc.empty())
        guess(instance);
    if (source_ == Source::own) {
        const auto malloc = named(options.malloc.empty() ? "malloc" : options.malloc, 1, true);
        if (!malloc)
            return std::unexpected{malloc.error()};
        source_ = Source::malloc;
        malloc_ = *malloc;
    }
    free_ = *free;
    return {};
}

/// Functions that were not named need not have the right type: an unrelated function may be called `free`.
void GuestHeap::guess(Instance instance) noexcept {
    const auto fitting = [&](std::string_view name, size_t params, bool result) {
        return find(instance, name, params, result).value_or(Func{});
    };
    const Func malloc = fitting("malloc", 1, true);
    const Func free = fitting("free", 1, false);
    const Func realloc = fitting("cabi_realloc", 4, true);
    if (malloc && (free || !realloc)) {
        source_ = Source::malloc;
        malloc_ = malloc;
        free_ = free;
    } else if (realloc) {
        source_ = Source::cabi_realloc;
        malloc_ = realloc;
        // There is no way to free such a block: resizing it to 0 bytes does nothing in the code generated for
        // C, and is undefined in that for Rust, and a function called `free` need not belong to the same
        // allocator.
    }
}

namespace {

/// Whether a guest has an allocator. It then owns the bytes from __heap_base on, even if we can't or must not
/// use it.
bool exports_allocator(Instance instance, const GuestAllocatorOptions& options) noexcept {
    for (const std::string_view name :
         {std::string_view{"malloc"}, std::string_view{"calloc"}, std::string_view{"realloc"},
          std::string_view{"free"}, std::string_view{"cabi_realloc"}, options.malloc, options.free})
        if (!name.empty() && instance.func(name))
            return true;
    return false;
}

} // namespace

std::expected<void, Trap> GuestHeap::find_exports(Instance instance,
                                                  const GuestAllocatorOptions& options) noexcept {
    const bool named = !options.malloc.empty() || !options.free.empty();
    if (!options.own && named)
        return find_named(instance, options);
    if (!options.own)
        guess(instance);
    if (source_ != Source::own)
        return {};
    const bool base = options.heap_base && !exports_allocator(instance, options);
    if (!be_own() || (base && !add_heap_base(instance)))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    return {};
}

bool GuestHeap::add_heap_base(Instance instance) noexcept {
    const auto number = [&](std::string_view name, uint64_t otherwise) -> uint64_t {
        const auto global = instance.global(name);
        if (!global)
            return otherwise;
        const Value value = global->get();
        if (is_64_)
            return value.is<uint64_t>() ? value.as<uint64_t>() : otherwise;
        return value.is<uint32_t>() ? value.as<uint32_t>() : otherwise;
    };
    const uint64_t size = memory_.size();
    const uint64_t begin = number("__heap_base", 0);
    // Without a base we can't use any bytes; below it are the guest's data and stack.
    return begin == 0 || own_->add_heap_base(begin, std::min(number("__heap_end", size), size));
}

std::expected<uint64_t, Trap> GuestHeap::call(Func func,
                                              std::initializer_list<uint64_t> args) const noexcept {
    // i32 and i64 arguments are both one slot, and i32 results are zero-extended.
    uint64_t frame[4] = {};
    std::copy(args.begin(), args.end(), frame);
    if (auto called = warpbeam::detail::call_slots(func, frame, args.size(), func.type().results.size());
        !called)
        return std::unexpected{std::move(called.error())};
    return is_64_ ? frame[0] : static_cast<uint32_t>(frame[0]);
}

std::expected<uint64_t, Trap> GuestHeap::ask_guest(uint64_t size, uint64_t alignment) noexcept {
    const uint64_t max = is_64_ ? INT64_MAX : UINT32_MAX;
    if (size > max || alignment > max)
        return refuse(TrapCode::out_of_memory, "the guest could not allocate %" PRIu64 " bytes", size);
    const bool realloc = source_ == Source::cabi_realloc;
    const auto block = realloc ? call(malloc_, {0, 0, alignment, size}) : call(malloc_, {size});
    if (!block)
        return block;
    if (*block == 0)
        return refuse(TrapCode::out_of_memory, "the guest could not allocate %" PRIu64 " bytes", size);
    // A wrong block is not freed, since that might do more damage than leaking it.
    const uint64_t promised = realloc ? alignment : std::min(alignment, malloc_alignment);
    if (*block % promised != 0)
        return refuse(TrapCode::host,
                      "the guest returned a block at %" PRIu64 ", which is not aligned to %" PRIu64, *block,
                      promised);
    if (!MemoryView::of(memory_, *block, size))
        return refuse(TrapCode::memory_out_of_bounds,
                      "the guest returned an out-of-bounds block: %" PRIu64 " bytes at %" PRIu64
                      ", the memory has %" PRIu64,
                      size, *block, memory_.size());
    return block;
}

std::expected<GuestBuffer, Trap> GuestHeap::allocate(uint64_t size, uint64_t alignment) noexcept {
    const Use use{memory_};
    if (!use)
        return std::unexpected{use.trap()};
    if (!std::has_single_bit(alignment))
        return refuse(TrapCode::usage, "invalid alignment %" PRIu64 ": use a power of two", alignment);
    std::expected<uint64_t, Trap> block;
    uint64_t address = 0;
    if (source_ == Source::own) {
        block = own_->allocate(size, alignment);
        address = block.value_or(0);
    } else if (source_ == Source::malloc && alignment > malloc_alignment) {
        const uint64_t more = size + alignment;
        block = more > size ? ask_guest(more, alignment) : ask_guest(UINT64_MAX, alignment);
        address = (block.value_or(0) + alignment - 1) & ~(alignment - 1);
    } else {
        block = ask_guest(std::max<uint64_t>(size, 1), alignment);
        address = block.value_or(0);
    }
    if (!block)
        return std::unexpected{std::move(block.error())};
    GuestBuffer buffer;
    buffer.heap_ = Ref<GuestHeap>::share(this);
    buffer.block_ = *block;
    buffer.address_ = address;
    buffer.size_ = size;
    return buffer;
}

std::expected<void, Trap> GuestHeap::free(uint64_t block) noexcept {
    const Use use{memory_};
    if (!use)
        return std::unexpected{use.trap()};
    if (source_ == Source::own)
        return own_->free(block);
    if (!is_64_ && block > UINT32_MAX)
        return refuse(TrapCode::usage, "%" PRIu64 " is not a 32-bit address", block);
    if (free_)
        if (auto called = call(free_, {block}); !called)
            return std::unexpected{std::move(called.error())};
    return {};
}

} // namespace vm

// ---- GuestBuffer ----

GuestBuffer::GuestBuffer() noexcept = default;

GuestBuffer::GuestBuffer(GuestBuffer&& other) noexcept
    : heap_{std::move(other.heap_)}, block_{std::exchange(other.block_, 0)},
      address_{std::exchange(other.address_, 0)}, size_{std::exchange(other.size_, 0)} {}

GuestBuffer& GuestBuffer::operator=(GuestBuffer&& other) noexcept {
    GuestBuffer old{std::move(*this)};
    std::swap(heap_, other.heap_);
    std::swap(block_, other.block_);
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
}

GuestBuffer::~GuestBuffer() { (void)free(); }

MemoryView GuestBuffer::view() const noexcept {
    // The block was inside when it was allocated; if the memory was reset since, every access reports it.
    return MemoryView{heap_ ? heap_->memory() : Memory{}, address_, size_};
}

std::expected<void, Trap> GuestBuffer::free() noexcept {
    const Ref<vm::GuestHeap> heap = std::move(heap_);
    const uint64_t block = release();
    return heap ? heap->free(block) : std::expected<void, Trap>{};
}

uint64_t GuestBuffer::release() noexcept {
    heap_ = nullptr;
    size_ = 0;
    address_ = 0;
    return std::exchange(block_, 0);
}

// ---- GuestAllocator ----

GuestAllocator::GuestAllocator(Ref<vm::GuestHeap> heap) noexcept : heap_{std::move(heap)} {}
GuestAllocator::GuestAllocator(const GuestAllocator&) noexcept = default;
GuestAllocator& GuestAllocator::operator=(const GuestAllocator&) noexcept = default;
GuestAllocator::~GuestAllocator() = default;

std::expected<GuestAllocator, Trap> GuestAllocator::of(Instance instance,
                                                       const GuestAllocatorOptions& options) noexcept {
    const auto memory = instance.memory(options.memory);
    if (!memory)
        return vm::refuse(TrapCode::usage, "the guest does not export a memory named %.*s",
                          static_cast<int>(options.memory.size()), options.memory.data());
    auto made = vm::GuestHeap::make(*instance.store(), *memory);
    if (made)
        if (auto found = made->heap_->find_exports(instance, options); !found)
            return std::unexpected{std::move(found.error())};
    return made;
}

std::expected<GuestAllocator, Trap> GuestAllocator::over(Store& store, Memory memory) noexcept {
    const vm::Use use{memory};
    if (!use)
        return std::unexpected{use.trap()};
    if (vm::Internal::inst(memory)->store != vm::Internal::impl(store))
        return vm::refuse(TrapCode::usage, "%s", "the memory belongs to another store");
    auto made = vm::GuestHeap::make(store, memory);
    if (made && !made->heap_->be_own())
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    return made;
}

GuestAllocator::Source GuestAllocator::source() const noexcept { return heap_->source(); }
Memory GuestAllocator::memory() const noexcept { return heap_->memory(); }

std::expected<GuestBuffer, Trap> GuestAllocator::allocate(uint64_t size, uint64_t alignment) const noexcept {
    return heap_->allocate(size, alignment);
}
std::expected<void, Trap> GuestAllocator::free(uint64_t address) const noexcept {
    return heap_->free(address);
}

std::expected<GuestBuffer, Trap> GuestAllocator::write_string(std::string_view text) const noexcept {
    auto buffer = allocate(text.size(), 1);
    if (buffer)
        if (auto written = buffer->view().write_string(0, text); !written)
            return std::unexpected{std::move(written.error())};
    return buffer;
}
std::expected<GuestBuffer, Trap> GuestAllocator::write_c_string(std::string_view text) const noexcept {
    auto buffer = allocate(text.size() + 1, 1);
    if (buffer)
        if (auto written = buffer->view().write_c_string(0, text); !written)
            return std::unexpected{std::move(written.error())};
    return buffer;
}

} // namespace warpbeam
