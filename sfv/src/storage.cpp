// Memory management of the documents' containers.

#include <warpbeam/sfv/key_map.hpp>
#include <warpbeam/sfv/text.hpp>
#include <warpbeam/sfv/wide_product.hpp>

#include <cstring>
#include <new>

namespace warpbeam::sfv {

char* Text::prepare_heap(size_t size) noexcept {
    if (size > max_size)
        return nullptr;
    char* const block = static_cast<char*>(::operator new(size, std::nothrow));
    if (block == nullptr)
        return nullptr;
    if (rep_.on_heap)
        release();
    std::memcpy(rep_.small + address_at, &block, sizeof block);
    rep_.size = static_cast<uint32_t>(size);
    rep_.on_heap = true;
    return block;
}

void Text::release() noexcept { ::operator delete(heap(), std::nothrow); }

namespace {

uint64_t mix(uint64_t a, uint64_t b) noexcept {
    const detail::WideProduct product = detail::wide_product(a, b);
    return product.low ^ product.high;
}

template <typename Word>
uint64_t load(const char* p) noexcept {
    Word word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

uint64_t hash(std::string_view key, uint64_t seed) noexcept {
    constexpr uint64_t odd = 0x9e3779b97f4a7c15; // the golden ratio
    const char* p = key.data();
    const size_t size = key.size();
    uint64_t state = seed ^ size * odd;
    // The last word overlaps the one before it.
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8)
            state = mix(state ^ load<uint64_t>(p + i), seed | odd);
        state ^= load<uint64_t>(p + size - 8);
    } else if (size >= 4) {
        state ^= load<uint32_t>(p) << 32 | load<uint32_t>(p + size - 4);
    } else if (size != 0) {
        state ^= load<uint8_t>(p) << 16 | load<uint8_t>(p + size / 2) << 8 | load<uint8_t>(p + size - 1);
    }
    return mix(mix(state, seed | odd), odd);
}

} // namespace

void KeyIndex::release() noexcept {
    ::operator delete(table_, std::nothrow);
    table_ = nullptr;
}

bool KeyIndex::make(size_t keys) noexcept {
    size_t slots = threshold * 2;
    while (slots < keys * 2)
        slots *= 2;
    if (slots > size_t{UINT32_MAX} / 2 || slots > (SIZE_MAX - sizeof(Table)) / sizeof(Slot))
        return false;
    void* const block = ::operator new(sizeof(Table) + slots * sizeof(Slot), std::nothrow);
    if (block == nullptr)
        return false;
    reset();
    const auto address = reinterpret_cast<uintptr_t>(block);
    table_ = ::new (block)
        Table{mix(address ^ 0x2545f4914f6cdd1d, 0xd6e8feb86659fd93), static_cast<uint32_t>(slots - 1), 0};
    clear();
    return true;
}

void KeyIndex::clear() noexcept {
    const size_t slots = size_t{table_->mask} + 1;
    std::memset(static_cast<void*>(table_->slots()), 0xff, slots * sizeof(Slot));
    table_->room = static_cast<uint32_t>(slots / 2);
}

uint32_t KeyIndex::hash(std::string_view key) const noexcept {
    return static_cast<uint32_t>(sfv::hash(key, table_->seed));
}

void KeyIndex::erase(uint32_t hash, uint32_t position) noexcept {
    const uint32_t mask = table_->mask;
    Slot* const slots = table_->slots();
    uint32_t gap = hash & mask;
    while (slots[gap].position != position)
        gap = (gap + 1) & mask;
    // Entries that were pushed past this slot move closer to their place.
    for (uint32_t slot = (gap + 1) & mask; slots[slot].position != none; slot = (slot + 1) & mask) {
        const uint32_t distance = (slot - slots[slot].hash) & mask;
        if (distance >= ((slot - gap) & mask)) {
            slots[gap] = slots[slot];
            gap = slot;
        }
    }
    slots[gap].position = none;
    ++table_->room;
    for (size_t i = 0; i <= mask; ++i)
        if (slots[i].position != none && slots[i].position > position)
            --slots[i].position;
}

} // namespace warpbeam::sfv
