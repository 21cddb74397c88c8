// What the containers of documents do with memory.

#include <warpbeam/sfv/key_map.hpp>
#include <warpbeam/sfv/text.hpp>

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

/// A header, then the slots: positions, or `none`. At most half of them are taken.
struct KeyIndex::Table {
    size_t mask;
    size_t room;
    uint64_t seed;

    [[nodiscard]] uint32_t* slots() noexcept { return reinterpret_cast<uint32_t*>(this + 1); }
};

namespace {

uint64_t mix(uint64_t a, uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
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

bool KeyIndex::has_room() const noexcept { return table_ != nullptr && table_->room != 0; }

void KeyIndex::reset() noexcept {
    ::operator delete(table_, std::nothrow);
    table_ = nullptr;
}

bool KeyIndex::make(size_t keys) noexcept {
    reset();
    size_t slots = threshold * 2;
    while (slots < keys * 2)
        slots *= 2;
    void* const block = ::operator new(sizeof(Table) + slots * sizeof(uint32_t), std::nothrow);
    if (block == nullptr)
        return false;
    table_ = ::new (block) Table{slots - 1, slots / 2, 0};
    const auto address = reinterpret_cast<uintptr_t>(block);
    table_->seed = mix(address ^ 0x2545f4914f6cdd1d, 0xd6e8feb86659fd93);
    std::memset(table_->slots(), 0xff, slots * sizeof(uint32_t));
    return true;
}

size_t KeyIndex::first_slot(std::string_view key) const noexcept {
    return hash(key, table_->seed) & table_->mask;
}

size_t KeyIndex::next_slot(size_t slot) const noexcept { return (slot + 1) & table_->mask; }

uint32_t KeyIndex::at(size_t slot) const noexcept { return table_->slots()[slot]; }

void KeyIndex::add(std::string_view key, uint32_t position) noexcept {
    size_t slot = first_slot(key);
    while (at(slot) != none)
        slot = next_slot(slot);
    table_->slots()[slot] = position;
    --table_->room;
}

} // namespace warpbeam::sfv
