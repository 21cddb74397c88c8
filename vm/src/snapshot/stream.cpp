#include "snapshot/stream.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstring>

namespace warpbeam::vm {

// ---- Writing ----

void Writer::put(std::span<const uint8_t> bytes) noexcept {
    if (!ok_ || bytes.empty())
        return;
    hash_.update(bytes);
    ok_ = sink_.write(bytes);
}

void Writer::flush() noexcept {
    if (buffer_.empty())
        return;
    if (in_chunks_) {
        uint8_t size[4];
        for (size_t i = 0; i < 4; ++i)
            size[i] = static_cast<uint8_t>(buffer_.size() >> (8 * i));
        put(size);
    }
    put(buffer_);
    buffer_.clear();
}

void Writer::bytes(std::span<const uint8_t> bytes) noexcept {
    while (ok_ && !bytes.empty()) {
        const size_t room = max_chunk - buffer_.size();
        // Pages are not copied first.
        if (!in_chunks_ && bytes.size() >= room) {
            flush();
            put(bytes);
            return;
        }
        const size_t count = std::min(room, bytes.size());
        (void)buffer_.append(bytes.first(count)); // there is room
        bytes = bytes.subspan(count);
        if (buffer_.size() == max_chunk)
            flush();
    }
}

void Writer::text(std::string_view text) noexcept {
    u32(static_cast<uint32_t>(text.size()));
    bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void Writer::end_chunks() noexcept {
    flush();
    in_chunks_ = false;
    u32(0);
}

Digest Writer::end() noexcept {
    flush();
    const Digest digest = hash_.finish();
    if (ok_)
        ok_ = sink_.write(digest);
    return digest;
}

Error Writer::error() const noexcept {
    return has_memory_ ? Error{ErrorCode::usage, "the snapshot's sink did not take the bytes"}
                       : Error{ErrorCode::out_of_memory};
}

// ---- Reading ----

bool Reader::fault(Error error) noexcept {
    if (!error_)
        error_ = std::move(error.at(static_cast<size_t>(position_)));
    return false;
}

bool Reader::malformed(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    Error error = Error::vformat(Allocator::standard(), ErrorCode::malformed, format, arguments);
    va_end(arguments);
    return fault(std::move(error));
}

void Reader::hash_read() noexcept {
    hash_.update({buffer_.data() + hashed_, next_ - hashed_});
    hashed_ = next_;
}

bool Reader::refill() noexcept {
    hash_read();
    next_ = hashed_ = 0;
    end_ = std::min(source_.read(buffer_), buffer_.size());
    return end_ != 0 || malformed("the snapshot ends too early");
}

bool Reader::raw(std::span<uint8_t> to) noexcept {
    while (!to.empty()) {
        if (!ok() || (next_ == end_ && !refill()))
            return false;
        const size_t count = std::min(to.size(), end_ - next_);
        std::memcpy(to.data(), buffer_.data() + next_, count);
        next_ += count;
        position_ += count;
        to = to.subspan(count);
    }
    return ok();
}

bool Reader::next_chunk() noexcept {
    in_chunks_ = false;
    chunk_ = u32();
    in_chunks_ = true;
    return ok() && (chunk_ <= max_chunk || malformed("a chunk of %u bytes is too large", chunk_));
}

bool Reader::bytes(std::span<uint8_t> to) noexcept {
    if (!in_chunks_)
        return raw(to);
    while (!to.empty()) {
        if (chunk_ == 0) {
            if (!next_chunk())
                return false;
            if (chunk_ == 0)
                return malformed("the snapshot's structure ends too early");
        }
        const size_t count = std::min<size_t>(to.size(), chunk_);
        if (!raw(to.first(count)))
            return false;
        chunk_ -= static_cast<uint32_t>(count);
        to = to.subspan(count);
    }
    return ok();
}

uint32_t Reader::index(size_t end, const char* what) noexcept {
    const uint32_t index = u32();
    if (ok() && index >= end) {
        malformed("there is no %s %u: the snapshot has %zu", what, index, end);
        return 0;
    }
    return index;
}

bool Reader::text(Vec<uint8_t>& to, uint32_t max) noexcept {
    to.clear();
    const uint32_t size = u32();
    if (!ok())
        return false;
    if (size > max)
        return malformed("a name has %u bytes, and may have %u", size, max);
    if (!to.resize(size))
        return fault(Error{ErrorCode::out_of_memory});
    return bytes(to);
}

void Reader::end_chunks() noexcept {
    if (chunk_ != 0)
        malformed("the snapshot's structure has %u bytes too many", chunk_);
    if (ok() && next_chunk() && chunk_ != 0)
        malformed("the snapshot's structure has more bytes than it needs");
    in_chunks_ = false;
}

void Reader::skip_chunks() noexcept {
    uint8_t skipped[512];
    while (ok() && next_chunk() && chunk_ != 0)
        while (chunk_ != 0) {
            const size_t count = std::min<size_t>(sizeof skipped, chunk_);
            if (!raw({skipped, count}))
                break;
            chunk_ -= static_cast<uint32_t>(count);
        }
    in_chunks_ = false;
}

Digest Reader::end() noexcept {
    hash_read();
    const Digest digest = hash_.finish();
    Digest given{};
    if (raw(given) && given != digest)
        malformed("the snapshot is damaged: its digest is not that of its bytes");
    if (ok() && (next_ != end_ || source_.read(buffer_) != 0))
        malformed("there are bytes after the end of the snapshot");
    return digest;
}

} // namespace warpbeam::vm
