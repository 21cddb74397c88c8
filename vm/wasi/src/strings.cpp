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

Errno get_sizes(const StringList& strings, const Call& call, Ptr count, Ptr size) noexcept {
    if (!call.has_pointer(count) || !call.has_pointer(size))
        return Errno::fault;
    (void)call.put_pointer(count, strings.starts().size());
    return call.put_pointer(size, strings.bytes().size());
}

/// Writes the strings to `buffer` and a pointer to each to `pointers`.
Errno get_strings(const StringList& strings, const Call& call, Ptr pointers, Ptr buffer) noexcept {
    const auto bytes = call.bytes(buffer, strings.bytes().size());
    if (!bytes || !call.has(pointers, strings.starts().size() * call.abi.pointer_size()))
        return Errno::fault;
    std::ranges::copy(strings.bytes(), bytes->begin());
    call.note_output(*bytes);
    for (const uint32_t start : strings.starts()) {
        (void)call.put_pointer(pointers, buffer.value + start);
        pointers = pointers + call.abi.pointer_size();
    }
    return Errno::success;
}

} // namespace

Errno args_get(Call& call, Ptr argv, Ptr buffer) noexcept {
    return get_strings(call.context.args(), call, argv, buffer);
}

Errno args_sizes_get(Call& call, Ptr count, Ptr size) noexcept {
    return get_sizes(call.context.args(), call, count, size);
}

Errno environ_get(Call& call, Ptr variables, Ptr buffer) noexcept {
    return get_strings(call.context.env(), call, variables, buffer);
}

Errno environ_sizes_get(Call& call, Ptr count, Ptr size) noexcept {
    return get_sizes(call.context.env(), call, count, size);
}

} // namespace warpbeam::wasi
