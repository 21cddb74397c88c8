#include "store/use.hpp"

#include <warpbeam/vm/memory_view.hpp>

#include <algorithm>
#include <cinttypes>

namespace warpbeam {
namespace {

/// A number as text, also as a negative one if it may have been one.
struct Named {
    explicit Named(uint64_t number) noexcept {
        if (number > INT64_MAX)
            std::snprintf(text, sizeof text, "%" PRIu64 " (%" PRId64 ")", number,
                          static_cast<int64_t>(number));
        else
            std::snprintf(text, sizeof text, "%" PRIu64, number);
    }
    char text[48];
};

/// The allocator for messages about a memory.
Allocator& allocator_of(const Memory& memory) noexcept {
    const vm::Use use{memory};
    return use ? vm::Internal::inst(memory)->store->allocator() : Allocator::standard();
}

std::unexpected<Trap> outside(const Memory& memory, uint64_t offset, uint64_t size, const char* what,
                              uint64_t limit) noexcept {
    return std::unexpected{
        Trap::with_message(allocator_of(memory), TrapCode::memory_out_of_bounds,
                           "out of bounds memory access: %s byte%s at offset %s, the %s has %" PRIu64,
                           Named{size}.text, size == 1 ? "" : "s", Named{offset}.text, what, limit)};
}

/// `than` is "more than " if only a lower bound of the length is known.
std::unexpected<Trap> too_long(const Memory& memory, uint64_t offset, const char* than, uint64_t length,
                               size_t max_length, const char* what, uint64_t size) noexcept {
    return std::unexpected{Trap::with_message(
        allocator_of(memory), TrapCode::limit,
        "string too long: %s%s byte%s at offset %s (the limit is %zu); the %s has %" PRIu64, than,
        Named{length}.text, length == 1 ? "" : "s", Named{offset}.text, max_length, what, size)};
}

} // namespace

std::expected<std::span<uint8_t>, Trap> MemoryView::at(uint64_t offset, uint64_t size) const noexcept {
    const std::span<uint8_t> bytes = memory_.data();
    const uint64_t own = size_ == all ? bytes.size() : size_;
    if (offset > own || size > own - offset)
        return outside(memory_, offset, size, kind(), own);
    // The view was inside when it was made, but a memory can be reset to a smaller size.
    const uint64_t start = address_ + offset;
    if (start > bytes.size() || size > bytes.size() - start)
        return outside(memory_, start, size, "memory", bytes.size());
    return bytes.subspan(static_cast<size_t>(start), static_cast<size_t>(size));
}

std::expected<MemoryView, Trap> MemoryView::slice(uint64_t offset, uint64_t size) const noexcept {
    if (const auto place = at(offset, size); !place)
        return std::unexpected{place.error()};
    return MemoryView{memory_, address_ + offset, size};
}

std::expected<void, Trap> MemoryView::fill(uint64_t offset, uint64_t size, uint8_t byte) const noexcept {
    const auto place = at(offset, size);
    if (!place)
        return std::unexpected{place.error()};
    std::fill(place->begin(), place->end(), byte);
    return {};
}

std::expected<Vec<char>, Trap> MemoryView::read_string(uint64_t offset, uint64_t length,
                                                       size_t max_length) const noexcept {
    const auto place = at(offset, length);
    if (!place)
        return std::unexpected{place.error()};
    if (length > max_length)
        return too_long(memory_, offset, "", length, max_length, kind(), size());
    Vec<char> text{allocator_of(memory_)};
    if (!text.append({reinterpret_cast<const char*>(place->data()), place->size()}))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    return text;
}

std::expected<Vec<char>, Trap> MemoryView::read_c_string(uint64_t offset, size_t max_length) const noexcept {
    if (offset > size())
        return outside(memory_, offset, 1, kind(), size());
    const uint64_t rest = size() - offset;
    const bool cut = rest > max_length;
    const auto place = at(offset, cut ? uint64_t{max_length} + 1 : rest);
    if (!place)
        return std::unexpected{place.error()};
    const auto* const begin = reinterpret_cast<const char*>(place->data());
    const void* const nul = place->empty() ? nullptr : std::memchr(begin, 0, place->size());
    if (nul == nullptr && cut)
        return too_long(memory_, offset, "more than ", max_length, max_length, kind(), size());
    if (nul == nullptr)
        return std::unexpected{Trap::with_message(
            allocator_of(memory_), TrapCode::memory_out_of_bounds,
            "out of bounds memory access: the string at offset %s is not terminated within %" PRIu64
            " byte%s, the %s has %" PRIu64,
            Named{offset}.text, rest, rest == 1 ? "" : "s", kind(), size())};
    Vec<char> text{allocator_of(memory_)};
    const auto length = static_cast<size_t>(static_cast<const char*>(nul) - begin);
    if (!text.append({begin, length}))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    return text;
}

std::expected<void, Trap> MemoryView::write_string(uint64_t offset, std::string_view text) const noexcept {
    const auto place = at(offset, text.size());
    if (!place)
        return std::unexpected{place.error()};
    std::copy(text.begin(), text.end(), place->begin());
    return {};
}

std::expected<void, Trap> MemoryView::write_c_string(uint64_t offset, std::string_view text) const noexcept {
    const auto place = at(offset, text.size() + 1);
    if (!place)
        return std::unexpected{place.error()};
    std::copy(text.begin(), text.end(), place->begin());
    place->back() = 0;
    return {};
}

} // namespace warpbeam
