#pragma once

#include <warpbeam/wasi/file.hpp>

#include <algorithm>

namespace warpbeam::wasi {

/// An entry of a directory in memory.
struct MemoryEntry {
    Vec<char> name;
    Ref<File> node; ///< null: the entry of the directory below is gone
    [[nodiscard]] std::string_view view() const noexcept { return {name.data(), name.size()}; }
};

/// The entries of a directory, sorted by name. They lie in blocks of a limited size, so that one that is
/// added or removed moves few others, wherever its place is.
class MemoryEntries {
public:
    explicit MemoryEntries(Allocator& allocator) noexcept : blocks_{allocator} {}

    [[nodiscard]] size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// The last one; there must be one.
    [[nodiscard]] const MemoryEntry& back() const noexcept { return blocks_.back().back(); }
    /// The entry of that name; null if there is none. Valid until one is added or removed.
    [[nodiscard]] MemoryEntry* find(std::string_view name) noexcept;
    /// Adds an entry whose name is not there. False without memory; nothing is changed then.
    [[nodiscard]] bool add(MemoryEntry entry) noexcept;
    /// Removes an entry, which is there.
    void remove(std::string_view name) noexcept;
    /// Removes the last entry.
    void pop() noexcept;

    /// Calls `visit` with each in turn, until it returns false; whether it never did.
    template <typename Visit>
    bool all_of(Visit visit) const noexcept {
        return std::ranges::all_of(blocks_,
                                   [&](const Block& block) { return std::ranges::all_of(block, visit); });
    }

private:
    using Block = Vec<MemoryEntry>;
    static constexpr size_t max_block = 128;

    [[nodiscard]] size_t block_of(std::string_view name) const noexcept;
    [[nodiscard]] static MemoryEntry* place_in(Block& block, std::string_view name) noexcept {
        return std::ranges::lower_bound(block, name, {}, &MemoryEntry::view);
    }
    [[nodiscard]] bool split(size_t at, size_t keep) noexcept;

    Vec<Block> blocks_; ///< none is empty
    size_t size_ = 0;
};

} // namespace warpbeam::wasi
