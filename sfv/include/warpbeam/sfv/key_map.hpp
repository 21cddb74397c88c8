#pragma once

#include <warpbeam/sfv/chars.hpp>
#include <warpbeam/sfv/error.hpp>
#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/sequence.hpp>
#include <warpbeam/sfv/text.hpp>
#include <warpbeam/sfv/types.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace warpbeam::sfv {

/// Finds keys in long maps: a hash table of their positions. It is seeded with its own address, so if
/// addresses are random an attacker can't choose keys that collide. Short maps are searched linearly.
class WARPBEAM_SFV_API KeyIndex {
public:
    static constexpr size_t threshold = 16;      ///< a longer map has an index
    static constexpr uint32_t none = UINT32_MAX; ///< the position of no key

    KeyIndex() noexcept = default;
    KeyIndex(KeyIndex&& other) noexcept : table_{std::exchange(other.table_, nullptr)} {}
    KeyIndex& operator=(KeyIndex&& other) noexcept {
        if (this != &other) {
            reset();
            table_ = std::exchange(other.table_, nullptr);
        }
        return *this;
    }
    ~KeyIndex() { reset(); }

    /// Whether there is a table.
    [[nodiscard]] bool exists() const noexcept { return table_ != nullptr; }
    /// Whether one more key fits.
    [[nodiscard]] bool has_room() const noexcept { return table_ != nullptr && table_->room != 0; }
    /// Gives the table back.
    void reset() noexcept {
        if (table_ != nullptr)
            release();
    }
    /// Makes an empty table for at least this number of keys; returns false and changes nothing if memory
    /// runs out.
    [[nodiscard]] bool make(size_t keys) noexcept;
    /// Removes all keys.
    void clear() noexcept;
    /// The hash of a key, with the seed of this table.
    [[nodiscard]] uint32_t hash(std::string_view key) const noexcept;
    /// An entry of the table.
    struct Slot {
        uint32_t position; ///< or `none`
        uint32_t hash;     ///< of the key
    };
    /// The slot whose position satisfies `is_at`, or where the position of a new key belongs.
    template <typename IsAt>
    [[nodiscard]] Slot& find(uint32_t hash, const IsAt& is_at) const noexcept {
        Slot* const slots = table_->slots();
        for (uint32_t i = hash & table_->mask;; i = (i + 1) & table_->mask)
            if (slots[i].position == none || (slots[i].hash == hash && is_at(slots[i].position)))
                return slots[i];
    }
    /// Adds a key where `find` did not find it; there must be room.
    void add(Slot& slot, uint32_t hash, size_t position) noexcept {
        slot = {static_cast<uint32_t>(position), hash};
        --table_->room;
    }
    /// Removes a key that is there; later keys move up by one.
    void erase(uint32_t hash, uint32_t position) noexcept;

private:
    /// At most half of the slots, which follow this object, are taken.
    struct Table {
        uint64_t seed;
        uint32_t mask;
        uint32_t room;
        [[nodiscard]] Slot* slots() noexcept { return reinterpret_cast<Slot*>(this + 1); }
    };
    void release() noexcept;

    Table* table_ = nullptr;
};

/// An ordered map with the RFC's keys: parameters and dictionaries. A key that is set again stays in place
/// and gets the new value. Pointers to values stay valid until the next insertion or removal, or until the
/// map is moved.
template <typename T, uint32_t inline_capacity = 0>
class KeyMap {
public:
    /// A key and its value.
    class Entry {
    public:
        Entry() noexcept = default;
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        /// The key.
        [[nodiscard]] std::string_view key() const noexcept { return key_.view(); }
        T value{}; ///< the value, which can be changed
        friend bool operator==(const Entry&, const Entry&) = default;

    private:
        friend class KeyMap;
        Text key_;
    };

