#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/shared_memory.hpp>
#include <warpbeam/vm/store.hpp>

#include <array>
#include <bit>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace warpbeam {

namespace vm {
struct MemoryInst;
}

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

/// A linear memory: a handle, valid as long as its store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#memory-instances
///
/// Addresses are byte offsets from the start of the memory. Access is checked: what lies outside is refused
/// as a whole. Code of the store may grow a memory whenever it runs, which can move it; so spans into a
/// memory are valid only until the next call into WebAssembly or growth. A shared memory never moves; other
/// threads may use it at the same time (see SharedMemory), so that `load` and `store` may see and leave
/// mixtures.
class WARPBEAM_API Memory : public detail::Handle<vm::MemoryInst> {
public:
    /// Makes a memory of `type.limits.min` pages of zeros. Errors: `limit` when the store's limits or the
    /// address space do not allow it, `out_of_memory`, `usage` for a type that no module could declare.
    [[nodiscard]] static std::expected<Memory, Error> create(Store& store, const MemoryType& type) noexcept;

    /// Puts a shared memory into a store, which then shares its ownership. Errors: `limit` when the store's
    /// limits do not allow its largest size, `out_of_memory`.
    [[nodiscard]] static std::expected<Memory, Error> create(Store& store,
                                                             const SharedMemory& memory) noexcept;
    /// The memory for other stores; none when it is not shared.
    [[nodiscard]] std::optional<SharedMemory> shared() const noexcept;

    /// The type; its minimum is the present size, as linking demands.
    [[nodiscard]] MemoryType type() const noexcept;
    /// The present size in bytes.
    [[nodiscard]] uint64_t size() const noexcept;
    /// The present size in pages of the memory's type.
    [[nodiscard]] uint64_t pages() const noexcept;
    /// Grows by `pages`, filled with zeros; returns the old size in pages. Error: `limit`, when the type's
    /// maximum, the store's limits or the available memory do not allow it.
    [[nodiscard]] std::expected<uint64_t, Error> grow(uint64_t pages) const noexcept;

    /// All bytes.
    [[nodiscard]] std::span<uint8_t> data() const noexcept;
    /// The bytes [address, address + size); none when a part of that lies outside.
    [[nodiscard]] std::optional<std::span<uint8_t>> view(uint64_t address, uint64_t size) const noexcept {
        const std::span<uint8_t> all = data();
        if (address > all.size() || size > all.size() - address)
            return std::nullopt;
        return all.subspan(static_cast<size_t>(address), static_cast<size_t>(size));
    }
    /// Reads a number (little-endian, unaligned); none when it lies outside.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] std::optional<T> load(uint64_t address) const noexcept {
        const auto bytes = view(address, sizeof(T));
        if (!bytes)
            return std::nullopt;
        return detail::load_number<T>(bytes->data());
    }
    /// Writes a number (little-endian, unaligned); false, and nothing written, when it lies outside.
    template <typename T>
        requires std::is_arithmetic_v<T>
    [[nodiscard]] bool store(uint64_t address, T value) const noexcept {
        const auto bytes = view(address, sizeof(T));
        if (!bytes)
            return false;
        detail::store_number(bytes->data(), value);
        return true;
    }
};

} // namespace warpbeam
