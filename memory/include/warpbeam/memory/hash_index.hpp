#pragma once

#include <warpbeam/memory/vec.hpp>

#include <cstdint>

namespace warpbeam {

/// A hash table of positions in a separate array: for each element it stores the hash and the position, and
/// the caller compares. Open addressing, at most half full. Thread-safety: none; one thread at a time, but
/// any number may call const functions at once.
class HashIndex {
public:
    /// There is no such element.
    static constexpr uint32_t npos = UINT32_MAX;

    /// Takes its memory from `allocator`, which must outlive it.
    explicit HashIndex(Allocator& allocator = Allocator::standard()) noexcept : cells_{allocator} {}

    /// The position of an element with this hash for which `equals(position)` holds, or `npos`.
    template <typename Equals>
    [[nodiscard]] uint32_t find(uint32_t hash, Equals&& equals) const noexcept {
        if (cells_.empty())
            return npos;
        for (size_t i = hash & mask(); cells_[i].position != npos; i = (i + 1) & mask())
            if (cells_[i].hash == hash && equals(cells_[i].position))
                return cells_[i].position;
        return npos;
    }

    /// Adds an element, which must not be there yet; false if memory runs out.
    [[nodiscard]] bool insert(uint32_t hash, uint32_t position) noexcept {
        if ((count_ + 1) * 2 > cells_.size() && !grow())
            return false;
        place(cells_, {hash, position});
        ++count_;
        return true;
    }

    /// How many elements there are.
    [[nodiscard]] size_t size() const noexcept { return count_; }

private:
    struct Cell {
        uint32_t hash = 0;
        uint32_t position = npos;
    };

    [[nodiscard]] size_t mask() const noexcept { return cells_.size() - 1; }

    static void place(Vec<Cell>& cells, Cell cell) noexcept {
        const size_t mask = cells.size() - 1;
        size_t i = cell.hash & mask;
        while (cells[i].position != npos)
            i = (i + 1) & mask;
        cells[i] = cell;
    }

    bool grow() noexcept {
        Vec<Cell> fresh{cells_.allocator()};
        if (!fresh.resize(cells_.empty() ? 16 : cells_.size() * 2))
            return false;
        for (const Cell& cell : cells_)
            if (cell.position != npos)
                place(fresh, cell);
        cells_ = std::move(fresh);
        return true;
    }

    Vec<Cell> cells_;
    size_t count_ = 0;
};

} // namespace warpbeam
