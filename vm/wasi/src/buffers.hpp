#pragma once

#include "call.hpp"

#include <algorithm>

namespace warpbeam::wasi {

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
        return call.has_pointer(result) ? Errno::success : Errno::fault;
    }
    Buffers() noexcept = default;

    [[nodiscard]] uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::span<uint8_t> at(uint64_t i) const noexcept {
        const auto [address, size] = entry(i);
        return call_->bytes(address, size).value_or(std::span<uint8_t>{});
    }
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

/// The most that one call moves, so that the result fits into 32 bits and a call does not take long.
inline constexpr uint64_t max_transfer = uint64_t{1} << 30;
/// Small buffers are moved together.
inline constexpr size_t small_transfer = 8192;

/// Fills the buffers by `read(std::span<uint8_t>)`, which returns how many bytes it has read. With
/// `stops_early`, only once: the next read might wait.
template <typename Read>
Result<uint64_t> read_into(const Buffers& buffers, bool stops_early, Read read) noexcept {
    const uint64_t size = buffers.size();
    if (buffers.count() > 1 && size <= small_transfer) {
        uint8_t all[small_transfer];
        const Result<size_t> done = read(std::span{all, static_cast<size_t>(size)});
        if (!done)
            return std::unexpected{done.error()};
        size_t copied = 0;
        for (uint64_t i = 0; i < buffers.count() && copied < *done; ++i) {
            const std::span<uint8_t> to = buffers.at(i);
            const size_t part = std::min(to.size(), *done - copied);
            std::copy_n(all + copied, part, to.begin());
            copied += part;
        }
        return copied;
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < buffers.count() && sum < max_transfer; ++i) {
        std::span<uint8_t> to = buffers.at(i);
        to = to.first(std::min<size_t>(to.size(), max_transfer - sum));
        if (to.empty())
            continue;
        const Result<size_t> done = read(to);
        if (!done && sum == 0)
            return std::unexpected{done.error()};
        sum += done.value_or(0);
        if (done.value_or(0) < to.size() || stops_early)
            break;
    }
    return sum;
}

/// Writes the buffers by `write(std::span<const uint8_t>)`.
template <typename Write>
Result<uint64_t> write_from(const Buffers& buffers, Write write) noexcept {
    const uint64_t size = buffers.size();
    if (buffers.count() > 1 && size <= small_transfer) {
        uint8_t all[small_transfer];
        size_t copied = 0;
        for (uint64_t i = 0; i < buffers.count(); ++i) {
            const std::span<const uint8_t> from = buffers.at(i);
            const size_t part = std::min(from.size(), sizeof all - copied);
            std::copy_n(from.begin(), part, all + copied);
            copied += part;
        }
        return write(std::span<const uint8_t>{all, copied});
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < buffers.count() && sum < max_transfer; ++i) {
        std::span<const uint8_t> from = buffers.at(i);
        from = from.first(std::min<size_t>(from.size(), max_transfer - sum));
        if (from.empty())
            continue;
        const Result<size_t> done = write(from);
        if (!done && sum == 0)
            return std::unexpected{done.error()};
        sum += done.value_or(0);
        if (done.value_or(0) < from.size())
            break;
    }
    return sum;
}

} // namespace warpbeam::wasi
