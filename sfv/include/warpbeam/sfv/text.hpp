#pragma once

#include <warpbeam/sfv/export.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace warpbeam::sfv {

/// A string that owns its characters or bytes, less than 4 GiB of them. Up to 19 bytes are stored in the
/// object itself; longer strings are allocated with the nothrow operator new. If memory runs out, functions
/// return false or null and leave the text unchanged.
class WARPBEAM_SFV_API Text {
public:
    static constexpr size_t inline_capacity = 19;  ///< bytes that need no allocation
    static constexpr size_t max_size = UINT32_MAX; ///< the largest possible size

    Text() noexcept = default;
    Text(Text&& other) noexcept : rep_{std::exchange(other.rep_, Rep{})} {}
    Text& operator=(Text&& other) noexcept {
        std::swap(rep_, other.rep_);
        return *this;
    }
    ~Text() {
        if (rep_.on_heap)
            release();
    }

    /// @{ A view of the text, valid until the text changes.
    [[nodiscard]] std::string_view view() const noexcept { return {data(), rep_.size}; }
    operator std::string_view() const noexcept { return view(); }
    /// @}
    /// @{ Like the functions of std::string_view.
    [[nodiscard]] const char* data() const noexcept { return rep_.on_heap ? heap() : rep_.small; }
    [[nodiscard]] size_t size() const noexcept { return rep_.size; }
    /// @}

    /// Becomes a copy of `text`, which may be part of this object.
    [[nodiscard]] bool assign(std::string_view text) noexcept {
        Text copy;
        if (!copy.copy_from(text))
            return false;
        *this = std::move(copy);
        return true;
    }
    /// The same, but faster, for characters that are not part of this object.
    [[nodiscard]] bool copy_from(std::string_view text) noexcept {
        char* const to = prepare(text.size());
        if (to == nullptr)
            return false;
        if (text.size() <= inline_capacity)
            copy_small(to, text.data(), text.size());
        else
            std::memcpy(to, text.data(), text.size());
        return true;
    }
    /// Drops the contents and returns space for `size` bytes, which the caller then fills.
    [[nodiscard]] char* prepare(size_t size) noexcept {
        if (size > inline_capacity)
            return prepare_heap(size);
        if (rep_.on_heap)
            release();
        rep_.on_heap = false;
        rep_.size = static_cast<uint32_t>(size);
        return rep_.small;
    }
    /// Drops everything after the first `size` bytes, which must exist.
    void truncate(size_t size) noexcept { rep_.size = static_cast<uint32_t>(size); }

    /// Whether the bytes are the same.
    friend bool operator==(const Text& a, const Text& b) noexcept { return a.view() == b.view(); }

private:
    /// If the text is not in `small`, the address of its block is, at `address_at`.
    struct Rep {
        uint32_t size = 0;
        char small[inline_capacity];
        bool on_heap = false;
    };
    static constexpr size_t address_at = 4; ///< an offset in `small` that aligns the address

    [[nodiscard]] char* heap() const noexcept {
        char* address = nullptr;
        std::memcpy(&address, rep_.small + address_at, sizeof address);
        return address;
    }
    static void copy_small(char* to, const char* from, size_t size) noexcept {
        // Overlapping copies of fixed sizes, which are faster than a call of memcpy.
        if (size >= 8) {
            if (size > 16)
                std::memcpy(to + 8, from + 8, 8);
            char last[8];
            std::memcpy(last, from + size - 8, 8);
            std::memcpy(to, from, 8);
            std::memcpy(to + size - 8, last, 8);
        } else if (size >= 4) {
            std::memcpy(to, from, 4);
            std::memcpy(to + size - 4, from + size - 4, 4);
        } else if (size != 0) {
            to[0] = from[0];
            to[size / 2] = from[size / 2];
            to[size - 1] = from[size - 1];
        }
    }
    char* prepare_heap(size_t size) noexcept;
    void release() noexcept;

    Rep rep_;
};

} // namespace warpbeam::sfv