    /// @{ The entries, as those of std::vector.
    [[nodiscard]] size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] Entry* begin() noexcept { return entries_.begin(); }
    [[nodiscard]] Entry* end() noexcept { return entries_.end(); }
    [[nodiscard]] const Entry* begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] const Entry* end() const noexcept { return entries_.end(); }
    [[nodiscard]] Entry& operator[](size_t position) noexcept { return entries_[position]; }
    [[nodiscard]] const Entry& operator[](size_t position) const noexcept { return entries_[position]; }
    /// @}

    /// @{ The value of a key, or null.
    [[nodiscard]] T* find(std::string_view key) noexcept {
        const uint32_t position = position_of(key);
        return position == KeyIndex::none ? nullptr : &entries_[position].value;
    }
    [[nodiscard]] const T* find(std::string_view key) const noexcept {
        return const_cast<KeyMap*>(this)->find(key);
    }
    /// @}
    /// Sets a key to a value, either of which may be part of this map, and returns the stored value. An
    /// invalid key is refused.
    [[nodiscard]] Result<T*> put(std::string_view key, T&& value, WriteOptions options = {}) noexcept {
        if (options.wide_keys ? !chars::is_wide_key(key) : !chars::is_key(key))
            return refuse(options.wide_keys ? Reason::invalid_wide_key : Reason::invalid_key);
        if (key.size() > Text::max_size)
            return refuse(Reason::too_long);
        Text own_key; // both are moved out of the map, whose elements are about to move
        if (!own_key.copy_from(key))
            return refuse(Reason::out_of_memory);
        T own_value{std::move(value)};
        T* const place = place_of(own_key, [&](Text& to) {
            to = std::move(own_key);
            return true;
        });
        if (place == nullptr) {
            value = std::move(own_value); // nothing has moved
            return refuse(Reason::out_of_memory);
        }
        *place = std::move(own_value);
        return place;
    }
    /// Removes a key; false if it is not there. This moves everything after it: use `erase_if` to remove
    /// many.
    bool erase(std::string_view key) noexcept {
        const uint32_t position = position_of(key);
        if (position == KeyIndex::none)
            return false;
        if (index_.exists())
            index_.erase(index_.hash(key), position);
        entries_.erase(position);
        return true;
    }
    /// Removes all entries for which `remove` returns true.
    template <typename Remove>
    void erase_if(Remove&& remove) {
        struct Indexing {
            KeyMap& map;
            ~Indexing() {
                if (map.index_.exists())
                    map.fill_index();
            }
        } indexing{*this}; // even if `remove` throws
        entries_.erase_if(remove);
    }
    /// Removes all entries.
    void clear() noexcept {
        entries_.clear();
        index_.reset();
    }

    /// Whether both have the same entries in the same order.
    friend bool operator==(const KeyMap& a, const KeyMap& b) noexcept { return a.entries_ == b.entries_; }

private:
    friend class Builder;

    [[nodiscard]] static bool equal(std::string_view a, std::string_view b) noexcept {
        // Keys of a field often begin alike but seldom end alike.
        return a.size() == b.size() && !a.empty() && a.back() == b.back() && a == b;
    }
    [[nodiscard]] KeyIndex::Slot& slot_of(std::string_view key, uint32_t hash) const noexcept {
        return index_.find(hash, [&](uint32_t position) { return equal(entries_[position].key(), key); });
    }
    [[nodiscard]] uint32_t position_of(std::string_view key) const noexcept {
        if (index_.exists()) [[unlikely]]
            return slot_of(key, index_.hash(key)).position;
        for (size_t i = 0; i < entries_.size(); ++i)
            if (equal(entries_[i].key(), key))
                return static_cast<uint32_t>(i);
        return KeyIndex::none;
    }

    /// The value of a valid key. If the key is not there, the value is appended and `set_key` sets the key;
    /// it returns false if memory runs out. Null if memory runs out; then nothing has moved. The key must not
    /// be part of this map.
    template <typename SetKey>
    [[nodiscard, gnu::always_inline]] T* place_of(std::string_view key, const SetKey& set_key) noexcept {
        if (entries_.size() >= KeyIndex::threshold || index_.exists()) [[unlikely]]
            return indexed_place_of(key, set_key);
        const uint32_t position = position_of(key);
        if (position != KeyIndex::none) [[unlikely]]
            return &entries_[position].value;
        return append(set_key);
    }
    template <typename SetKey>
    [[nodiscard, gnu::noinline]] T* indexed_place_of(std::string_view key, const SetKey& set_key) noexcept {
        if (!index_.has_room()) {
            if (!index_.make(std::max(entries_.size() * 2, entries_.capacity())))
                return nullptr;
            fill_index();
        }
        const uint32_t hash = index_.hash(key);
        KeyIndex::Slot& slot = slot_of(key, hash);
        if (slot.position != KeyIndex::none) [[unlikely]]
            return &entries_[slot.position].value;
        T* const place = append(set_key);
        if (place != nullptr)
            index_.add(slot, hash, entries_.size() - 1);
        return place;
    }
    template <typename SetKey>
    [[nodiscard, gnu::always_inline]] T* append(const SetKey& set_key) noexcept {
        Entry* const entry = entries_.emplace();
        if (entry == nullptr) [[unlikely]]
            return nullptr;
        if (!set_key(entry->key_)) [[unlikely]] {
            entries_.pop();
            return nullptr;
        }
        return &entry->value;
    }
    void fill_index() noexcept {
        index_.clear();
        for (size_t i = 0; i < entries_.size(); ++i) {
            const uint32_t hash = index_.hash(entries_[i].key());
            index_.add(index_.find(hash, [](uint32_t) { return false; }), hash, i);
        }
    }

    Sequence<Entry, inline_capacity> entries_;
    KeyIndex index_;
};

} // namespace warpbeam::sfv
