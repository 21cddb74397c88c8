#pragma once

#include "call.hpp"

#include <algorithm>

namespace warpbeam::wasi {

/// The most that one call moves, so that the result fits into 32 bits and a call does not take long.
inline constexpr uint64_t max_transfer = uint64_t{1} << 30;

/// A list of buffers, `iovec` or `ciovec` in WASI's terms: pairs of address and size. The list and every
/// buffer in it lie inside the memory; if the guest changes the list in the meantime, what lies outside then
/// is empty.
class Buffers {
public:
    /// As many as POSIX systems allow.
    static constexpr uint64_t max_count = 1024;

    /// Also checks the address of a result. Errors: `inval` if there are too many; `fault`.
    static Errno check(const Call& call, Ptr list, Size count, Ptr result, Buffers& buffers) noexcept {
        buffers = {call, list, count.value};
        if (count.value > UINT64_MAX / buffers.entry_size() ||
            !call.has(list, count.value * buffers.entry_size()))
            return Errno::fault;
        if (count.value > max_count)
            return Errno::inval;
        for (uint64_t i = 0; i < count.value; ++i) {
            const auto [address, size] = buffers.entry(i);
            if (!call.has(address, size))
                return Errno::fault;
        }
        call.note_input(*call.bytes(list, count.value * buffers.entry_size()));
        return call.has_pointer(result) ? Errno::success : Errno::fault;
    }
    Buffers() noexcept = default;

    [[nodiscard]] uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::span<uint8_t> at(uint64_t i) const noexcept {
        const auto [address, size] = entry(i);
        return call_->bytes(address, size).value_or(std::span<uint8_t>{});
    }
    /// @{ For a record of the call: the contents will be written somewhere, or some have been read.
    void note_inputs() const noexcept {
        uint64_t left = call_->notes != nullptr ? max_transfer : 0;
        for (uint64_t i = 0; i < count_ && left != 0; ++i) {
            const std::span<const uint8_t> from = at(i);
            const auto part = from.first(static_cast<size_t>(std::min<uint64_t>(from.size(), left)));
            call_->note_input(part);
            left -= part.size();
        }
    }
    void note_output(std::span<const uint8_t> bytes) const noexcept { call_->note_output(bytes); }
    /// @}
    /// The size of all together.
    [[nodiscard]] uint64_t size() const noexcept {
        uint64_t sum = 0;
        for (uint64_t i = 0; i < count_; ++i)
            sum += at(i).size();
        return sum;
    }

private:
    struct Entry {
        Ptr address;
        uint64_t size;
    };
    Buffers(const Call& call, Ptr list, uint64_t count) noexcept : call_{&call}, list_{list}, count_{count} {}
    [[nodiscard]] uint64_t entry_size() const noexcept { return 2 * call_->abi.pointer_size(); }
    [[nodiscard]] Entry entry(uint64_t i) const noexcept {
        const Ptr at = list_ + i * entry_size();
        return {{call_->get_pointer(at)}, call_->get_pointer(at + call_->abi.pointer_size())};
    }

