#include "memory_entries.hpp"

namespace warpbeam::wasi {

/// The block in which a name is, or has its place. There must be one.
size_t MemoryEntries::block_of(std::string_view name) const noexcept {
    const Block* const after = std::ranges::upper_bound(
        blocks_, name, {}, [](const Block& block) noexcept { return block[0].view(); });
    return after == blocks_.begin() ? 0 : static_cast<size_t>(after - blocks_.begin()) - 1;
}

MemoryEntry* MemoryEntries::find(std::string_view name) noexcept {
    if (blocks_.empty())
        return nullptr;
    Block& block = blocks_[block_of(name)];
    MemoryEntry* const place = place_in(block, name);
    return place != block.end() && place->view() == name ? place : nullptr;
}

bool MemoryEntries::add(MemoryEntry entry) noexcept {
    if (blocks_.empty() && !blocks_.push(Block{blocks_.allocator()}))
        return false;
    const std::string_view name = entry.view();
    size_t at = blocks_.size() == 1 && blocks_[0].empty() ? 0 : block_of(name);
    size_t place = static_cast<size_t>(place_in(blocks_[at], name) - blocks_[at].begin());
    if (blocks_[at].size() == max_block) {
        // Names that come in order fill their blocks, and not half of them.
        const size_t keep = place == max_block && at + 1 == blocks_.size() ? max_block : max_block / 2;
        if (!split(at, keep))
            return false;
        if (place > keep || keep == max_block) {
            ++at;
            place -= keep;
        }
    }
    Block& block = blocks_[at];
    if (!block.push(std::move(entry))) {
        if (block.empty())
            blocks_.pop();
        return false;
    }
    std::rotate(block.begin() + place, block.end() - 1, block.end());
    ++size_;
    return true;
}

/// Moves what follows the first `keep` entries of a block to a new one after it, which is empty if these are
/// all, and has room. False without memory; nothing is changed then.
bool MemoryEntries::split(size_t at, size_t keep) noexcept {
    Block upper{blocks_.allocator()};
    if (!upper.reserve(max_block) || !blocks_.push(std::move(upper)))
        return false;
    Block& made = blocks_.back();
    for (size_t i = keep; i < blocks_[at].size(); ++i)
        (void)made.push(std::move(blocks_[at][i]));
    blocks_[at].truncate(keep);
    std::rotate(blocks_.begin() + at + 1, blocks_.end() - 1, blocks_.end());
    return true;
}

void MemoryEntries::remove(std::string_view name) noexcept {
    const size_t at = block_of(name);
    Block& block = blocks_[at];
    MemoryEntry* const place = place_in(block, name);
    std::rotate(place, place + 1, block.end());
    block.pop();
    --size_;
    if (block.empty()) {
        std::rotate(blocks_.begin() + at, blocks_.begin() + at + 1, blocks_.end());
        blocks_.pop();
    } else if (block.size() <= block.capacity() / 4) {
        block.shrink_to_fit(); // or few entries would keep much more memory than the quota counts
    }
}

void MemoryEntries::pop() noexcept {
    blocks_.back().pop();
    --size_;
    if (blocks_.back().empty())
        blocks_.pop();
}

} // namespace warpbeam::wasi
