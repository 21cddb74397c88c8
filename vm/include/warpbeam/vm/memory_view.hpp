#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/little_endian.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/memory.hpp>
#include <warpbeam/vm/trap.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace warpbeam {

namespace detail {

/// Numbers as a memory contains them: little-endian, unaligned.
template <typename T>
T load_number(const uint8_t* from) noexcept {
    UnsignedOf<sizeof(T)> raw;
    std::memcpy(&raw, from, sizeof(T));
    if constexpr (std::is_same_v<T, bool>)
        return raw != 0;
    else
        return std::bit_cast<T>(little_endian(raw));
}
template <typename T>
void store_number(uint8_t* to, T value) noexcept {
    const auto raw = little_endian(std::bit_cast<UnsignedOf<sizeof(T)>>(value));
    std::memcpy(to, &raw, sizeof(T));
}

} // namespace detail

/// The layout that C compilers for WebAssembly give a struct with these members: each at a multiple of its
/// size.
template <typename... T>
    requires(std::is_arithmetic_v<T> && ...)
struct StructLayout {
    static constexpr size_t count = sizeof...(T); ///< the number of members
    /// The offset of each member in bytes.
    static constexpr std::array<size_t, count> offsets = [] {
        std::array<size_t, count> result{};
        size_t end = 0;
        size_t i = 0;
        ((end = (end + sizeof(T) - 1) / sizeof(T) * sizeof(T), result[i++] = end, end += sizeof(T)), ...);
        return result;
    }();
    static constexpr size_t alignment = std::max({size_t{1}, sizeof(T)...}); ///< the struct's alignment
    /// The struct's size in bytes, including the padding after the last member.
    static constexpr size_t size = [] {
        size_t end = 0;
        ((end = (end + sizeof(T) - 1) / sizeof(T) * sizeof(T) + sizeof(T)), ...);
        return (end + alignment - 1) / alignment * alignment;
    }();
};

/// A range of a linear memory that the host reads and writes. It consists of a memory, an address and a size,
/// and has no pointer that could become invalid. Every access checks the current state of the memory, so
/// growth is harmless even if it moves the bytes, and a memory that became smaller (Instance::reset) is
/// detected. A small copyable value, valid as long as the store.
///
/// Offsets count from the beginning of the view. An access that is not entirely inside the view reads and
/// writes nothing. Offsets and sizes may be any numbers, including converted negative ones. The error is a
/// Trap with the code `memory_out_of_bounds`, which a host function can return as it is; its message gives
/// the offset, the size and the view's size.
///
/// Numbers are little-endian and need no alignment.
/// https://webassembly.github.io/spec/core/exec/runtime.html#memory-instances
///
/// Thread-safety: that of the store. Other threads may write to a shared memory at any time: copies do not
/// change, but bytes seen in place may.
class WARPBEAM_API MemoryView {
public:
    /// A whole memory; the view's size is always the memory's current size.
    explicit MemoryView(Memory memory) noexcept : memory_{memory}, size_{all} {}
    /// The bytes [address, address + size). Error: they are not all inside the memory.
    [[nodiscard]] static std::expected<MemoryView, Trap> of(Memory memory, uint64_t address,
                                                            uint64_t size) noexcept {
        return MemoryView{memory}.slice(address, size);
    }

    /// The memory of the view.
    [[nodiscard]] Memory memory() const noexcept { return memory_; }
    /// Where the view begins in the memory.
    [[nodiscard]] uint64_t address() const noexcept { return address_; }
    /// The size in bytes.
    [[nodiscard]] uint64_t size() const noexcept { return size_ == all ? memory_.size() : size_; }

    /// The bytes [offset, offset + size) of this view.
    [[nodiscard]] std::expected<MemoryView, Trap> slice(uint64_t offset, uint64_t size) const noexcept;
    /// The bytes, without a copy. The span may become invalid when code of the store runs or the memory
    /// grows.
    [[nodiscard]] std::expected<std::span<uint8_t>, Trap> bytes() const noexcept { return at(0, size()); }
    /// The bytes [offset, offset + size) without a copy, valid as long as those of `bytes`.
    [[nodiscard]] std::expected<std::span<uint8_t>, Trap> at(uint64_t offset, uint64_t size) const noexcept;

    // ---- Numbers ----

