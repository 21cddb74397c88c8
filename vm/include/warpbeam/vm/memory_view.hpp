#pragma once

#include <warpbeam/memory/export.hpp>
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

/// The bytes of a number, from host order to little-endian or back.
template <size_t size>
std::array<uint8_t, size> little_endian(std::array<uint8_t, size> raw) noexcept {
    if constexpr (std::endian::native == std::endian::big)
        for (size_t i = 0; i < size / 2; ++i)
            std::swap(raw[i], raw[size - 1 - i]);
    return raw;
}
/// Numbers as they lie in a memory: little-endian, unaligned.
template <typename T>
T load_number(const uint8_t* from) noexcept {
    std::array<uint8_t, sizeof(T)> raw;
    std::memcpy(raw.data(), from, sizeof(T));
    raw = little_endian(raw);
    if constexpr (std::is_same_v<T, bool>)
        return raw[0] != 0;
    else
        return std::bit_cast<T>(raw);
}
template <typename T>
void store_number(uint8_t* to, T value) noexcept {
    const auto raw = little_endian(std::bit_cast<std::array<uint8_t, sizeof(T)>>(value));
    std::memcpy(to, raw.data(), sizeof(T));
}

} // namespace detail

/// How a C compiler for WebAssembly lays out a struct of these members: each at a multiple of its size.
template <typename... T>
    requires(std::is_arithmetic_v<T> && ...)
struct StructLayout {
    static constexpr size_t count = sizeof...(T); ///< of the members
    /// Of each member in bytes.
    static constexpr std::array<size_t, count> offsets = [] {
        std::array<size_t, count> result{};
        size_t end = 0;
        size_t i = 0;
        ((end = (end + sizeof(T) - 1) / sizeof(T) * sizeof(T), result[i++] = end, end += sizeof(T)), ...);
        return result;
    }();
    static constexpr size_t alignment = std::max({size_t{1}, sizeof(T)...}); ///< of an array of such structs
    /// In bytes, with what fills up the last member for an array of such structs.
    static constexpr size_t size = [] {
        size_t end = 0;
        ((end = (end + sizeof(T) - 1) / sizeof(T) * sizeof(T) + sizeof(T)), ...);
        return (end + alignment - 1) / alignment * alignment;
    }();
};

/// A range of a linear memory that the host reads and writes: nothing but a memory, an address and a size, so
/// it holds no pointer that could go stale. Every access looks at the memory as it is at that moment; growth,
/// also one that moves the bytes, does no harm, and a memory that became smaller (Instance::reset) is
/// noticed. A small copyable value, valid as long as the store.
///
/// Offsets count from the beginning of the view. An access that is not wholly inside is refused as a whole,
/// with nothing read or written; offsets and sizes may be any number, also what a negative one converts to.
/// The error is a Trap with the code `memory_out_of_bounds` whose message names offset, size and the view's
/// size, so that a host function can hand it on as it is.
///
/// Numbers are little-endian and need no alignment.
/// https://webassembly.github.io/spec/core/exec/runtime.html#memory-instances
///
/// Thread-safety: that of the store. Other threads may write to a shared memory meanwhile: what was copied
/// out stays as it is, what is seen in place need not.
class WARPBEAM_API MemoryView {
public:
    /// All of a memory; its size is the memory's whenever it is asked for.
    explicit MemoryView(Memory memory) noexcept : memory_{memory}, size_{all} {}
    /// The bytes [address, address + size). Error: they are not all there.
    [[nodiscard]] static std::expected<MemoryView, Trap> of(Memory memory, uint64_t address,
                                                            uint64_t size) noexcept {
        return MemoryView{memory}.slice(address, size);
    }

    /// The memory that it is a view of.
    [[nodiscard]] Memory memory() const noexcept { return memory_; }
    /// Where the view begins in the memory.
    [[nodiscard]] uint64_t address() const noexcept { return address_; }
    /// In bytes.
    [[nodiscard]] uint64_t size() const noexcept { return size_ == all ? memory_.size() : size_; }

    /// The bytes [offset, offset + size) of this view.
    [[nodiscard]] std::expected<MemoryView, Trap> slice(uint64_t offset, uint64_t size) const noexcept;
    /// The bytes in place. The span is a plain pointer: use it before code of the store runs again.
    [[nodiscard]] std::expected<std::span<uint8_t>, Trap> bytes() const noexcept { return at(0, size()); }
    /// The bytes [offset, offset + size) in place, under the same condition.
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

    /// A struct of these members, as StructLayout has them: `read_struct<uint32_t, uint8_t, double>(at)`.
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
    /// Writes a struct of these members; the bytes between them stay.
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

    /// Fills `values` with the numbers from `offset` on.
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

    /// Fills `bytes` with those from `offset` on.
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

    /// A copy of `length` bytes, in memory of the engine's allocator. They are whatever the guest wrote,
    /// which need not be UTF-8. Error also: more than `max_length` (code `limit`; nothing is allocated then);
    /// `out_of_memory`.
    [[nodiscard]] std::expected<Vec<char>, Trap> read_string(uint64_t offset, uint64_t length,
                                                             size_t max_length) const noexcept;
    /// A copy of the bytes before the first NUL, which is not included. At most `max_length` + 1 bytes are
    /// looked at. Error also: the view ends before a NUL; no NUL among those bytes (code `limit`).
    [[nodiscard]] std::expected<Vec<char>, Trap> read_c_string(uint64_t offset,
                                                               size_t max_length) const noexcept;
    /// Writes the text.
    [[nodiscard]] std::expected<void, Trap> write_string(uint64_t offset,
                                                         std::string_view text) const noexcept;
    /// Writes the text and a NUL after it.
    [[nodiscard]] std::expected<void, Trap> write_c_string(uint64_t offset,
                                                           std::string_view text) const noexcept;

    /// Hands the bytes [offset, offset + size) to `take(std::span<const uint8_t>)` piece by piece, each
    /// copied into `buffer` (not empty) first: for sizes that the guest chose. `take` may run code of the
    /// store. It returns a std::expected<void, Trap>, whose error ends the reading.
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
    /// What a message calls it.
    [[nodiscard]] const char* kind() const noexcept { return size_ == all ? "memory" : "view"; }
    MemoryView(Memory memory, uint64_t address, uint64_t size) noexcept
        : memory_{memory}, address_{address}, size_{size} {}

    Memory memory_;
    uint64_t address_ = 0;
    uint64_t size_;
};

} // namespace warpbeam
