#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/instance.hpp>
#include <warpbeam/vm/memory_view.hpp>

namespace warpbeam {

namespace vm {
class GuestHeap;
}

/// Where a GuestAllocator looks.
struct GuestAllocatorOptions {
    /// The exported memory.
    std::string_view memory = "memory";
    /// @{ The exports to allocate and to free with, `(param size) (result address)` and `(param address)` in
    /// the memory's address type. Both empty: `malloc` and `free`, else `cabi_realloc`, else `malloc` alone.
    /// Blocks are never freed when only `malloc` is named or there; those of `cabi_realloc` only with a
    /// `free` that is named, since none need belong to it.
    std::string_view malloc = {};
    std::string_view free = {};
    /// @}
    /// Do not ask the guest even if it has an allocator.
    bool own = false;
    /// Whether our own allocator may use the bytes from the exported global `__heap_base` up to `__heap_end`
    /// (without that, up to the memory's present end). It does not when the guest exports a function
    /// `malloc`, `calloc`, `realloc`, `free` or `cabi_realloc`, of whatever type, whose bytes these then are.
    /// Unset that for a guest that uses them itself with an allocator that it does not export; pages that are
    /// freshly grown are never in anybody's way.
    bool heap_base = true;
};

/// A block of the guest's memory that the host owns, freed at the end of its life. Movable. Valid as long as
/// the store; freeing runs code of the guest if the guest allocated it.
/// Thread-safety: that of the store.
class WARPBEAM_API GuestBuffer {
public:
    /// An empty one, at address 0.
    GuestBuffer() noexcept;
    GuestBuffer(GuestBuffer&& other) noexcept;
    GuestBuffer& operator=(GuestBuffer&& other) noexcept;
    /// Frees the block. A trap in the guest's `free` is swallowed; `free` reports it.
    ~GuestBuffer();

    /// What to pass to the guest.
    [[nodiscard]] uint64_t address() const noexcept { return address_; }
    /// What was asked for, in bytes.
    [[nodiscard]] uint64_t size() const noexcept { return size_; }
    /// The block's bytes. Precondition: not empty.
    [[nodiscard]] MemoryView view() const noexcept;

    /// Frees the block now; the buffer is empty then. Error: the trap of the guest's `free`.
    [[nodiscard]] std::expected<void, Trap> free() noexcept;
    /// Gives the block up: the guest frees it, or GuestAllocator::free does. Returns what that takes: the
    /// address, or where the block begins that had to be aligned.
    uint64_t release() noexcept;

private:
    friend class vm::GuestHeap;
    Ref<vm::GuestHeap> heap_;
    uint64_t block_ = 0; ///< what `free` gets, below the address when that had to be aligned
    uint64_t address_ = 0;
    uint64_t size_ = 0;
};

/// Allocates in a guest's memory for the host: with the guest's own `malloc` and `free` if it exports them,
/// with `cabi_realloc` of the component model, else with an allocator of ours whose bookkeeping lies on the
/// host's side, where the guest can't damage it. What the guest returns is not trusted: a null, misaligned or
/// outlying block is an error. May be used at any time, also in a host function while the guest waits in it.
///
/// Our own allocator is the same for all GuestAllocators over a memory within a store, so that none gives out
/// what another has given out; the bytes from `__heap_base` on are those of the first instance whose
/// allocator is asked for. Stores that share a memory know nothing of each other's, see docs/memory.md.
///
/// A handle, valid as long as the store; copies share the same allocator. All errors are Traps, so that a
/// host function can hand them on: `out_of_memory` when there is no room, `memory_out_of_bounds` or `host`
/// when the guest's answer can't be right, and whatever trapped in the guest.
///
/// After Instance::reset begin with a new one: blocks of before no longer exist, and our own allocator of
/// before refuses to give out any (`usage`). Thread-safety: that of the store.
class WARPBEAM_API GuestAllocator {
public:
    /// Where blocks come from.
    enum class Source : uint8_t {
        malloc,       ///< the guest's `malloc`, and `free` if it has that; else blocks are never freed
        cabi_realloc, ///< the guest's; blocks become the guest's, unless a `free` was named
        own,          ///< ours
    };

    GuestAllocator(const GuestAllocator&) noexcept;
    GuestAllocator& operator=(const GuestAllocator&) noexcept;
    ~GuestAllocator();

    /// What the instance offers. Error: `usage` when it exports no such memory, or an export that was named
    /// in the options is missing or has another type.
    [[nodiscard]] static std::expected<GuestAllocator, Trap>
    of(Instance instance, const GuestAllocatorOptions& options = {}) noexcept;
    /// Our own allocator in pages that it adds to a memory.
    [[nodiscard]] static std::expected<GuestAllocator, Trap> over(Store& store, Memory memory) noexcept;

    /// Where its blocks come from.
    [[nodiscard]] Source source() const noexcept;
    /// The memory that its blocks lie in.
    [[nodiscard]] Memory memory() const noexcept;

    /// A block of `size` bytes (0 is allowed: a block of its own all the same), not initialised, aligned to
    /// `alignment`, a power of two.
    [[nodiscard]] std::expected<GuestBuffer, Trap> allocate(uint64_t size,
                                                            uint64_t alignment = 8) const noexcept;
    /// Frees a block whose GuestBuffer was given up with `release`, or one that the guest returned; without
    /// anything to free with (Source) it does nothing. Errors:
    /// as for GuestBuffer::free; `usage` for an address that our own allocator did not give out.
    [[nodiscard]] std::expected<void, Trap> free(uint64_t address) const noexcept;

    /// A new block with these bytes.
    [[nodiscard]] std::expected<GuestBuffer, Trap>
    write_bytes(std::span<const uint8_t> bytes) const noexcept {
        return write_array(bytes);
    }
    /// A new block with this text.
    [[nodiscard]] std::expected<GuestBuffer, Trap> write_string(std::string_view text) const noexcept;
    /// A new block with this text and a NUL after it.
    [[nodiscard]] std::expected<GuestBuffer, Trap> write_c_string(std::string_view text) const noexcept;
    /// A new block with these numbers.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] std::expected<GuestBuffer, Trap> write_array(std::span<const T> values) const noexcept {
        auto buffer = allocate(values.size_bytes(), std::max<size_t>(alignof(T), 8));
        if (buffer)
            if (auto written = buffer->view().write_array(0, values); !written)
                return std::unexpected{std::move(written.error())};
        return buffer;
    }

private:
    friend class vm::GuestHeap;
    explicit GuestAllocator(Ref<vm::GuestHeap> heap) noexcept;
    Ref<vm::GuestHeap> heap_;
};

} // namespace warpbeam
