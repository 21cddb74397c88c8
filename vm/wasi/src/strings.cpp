#include "functions.hpp"

#include <algorithm>

namespace warpbeam::wasi {

std::expected<void, Error> StringList::add(std::string_view head, std::string_view separator,
                                           std::string_view tail) noexcept {
    const std::string_view parts[] = {head, separator, tail};
    size_t size = 1;
    for (const std::string_view part : parts) {
        if (part.find('\0') != std::string_view::npos)
            return std::unexpected{Error{ErrorCode::usage, "a string for WASI contains a zero byte"}};
        size += part.size();
    }
    if (size > UINT32_MAX - bytes_.size())
        return std::unexpected{Error{ErrorCode::limit, "the strings for WASI exceed 4 GiB"}};
    if (!bytes_.reserve(bytes_.size() + size) || !starts_.push(static_cast<uint32_t>(bytes_.size())))
        return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for WASI strings"}};
    for (const std::string_view part : parts)
        (void)bytes_.append({reinterpret_cast<const uint8_t*>(part.data()), part.size()});
    (void)bytes_.push(0);
    return {};
}

namespace {

Errno get_sizes(const StringList& strings, const MemoryView& memory, uint32_t count, uint32_t size) noexcept {
    if (!memory.at(count, sizeof(uint32_t)) || !memory.at(size, sizeof(uint32_t)))
        return Errno::fault;
    (void)memory.write(count, static_cast<uint32_t>(strings.starts().size()));
    (void)memory.write(size, static_cast<uint32_t>(strings.bytes().size()));
    return Errno::success;
}

/// Writes the strings to `buffer` and a pointer to each to `pointers`.
Errno get_strings(const StringList& strings, const MemoryView& memory, uint32_t pointers,
                  uint32_t buffer) noexcept {
    const auto bytes = memory.at(buffer, strings.bytes().size());
    if (!bytes || !memory.at(pointers, strings.starts().size() * sizeof(uint32_t)))
        return Errno::fault;
    std::ranges::copy(strings.bytes(), bytes->begin());
    for (const uint32_t start : strings.starts()) {
        (void)memory.write(pointers, buffer + start);
        pointers += uint32_t{sizeof(uint32_t)};
    }
    return Errno::success;
}

} // namespace

Errno args_get(Context& context, const MemoryView& memory, uint32_t argv, uint32_t buffer) noexcept {
    return get_strings(context.args(), memory, argv, buffer);
}

Errno args_sizes_get(Context& context, const MemoryView& memory, uint32_t count, uint32_t size) noexcept {
    return get_sizes(context.args(), memory, count, size);
}

Errno environ_get(Context& context, const MemoryView& memory, uint32_t environ, uint32_t buffer) noexcept {
    return get_strings(context.env(), memory, environ, buffer);
}

Errno environ_sizes_get(Context& context, const MemoryView& memory, uint32_t count, uint32_t size) noexcept {
    return get_sizes(context.env(), memory, count, size);
}

} // namespace warpbeam::wasi
