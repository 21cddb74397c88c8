#include <warpbeam/wasi/streams.hpp>

#include <algorithm>

namespace warpbeam::wasi {

OutputBuffer::~OutputBuffer() = default;

Result<size_t> OutputBuffer::write(std::span<const uint8_t> bytes) noexcept {
    bytes = bytes.first(std::min(bytes.size(), max_size_ - bytes_.size()));
    if (bytes.empty() && max_size_ == bytes_.size())
        return std::unexpected{Errno::nospc};
    if (!bytes_.append(bytes))
        return std::unexpected{Errno::nomem};
    return bytes.size();
}

InputBuffer::~InputBuffer() = default;

Result<> InputBuffer::add(std::span<const uint8_t> bytes) noexcept {
    if (taken_ == bytes_.size()) {
        bytes_.clear();
        taken_ = 0;
    } else if (taken_ >= bytes_.size() / 2) {
        std::copy(bytes_.begin() + taken_, bytes_.end(), bytes_.begin());
        bytes_.truncate(bytes_.size() - taken_);
        taken_ = 0;
    }
    if (!bytes_.append(bytes))
        return std::unexpected{Errno::nomem};
    return {};
}

Result<size_t> InputBuffer::read(std::span<uint8_t> into) noexcept {
    const size_t size = std::min(into.size(), bytes_.size() - taken_);
    if (size == 0 && !into.empty() && !is_closed_)
        return std::unexpected{Errno::again};
    std::copy_n(bytes_.begin() + taken_, size, into.begin());
    taken_ += size;
    return size;
}

Result<Ready> InputBuffer::ready(Readiness which) noexcept {
    const size_t left = bytes_.size() - taken_;
    return Ready{which == Readiness::write || left != 0 || is_closed_, is_closed_, left};
}

CallbackStream::~CallbackStream() = default;

Result<size_t> CallbackStream::read(std::span<uint8_t> into) noexcept {
    return read_ != nullptr ? read_(data_, into) : std::unexpected{Errno::badf};
}
Result<size_t> CallbackStream::write(std::span<const uint8_t> bytes) noexcept {
    return write_ != nullptr ? write_(data_, bytes) : std::unexpected{Errno::badf};
}

} // namespace warpbeam::wasi
