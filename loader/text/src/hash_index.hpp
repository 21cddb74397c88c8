#pragma once

#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <span>

namespace warpbeam::text {

/// Finds elements of an array by their hash; the array itself is elsewhere, and only positions are kept here.
class HashIndex {
public:
    static constexpr uint32_t none = UINT32_MAX;

    explicit HashIndex(Allocator& allocator) noexcept : slots_{allocator} {}

    /// The position with this hash for which `is_it(position)` holds.
    template <typename IsIt>
    [[nodiscard]] uint32_t find(uint32_t hash, IsIt is_it) const noexcept {
        if (slots_.empty())
            return none;
        const size_t mask = slots_.size() - 1;
        for (size_t i = hash & mask; slots_[i].position != none; i = (i + 1) & mask)
            if (slots_[i].hash == hash && is_it(slots_[i].position))
                return slots_[i].position;
        return none;
    }

    /// False when there is no memory.
    [[nodiscard]] bool insert(uint32_t hash, uint32_t position) noexcept {
        if (2 * (count_ + 1) > slots_.size() && !grow())
            return false;
        put({hash, position});
        ++count_;
        return true;
    }

private:
    struct Slot {
        uint32_t hash = 0;
        uint32_t position = none;
    };

    bool grow() noexcept {
        Vec<Slot> old = std::move(slots_);
        slots_ = Vec<Slot>{old.allocator()};
        if (!slots_.resize(old.empty() ? 64 : old.size() * 2)) {
            slots_ = std::move(old);
            return false;
        }
        for (const Slot& slot : old)
            if (slot.position != none)
                put(slot);
        return true;
    }
    void put(Slot slot) noexcept {
        const size_t mask = slots_.size() - 1;
        size_t i = slot.hash & mask;
        while (slots_[i].position != none)
            i = (i + 1) & mask;
        slots_[i] = slot;
    }

    Vec<Slot> slots_;
    size_t count_ = 0;
};

/// FNV-1a with a final mix, since tables are indexed by the low bits.
constexpr uint32_t hash_of(std::span<const uint8_t> bytes, uint64_t hash = 0xcbf2'9ce4'8422'2325) noexcept {
    for (const uint8_t byte : bytes)
        hash = (hash ^ byte) * 0x100'0000'01b3;
    return static_cast<uint32_t>(hash ^ hash >> 32);
}
constexpr uint32_t hash_of(uint64_t value) noexcept {
    value *= 0x9e37'79b9'7f4a'7c15;
    return static_cast<uint32_t>(value >> 32 ^ value >> 13);
}

} // namespace warpbeam::text
