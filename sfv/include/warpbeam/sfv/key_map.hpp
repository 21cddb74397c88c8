#pragma once

#include <warpbeam/sfv/chars.hpp>
#include <warpbeam/sfv/error.hpp>
#include <warpbeam/sfv/sequence.hpp>
#include <warpbeam/sfv/text.hpp>

#include <optional>
#include <string_view>

namespace warpbeam::sfv {

/// Where keys are found in long maps: a hash table of their positions, seeded with its own address so that
/// nobody can choose keys which collide. Short maps are searched from end to end.
class KeyIndex {
public:
    static constexpr size_t threshold = 16; ///< the size of a map beyond which it has an index
    static constexpr uint32_t none = UINT32_MAX;

    KeyIndex() noexcept = default;
    KeyIndex(KeyIndex&& other) noexcept : table_{std::exchange(other.table_, nullptr)} {}
    KeyIndex& operator=(KeyIndex&& other) noexcept {
        std::swap(table_, other.table_);
        return *this;
    }
    ~KeyIndex() {
        if (table_ != nullptr)
            reset();
    }

    [[nodiscard]] bool exists() const noexcept { return table_ != nullptr; }
    /// Whether one more key can be added.
    [[nodiscard]] bool has_room() const noexcept;
    void reset() noexcept;
    /// Makes an empty table for at least that many keys; false when there is no memory, and then there is
    /// none.
    [[nodiscard]] bool make(size_t keys) noexcept;
    /// The position for which `is_at` says that the key is there; `none` when there is no such.
    template <typename IsAt>
    [[nodiscard]] uint32_t find(std::string_view key, const IsAt& is_at) const noexcept {
        for (size_t slot = first_slot(key);; slot = next_slot(slot)) {
            const uint32_t position = at(slot);
            if (position == none || is_at(position))
                return position;
        }
    }
    /// Adds a key that is not there yet; there must be room.
    void add(std::string_view key, uint32_t position) noexcept;

private:
    struct Table;
    [[nodiscard]] size_t first_slot(std::string_view key) const noexcept;
    [[nodiscard]] size_t next_slot(size_t slot) const noexcept;
    [[nodiscard]] uint32_t at(size_t slot) const noexcept;

    Table* table_ = nullptr;
};

/// An ordered map with keys of the RFC: what parameters and dictionaries are. A key that is set again keeps
/// its place and gets the new value. Pointers to values hold until the next insertion or removal.
template <typename T>
class KeyMap {
public:
    class Entry {
    public:
        Entry() noexcept = default;
        [[nodiscard]] std::string_view key() const noexcept { return key_.view(); }
        T value{};
        friend bool operator==(const Entry&, const Entry&) = default;

    private:
        friend class KeyMap;
        Text key_;
    };

    [[nodiscard]] size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] Entry* begin() noexcept { return entries_.begin(); }
    [[nodiscard]] Entry* end() noexcept { return entries_.end(); }
    [[nodiscard]] const Entry* begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] const Entry* end() const noexcept { return entries_.end(); }
    [[nodiscard]] Entry& operator[](size_t position) noexcept { return entries_[position]; }
    [[nodiscard]] const Entry& operator[](size_t position) const noexcept { return entries_[position]; }

    /// The value of a key; null when it is not there.
    [[nodiscard]] T* find(std::string_view key) noexcept {
        const uint32_t position = position_of(key);
        return position == KeyIndex::none ? nullptr : &entries_[position].value;
    }
    [[nodiscard]] const T* find(std::string_view key) const noexcept {
        return const_cast<KeyMap*>(this)->find(key);
    }
    /// Sets a key to a value and returns that. Refused: what is no key.
    [[nodiscard]] Result<T*> put(std::string_view key, T&& value) noexcept {
        if (!chars::is_key(key))
            return refuse(Reason::invalid_key);
        if (key.size() > Text::max_size)
            return refuse(Reason::too_long);
        Text copy; // since the key may be a part of this map, which is about to move
        T* const place = copy.copy_from(key) ? place_of(copy) : nullptr;
        if (place == nullptr)
            return refuse(Reason::out_of_memory);
        *place = std::move(value);
        return place;
    }
    /// Removes a key; false when it is not there.
    bool erase(std::string_view key) noexcept {
        const uint32_t position = position_of(key);
        if (position == KeyIndex::none)
            return false;
        entries_.erase(position);
        index_.reset(); // made again by the next insertion
        return true;
    }
    void clear() noexcept {
        entries_.clear();
        index_.reset();
    }

    friend bool operator==(const KeyMap& a, const KeyMap& b) noexcept { return a.entries_ == b.entries_; }

private:
    friend class Builder;

    [[nodiscard]] static bool equal(std::string_view a, std::string_view b) noexcept {
        // Keys of a field often begin alike and seldom end alike.
        return a.size() == b.size() && !a.empty() && a.back() == b.back() && a == b;
    }
    [[nodiscard]] uint32_t position_of(std::string_view key) const noexcept {
        if (index_.exists()) [[unlikely]]
            return index_.find(key, [&](uint32_t position) { return equal(entries_[position].key(), key); });
        for (size_t i = 0; i < entries_.size(); ++i)
            if (equal(entries_[i].key(), key))
                return static_cast<uint32_t>(i);
        return KeyIndex::none;
    }

    /// The value of a valid key, which is appended when it is not there; null when there is no memory. The
    /// key must not be a part of this map.
    [[nodiscard]] T* place_of(std::string_view key) noexcept {
        const uint32_t position = position_of(key);
        if (position != KeyIndex::none) [[unlikely]]
            return &entries_[position].value;
        if (entries_.size() >= KeyIndex::threshold && !index_.has_room() && !make_index()) [[unlikely]]
            return nullptr;
        Entry* const entry = entries_.emplace();
        if (entry == nullptr) [[unlikely]]
            return nullptr;
        if (!entry->key_.copy_from(key)) [[unlikely]] {
            entries_.pop();
            return nullptr;
        }
        if (index_.exists()) [[unlikely]]
            index_.add(key, static_cast<uint32_t>(entries_.size() - 1));
        return &entry->value;
    }

    [[nodiscard]] bool make_index() noexcept {
        if (!index_.make(entries_.size() * 4))
            return false;
        for (size_t i = 0; i < entries_.size(); ++i)
            index_.add(entries_[i].key(), static_cast<uint32_t>(i));
        return true;
    }

    Sequence<Entry> entries_;
    KeyIndex index_;
};

} // namespace warpbeam::sfv