    /// Reads a number.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] std::expected<T, Trap> read(uint64_t offset) const noexcept {
        const auto place = at(offset, sizeof(T));
        if (!place)
            return std::unexpected{place.error()};
        return detail::load_number<T>(place->data());
    }
    /// Writes a number.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] std::expected<void, Trap> write(uint64_t offset, T value) const noexcept {
        const auto place = at(offset, sizeof(T));
        if (!place)
            return std::unexpected{place.error()};
        detail::store_number(place->data(), value);
        return {};
    }

    /// Reads a struct with these members, laid out as in StructLayout:
    /// `read_struct<uint32_t, uint8_t, double>(at)`.
    template <typename... T>
    [[nodiscard]] std::expected<std::tuple<T...>, Trap> read_struct(uint64_t offset) const noexcept {
        using Layout = StructLayout<T...>;
        const auto place = at(offset, Layout::size);
        if (!place)
            return std::unexpected{place.error()};
        return [&]<size_t... i>(std::index_sequence<i...>) {
            return std::tuple<T...>{detail::load_number<T>(place->data() + Layout::offsets[i])...};
        }(std::index_sequence_for<T...>{});
    }
    /// Writes a struct with these members; the padding between them is not written.
    template <typename... T>
    [[nodiscard]] std::expected<void, Trap> write_struct(uint64_t offset,
                                                         const std::tuple<T...>& values) const noexcept {
        using Layout = StructLayout<T...>;
        const auto place = at(offset, Layout::size);
        if (!place)
            return std::unexpected{place.error()};
        [&]<size_t... i>(std::index_sequence<i...>) {
            (detail::store_number(place->data() + Layout::offsets[i], std::get<i>(values)), ...);
        }(std::index_sequence_for<T...>{});
        return {};
    }

    /// Reads numbers from `offset` on into `values`.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] std::expected<void, Trap> read_array(uint64_t offset, std::span<T> values) const noexcept {
        const auto place = at(offset, values.size_bytes());
        if (!place)
            return std::unexpected{place.error()};
        for (size_t i = 0; i < values.size(); ++i)
            values[i] = detail::load_number<T>(place->data() + i * sizeof(T));
        return {};
    }
    /// Writes numbers from `offset` on.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] std::expected<void, Trap> write_array(uint64_t offset,
                                                        std::span<const T> values) const noexcept {
        const auto place = at(offset, values.size_bytes());
        if (!place)
            return std::unexpected{place.error()};
        for (size_t i = 0; i < values.size(); ++i)
            detail::store_number(place->data() + i * sizeof(T), values[i]);
        return {};
    }

    // ---- Bytes and strings ----

    /// Reads bytes from `offset` on into `bytes`.
    [[nodiscard]] std::expected<void, Trap> read_bytes(uint64_t offset,
                                                       std::span<uint8_t> bytes) const noexcept {
        return read_array(offset, bytes);
    }
    /// Writes bytes from `offset` on.
    [[nodiscard]] std::expected<void, Trap> write_bytes(uint64_t offset,
                                                        std::span<const uint8_t> bytes) const noexcept {
        return write_array(offset, bytes);
    }
    /// Writes the same byte `size` times.
    [[nodiscard]] std::expected<void, Trap> fill(uint64_t offset, uint64_t size, uint8_t byte) const noexcept;

    /// A copy of `length` bytes, in memory from the engine's allocator. They need not be UTF-8. Additional
    /// errors: `limit` if there are more than `max_length` (then nothing is allocated); `out_of_memory`.
    [[nodiscard]] std::expected<Vec<char>, Trap> read_string(uint64_t offset, uint64_t length,
                                                             size_t max_length) const noexcept;
    /// A copy of the bytes before the first NUL. At most `max_length` + 1 bytes are read. Additional errors:
    /// `memory_out_of_bounds` if the view ends before a NUL; `limit` if these bytes contain no NUL;
    /// `out_of_memory`.
    [[nodiscard]] std::expected<Vec<char>, Trap> read_c_string(uint64_t offset,
                                                               size_t max_length) const noexcept;
    /// Writes the text.
    [[nodiscard]] std::expected<void, Trap> write_string(uint64_t offset,
                                                         std::string_view text) const noexcept;
    /// Writes the text and a NUL after it.
    [[nodiscard]] std::expected<void, Trap> write_c_string(uint64_t offset,
                                                           std::string_view text) const noexcept;

    /// Passes the bytes [offset, offset + size) to `take(std::span<const uint8_t>)` in pieces, each of which
    /// is copied into `buffer` (which must not be empty) first. This is for sizes chosen by the guest. `take`
    /// may run code of the store. It returns a std::expected<void, Trap>, whose error stops the reading.
    template <typename Take>
    [[nodiscard]] std::expected<void, Trap> read_chunks(uint64_t offset, uint64_t size,
                                                        std::span<uint8_t> buffer, Take&& take) const
        noexcept(noexcept(take(buffer))) {
        if (const auto whole = at(offset, size); !whole)
            return std::unexpected{whole.error()};
        while (size != 0) {
            const auto piece = buffer.first(static_cast<size_t>(std::min<uint64_t>(size, buffer.size())));
            if (auto read = read_bytes(offset, piece); !read)
                return read;
            if (std::expected<void, Trap> taken = take(std::span<const uint8_t>{piece}); !taken)
                return taken;
            offset += piece.size();
            size -= piece.size();
        }
        return {};
    }

private:
    friend class GuestBuffer;
    static constexpr uint64_t all = UINT64_MAX;
    /// The word for the view in messages.
    [[nodiscard]] const char* kind() const noexcept { return size_ == all ? "memory" : "view"; }
    MemoryView(Memory memory, uint64_t address, uint64_t size) noexcept
        : memory_{memory}, address_{address}, size_{size} {}

    Memory memory_;
    uint64_t address_ = 0;
    uint64_t size_;
};

} // namespace warpbeam
