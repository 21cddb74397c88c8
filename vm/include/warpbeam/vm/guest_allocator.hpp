#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/instance.hpp>
#include <warpbeam/vm/memory_view.hpp>

namespace warpbeam {

namespace vm {
class GuestHeap;
}

/// How a GuestAllocator finds the memory and the functions of a guest.
struct GuestAllocatorOptions {
    /// The name of the exported memory.
    std::string_view memory = "memory";
    /// @{ The names of the exported functions that allocate, `(param size) (result address)`, and free,
    /// `(param address)`, in the memory's address type. If both are empty: `malloc` and `free`, otherwise
    /// `cabi_realloc`, otherwise only `malloc`. Without a function to free with, blocks are never freed.
    /// Blocks of `cabi_realloc` are only freed if `free` is named here, since an exported `free` need not
    /// belong to it.
    std::string_view malloc = {};
    std::string_view free = {};
    /// @}
    /// Whether to use our own allocator even if the guest has one.
    bool own = false;
    /// Whether our own allocator may use the bytes from the exported global `__heap_base` up to `__heap_end`
    /// (without the latter, up to the current end of the memory). If the guest exports a function `malloc`,
    /// `calloc`, `realloc`, `free` or `cabi_realloc`, of any type, these bytes belong to the guest's
    /// allocator and are not used in any case. Set this to false if the guest has an allocator that it does
    /// not export. Newly added pages are always safe to use.
    bool heap_base = true;
};

/// A block in the guest's memory that the host owns; the destructor frees it. Movable. Valid as long as the
/// store. If the guest allocated the block, freeing it runs code of the guest.
/// Thread-safety: that of the store.
class WARPBEAM_API GuestBuffer {
public:
    /// An empty buffer, at address 0.
    GuestBuffer() noexcept;
    GuestBuffer(GuestBuffer&& other) noexcept;
    GuestBuffer& operator=(GuestBuffer&& other) noexcept;
    /// Frees the block, ignoring a trap in the guest's `free`; call `free` to see that trap.
    ~GuestBuffer();

    /// The address, to be passed to the guest.
    [[nodiscard]] uint64_t address() const noexcept { return address_; }
    /// The requested size in bytes.
    [[nodiscard]] uint64_t size() const noexcept { return size_; }
    /// The block's bytes. Precondition: not empty.
    [[nodiscard]] MemoryView view() const noexcept;

    /// Frees the block now; the buffer is then empty. Error: the trap of the guest's `free`.
    [[nodiscard]] std::expected<void, Trap> free() noexcept;
    /// Gives up ownership: the guest must free the block, or GuestAllocator::free. Returns the address to
    /// free: the beginning of the block, which is lower than `address` if the block had to be aligned.
    uint64_t release() noexcept;

private:
    friend class vm::GuestHeap;
    Ref<vm::GuestHeap> heap_;
    uint64_t block_ = 0; ///< the argument of `free`; lower than the address if that had to be aligned
    uint64_t address_ = 0;
    uint64_t size_ = 0;
};

/// Allocates memory in a guest for the host: with the guest's own `malloc` and `free` if it exports them,
/// with `cabi_realloc` of the component model, or with our own allocator, whose bookkeeping is outside the
/// guest's memory, where the guest can't damage it. Addresses that the guest returns are not trusted: a null,
/// misaligned or out-of-bounds block is an error. It may be used at any time, also in a host function that
/// the guest called.
///
/// All GuestAllocators for the same memory in the same store share our own allocator, so their blocks never
/// overlap. The bytes from `__heap_base` on are determined by the first instance for which an allocator is
/// made. Stores that share a memory do not know each other's blocks; see docs/memory.md.
///
/// A handle, valid as long as the store; copies share the same allocator. All errors are Traps, so that a
/// host function can return them: `out_of_memory`, `memory_out_of_bounds` or `host` if the guest's answer
/// can't be right, and traps of the guest's functions.
///
/// After Instance::reset, make a new GuestAllocator: all earlier blocks are gone, and the old one fails with
/// `usage` if it used our own allocator.
/// Thread-safety: that of the store.
/// https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
class WARPBEAM_API GuestAllocator {
public:
    /// Where blocks come from.
    enum class Source : uint8_t {
        malloc, ///< the guest's `malloc`, and its `free` if it has one; otherwise blocks are never freed
        cabi_realloc, ///< the guest's; only freed if GuestAllocatorOptions::free was named
        own,          ///< our own allocator
    };

    GuestAllocator(const GuestAllocator&) noexcept;
    GuestAllocator& operator=(const GuestAllocator&) noexcept;
    ~GuestAllocator();

    /// The allocator of an instance, or our own. Error: `usage` if the instance does not export the memory,
    /// or an export named in the options is missing or has another type.
    [[nodiscard]] static std::expected<GuestAllocator, Trap>
    of(Instance instance, const GuestAllocatorOptions& options = {}) noexcept;
    /// Our own allocator, using only pages that it adds to the memory.
    [[nodiscard]] static std::expected<GuestAllocator, Trap> over(Store& store, Memory memory) noexcept;

    /// Where blocks come from.
    [[nodiscard]] Source source() const noexcept;
    /// The memory that contains the blocks.
    [[nodiscard]] Memory memory() const noexcept;

    /// Allocates `size` uninitialised bytes, aligned to `alignment`, a power of two. A size of 0 is allowed;
    /// such a block has an address of its own, too.
    [[nodiscard]] std::expected<GuestBuffer, Trap> allocate(uint64_t size,
                                                            uint64_t alignment = 8) const noexcept;
    /// Frees a block that was released from its GuestBuffer, or that the guest returned. Does nothing if
    /// there is no function to free with (see Source). Errors: as for GuestBuffer::free; `usage` for an
    /// address that our own allocator did not return.
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
