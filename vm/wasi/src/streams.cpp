#include "functions.hpp"

#include <algorithm>
#include <optional>

namespace warpbeam::wasi {

namespace {

/// A list of buffers, `iovec` or `ciovec` in WASI's terms: pairs of address and size. Made only if the list
/// and every buffer in it lie inside the memory.
class Buffers {
public:
    static std::optional<Buffers> check(const MemoryView& memory, uint32_t list, uint32_t count) noexcept {
        if (!memory.at(list, count * entry_size))
            return std::nullopt;
        const Buffers buffers{memory, list, count};
        for (uint32_t i = 0; i < count; ++i)
            if (!buffers.at(i))
                return std::nullopt;
        return buffers;
    }
    [[nodiscard]] uint32_t count() const noexcept { return count_; }
    /// None if the guest has overwritten the list in the meantime, so that it points out of bounds.
    [[nodiscard]] std::optional<std::span<uint8_t>> at(uint32_t i) const noexcept {
        const uint64_t entry = list_ + i * entry_size;
        const auto bytes = memory_.at(*memory_.read<uint32_t>(entry), *memory_.read<uint32_t>(entry + 4));
        return bytes ? std::optional{*bytes} : std::nullopt;
    }

private:
    static constexpr uint64_t entry_size = 8;
    Buffers(const MemoryView& memory, uint32_t list, uint32_t count) noexcept
        : memory_{memory}, list_{list}, count_{count} {}

    MemoryView memory_;
    uint64_t list_;
    uint32_t count_;
};

/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#rights
constexpr uint64_t right_read = 1 << 1;
constexpr uint64_t right_set_flags = 1 << 3;
constexpr uint64_t right_write = 1 << 6;
constexpr uint64_t right_poll = 1 << 27;

constexpr uint32_t flag_append = 1;

/// Transfers buffer after buffer until one is only partly used; an error counts only before the first byte.
template <typename Transfer>
Errno transfer(const MemoryView& memory, uint32_t list, uint32_t count, uint32_t result,
               Transfer step) noexcept {
    const auto buffers = Buffers::check(memory, list, count);
    if (!buffers || !memory.at(result, sizeof(uint32_t)))
        return Errno::fault;
    uint32_t done = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const auto buffer = buffers->at(i);
        if (!buffer || buffer->size() > UINT32_MAX - done)
            break;
        if (buffer->empty())
            continue;
        const std::expected<size_t, Errno> moved = step(*buffer);
        if (!moved && done == 0)
            return moved.error();
        done += static_cast<uint32_t>(moved.value_or(0));
        if (moved.value_or(0) < buffer->size())
            break;
    }
    return write_result(memory, result, done);
}

} // namespace

Errno fd_read(Context& context, const MemoryView& memory, uint32_t fd, uint32_t buffers, uint32_t count,
              uint32_t result) noexcept {
    if (!context.is_open(fd) || static_cast<Stream>(fd) != Stream::in)
        return Errno::badf;
    return transfer(memory, buffers, count, result,
                    [&](std::span<uint8_t> buffer) { return context.host().read(buffer); });
}

Errno fd_write(Context& context, const MemoryView& memory, uint32_t fd, uint32_t buffers, uint32_t count,
               uint32_t result) noexcept {
    if (!context.is_open(fd) || static_cast<Stream>(fd) == Stream::in)
        return Errno::badf;
    return transfer(memory, buffers, count, result, [&](std::span<const uint8_t> buffer) {
        return context.host().write(static_cast<Stream>(fd), buffer);
    });
}

Errno fd_close(Context& context, const MemoryView&, uint32_t fd) noexcept {
    if (!context.is_open(fd))
        return Errno::badf;
    context.close(fd);
    return Errno::success;
}

Errno fd_fdstat_get(Context& context, const MemoryView& memory, uint32_t fd, uint32_t result) noexcept {
    if (!context.is_open(fd))
        return Errno::badf;
    const auto stat = memory.at(result, 24);
    if (!stat)
        return Errno::fault;
    std::ranges::fill(*stat, uint8_t{0});
    const Stream stream{static_cast<uint8_t>(fd)};
    // isatty() recognises a terminal as a character device without the right to seek.
    constexpr uint8_t unknown = 0;
    constexpr uint8_t character_device = 2;
    const uint64_t rights = right_poll | right_set_flags | (stream == Stream::in ? right_read : right_write);
    (void)memory.write(result, context.host().is_terminal(stream) ? character_device : unknown);
    (void)memory.write(uint64_t{result} + 8, rights);
    return Errno::success;
}

Errno fd_fdstat_set_flags(Context& context, const MemoryView&, uint32_t fd, uint32_t flags) noexcept {
    if (!context.is_open(fd))
        return Errno::badf;
    // Streams append anyway; non-blocking or synchronous writes are not supported.
    return (flags & ~flag_append) == 0 ? Errno::success : Errno::notsup;
}

Errno fd_seek(Context& context, const MemoryView&, uint32_t fd, int64_t, uint32_t, uint32_t) noexcept {
    return context.is_open(fd) ? Errno::spipe : Errno::badf;
}

Errno fd_tell(Context& context, const MemoryView&, uint32_t fd, uint32_t) noexcept {
    return context.is_open(fd) ? Errno::spipe : Errno::badf;
}

// A program asks for preopened directories from 3 on until there are no more.
Errno fd_prestat_get(Context&, const MemoryView&, uint32_t, uint32_t) noexcept { return Errno::badf; }
Errno fd_prestat_dir_name(Context&, const MemoryView&, uint32_t, uint32_t, uint32_t) noexcept {
    return Errno::badf;
}

} // namespace warpbeam::wasi