    const Call* call_ = nullptr;
    Ptr list_{0};
    uint64_t count_ = 0;
};

/// Small buffers are moved together.
inline constexpr size_t small_transfer = 8192;

/// The largest message of a socket that keeps messages apart: these are moved in one piece.
inline constexpr size_t max_message = 1 << 20;

/// Copies what is in the buffers to `to`, as far as it has room; returns how much.
inline size_t gather(const Buffers& buffers, std::span<uint8_t> to) noexcept {
    size_t copied = 0;
    for (uint64_t i = 0; i < buffers.count(); ++i) {
        const std::span<const uint8_t> from = buffers.at(i);
        const size_t part = std::min(from.size(), to.size() - copied);
        std::copy_n(from.begin(), part, to.begin() + static_cast<ptrdiff_t>(copied));
        copied += part;
    }
    return copied;
}
/// Copies bytes to the buffers, as far as they have room; returns how much.
inline size_t scatter(std::span<const uint8_t> from, const Buffers& buffers) noexcept {
    size_t copied = 0;
    for (uint64_t i = 0; i < buffers.count() && copied < from.size(); ++i) {
        const std::span<uint8_t> to = buffers.at(i);
        const size_t part = std::min(to.size(), from.size() - copied);
        std::copy_n(from.begin() + static_cast<ptrdiff_t>(copied), part, to.begin());
        buffers.note_output(to.first(part));
        copied += part;
    }
    return copied;
}

/// How several buffers are moved.
enum class Pieces : uint8_t {
    all,     ///< one after another, until one is only partly used
    one,     ///< only the first one: the next might wait
    message, ///< all of them as one piece
};

/// Whether several buffers are moved as one. Without bytes, only a message is moved.
/// `size` is theirs together, read once: other threads may change their list.
inline bool may_be_joined(const Buffers& buffers, uint64_t size, Pieces pieces) noexcept {
    return buffers.count() > 1 && (pieces == Pieces::message || (size != 0 && size <= small_transfer));
}

/// Fills the buffers by `read(std::span<uint8_t>)`, which returns how many bytes it has read.
template <typename Read>
Result<uint64_t> read_into(const Buffers& buffers, Pieces pieces, Allocator& allocator, Read read) noexcept {
    const uint64_t size = buffers.size();
    if (may_be_joined(buffers, size, pieces)) {
        uint8_t few[small_transfer];
        Vec<uint8_t> many{allocator};
        if (size > small_transfer && !many.resize(static_cast<size_t>(std::min<uint64_t>(size, max_message))))
            return std::unexpected{Errno::nomem};
        const std::span<uint8_t> all =
            many.empty() ? std::span{few, static_cast<size_t>(size)} : std::span{many.data(), many.size()};
        const Result<size_t> done = read(all);
        if (!done)
            return std::unexpected{done.error()};
        return scatter(all.first(*done), buffers);
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < buffers.count() && sum < max_transfer; ++i) {
        std::span<uint8_t> to = buffers.at(i);
        to = to.first(std::min<size_t>(to.size(), max_transfer - static_cast<size_t>(sum)));
        if (to.empty())
            continue;
        const Result<size_t> done = read(to);
        if (!done && sum == 0)
            return std::unexpected{done.error()};
        buffers.note_output(to.first(done.value_or(0)));
        sum += done.value_or(0);
        if (done.value_or(0) < to.size() || pieces == Pieces::one)
            break;
    }
    return sum;
}

/// Writes the buffers by `write(std::span<const uint8_t>)`. Errors: `msgsize` for a message that is too long.
template <typename Write>
Result<uint64_t> write_from(const Buffers& buffers, Pieces pieces, Allocator& allocator,
                            Write write) noexcept {
    const uint64_t size = buffers.size();
    if (pieces == Pieces::message && size > max_message)
        return std::unexpected{Errno::msgsize};
    if (may_be_joined(buffers, size, pieces)) {
        uint8_t few[small_transfer];
        Vec<uint8_t> many{allocator};
        if (size > small_transfer && !many.resize(static_cast<size_t>(size)))
            return std::unexpected{Errno::nomem};
        const std::span<uint8_t> all = many.empty() ? std::span{few} : std::span{many.data(), many.size()};
        return write(std::span<const uint8_t>{all.first(gather(buffers, all))});
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < buffers.count() && sum < max_transfer; ++i) {
        std::span<const uint8_t> from = buffers.at(i);
        from = from.first(std::min<size_t>(from.size(), max_transfer - static_cast<size_t>(sum)));
        if (from.empty())
            continue;
        const Result<size_t> done = write(from);
        if (!done && sum == 0)
            return std::unexpected{done.error()};
        sum += done.value_or(0);
        if (done.value_or(0) < from.size() || pieces == Pieces::one)
            break;
    }
    return sum;
}

} // namespace warpbeam::wasi
