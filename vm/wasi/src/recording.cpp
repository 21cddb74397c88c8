#include "recording.hpp"

#include "buffers.hpp"
#include "functions.hpp"

#include <warpbeam/loader/leb128.hpp>
#include <warpbeam/memory/crc32.hpp>

#include <algorithm>
#include <cstdio>

/// A record is a sequence of numbers, each in LEB128:
///
///     function                      its place in the table of define.cpp
///     count, arguments...
///     result                        twice the errno; or, if the program ended, twice its status plus 1
///     fuel                          the bytes for which it took some
///     stream, [size]                1 or 2 if that many bytes went to standard output or error; otherwise 0
///     inputs, [address, size]...    ranges that decided what it did, and
///     [checksum]                      the CRC-32 of what they contained
///     outputs, [address, size]...   ranges that it has written
///
/// Then come the contents of the outputs. What the program wrote to a stream is in the inputs after the
/// first.

namespace warpbeam::wasi {

// ---- Recording ----

void CallNotes::begin() noexcept {
    inputs_.clear();
    outputs_.clear();
    fuel_ = 0;
    stream_ = Stream::in;
    checksum_ = 0;
    is_complete_ = true;
}

void CallNotes::input(uint64_t address, std::span<const uint8_t> bytes) noexcept {
    checksum_ = crc32(bytes, checksum_);
    is_complete_ = inputs_.push({address, bytes.size()}) && is_complete_;
}

void CallNotes::output(uint64_t address, uint64_t size) noexcept {
    if (size == 0)
        return;
    if (!outputs_.empty()) {
        Range& last = outputs_.back();
        const uint64_t end = last.address + last.size;
        if (last.address <= address && address <= end) { // goes on where the last one ended, or lies inside
            last.size = std::max(last.size, address + size - last.address);
            return;
        }
    }
    is_complete_ = outputs_.push({address, size}) && is_complete_;
}

void CallNotes::number(uint64_t value) noexcept {
    uint8_t encoded[max_leb128];
    is_complete_ = head_.append(std::span{encoded, encode_leb128(value, encoded)}) && is_complete_;
}

void CallNotes::ranges(std::span<const Range> all) noexcept {
    number(all.size());
    for (const Range& range : all) {
        number(range.address);
        number(range.size);
    }
}

std::span<const std::span<const uint8_t>> CallNotes::record(uint8_t function, std::span<const uint64_t> args,
                                                            uint64_t result,
                                                            std::span<const uint8_t> memory) noexcept {
    head_.clear();
    number(function);
    number(args.size());
    for (const uint64_t arg : args)
        number(arg);
    number(result);
    number(fuel_);
    number(static_cast<uint64_t>(stream_));
    if (stream_ != Stream::in)
        number(written_);
    ranges({inputs_.data(), inputs_.size()});
    if (!inputs_.empty())
        number(checksum_);
    ranges({outputs_.data(), outputs_.size()});
    parts_.clear();
    is_complete_ = parts_.push({head_.data(), head_.size()}) && is_complete_;
    for (const Range& range : outputs_)
        is_complete_ = parts_.push(memory.subspan(static_cast<size_t>(range.address),
                                                  static_cast<size_t>(range.size))) &&
                       is_complete_;
    return is_complete_ ? std::span<const std::span<const uint8_t>>{parts_.data(), parts_.size()}
                        : std::span<const std::span<const uint8_t>>{};
}

std::expected<uint32_t, Trap> record_call(Call& call, uint8_t function, std::span<const uint64_t> args,
                                          Errno outcome) noexcept {
    const bool has_exited = call.stopped && call.stopped->code() == TrapCode::exit;
    if (call.stopped && !has_exited)
        return std::unexpected{std::move(*call.stopped)};
    const uint64_t result = has_exited ? uint64_t{static_cast<uint32_t>(call.stopped->exit_status())} << 1 | 1
                                       : static_cast<uint64_t>(outcome) << 1;
    const auto record = call.notes->record(function, args, result, call.memory);
    if (record.empty())
        return std::unexpected{Trap::with_message(TrapCode::host, "out of memory for the record of a call")};
    if (auto written = call.context.recorder()->write(record); !written)
        return std::unexpected{std::move(written.error())};
    if (has_exited)
        return std::unexpected{std::move(*call.stopped)};
    return static_cast<uint32_t>(outcome);
}

// ---- Replaying ----

namespace {

/// What a call reads: what it moves, and a list of buffers, subscriptions or paths. No record makes us look
/// at the same memory again and again.
constexpr uint64_t max_inputs = max_transfer + (uint64_t{1} << 24);

class RecordReader {
public:
    explicit RecordReader(std::span<const uint8_t> record) noexcept : rest_{record} {}
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::span<const uint8_t> rest() const noexcept { return rest_; }

    [[nodiscard]] uint64_t number() noexcept {
        uint64_t value = 0;
        const uint8_t* at = rest_.data();
        ok_ = decode_leb128(at, at + rest_.size(), value) == LebFault::none && ok_;
        rest_ = rest_.last(static_cast<size_t>(rest_.data() + rest_.size() - at));
        return value;
    }
    /// The count of what comes next; each takes at least `size` bytes.
    [[nodiscard]] uint64_t count(size_t size) noexcept {
        const uint64_t value = number();
        ok_ = ok_ && value <= rest_.size() / size;
        return ok_ ? value : 0;
    }
    [[nodiscard]] CallNotes::Range range() noexcept {
        const uint64_t address = number();
        return {address, number()};
    }
    [[nodiscard]] std::span<const uint8_t> take(size_t size) noexcept {
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

private:
    std::span<const uint8_t> rest_;
    bool ok_ = true;
};

/// Text of a call for a message: what does not fit is cut off.
class CallText {
public:
    void begin(uint64_t function) noexcept {
        const std::string_view name = function_name(function);
        print("%.*s(", static_cast<int>(name.size()), name.data());
    }
    void arg(uint64_t value) noexcept {
        print("%s%llu", size_ != 0 && text_[size_ - 1] != '(' ? ", " : "",
              static_cast<unsigned long long>(value));
    }
    [[nodiscard]] const char* end() noexcept {
        print("%s", ")");
        return text_;
    }

private:
    template <typename... A>
    void print(const char* format, A... args) noexcept {
        const int count = std::snprintf(text_ + size_, sizeof text_ - size_, format, args...);
        size_ = std::min(size_ + static_cast<size_t>(std::max(count, 0)), sizeof text_ - 1);
    }

    char text_[256] = {};
    size_t size_ = 0;
};

const char* describe(CallText& text, uint64_t function, std::span<const uint64_t> args) noexcept {
    text.begin(function);
    for (const uint64_t arg : args)
        text.arg(arg);
    return text.end();
}

std::unexpected<Trap> damaged(const char* why) noexcept {
    return std::unexpected{Trap::host("the record of a call is damaged: %s", why)};
}

/// One record that is replayed.
class Replay {
public:
    Replay(Call& call, std::span<const uint8_t> record) noexcept : call_{call}, in_{record} {}

    /// Checks that it is one of this call.
    std::expected<void, Trap> check_call(uint64_t function, std::span<const uint64_t> args) noexcept {
        const uint64_t recorded = in_.number();
        const uint64_t count = in_.count(1);
        RecordReader arguments = in_;
        bool is_same = recorded == function && count == args.size();
        for (uint64_t i = 0; i < count; ++i)
            is_same = in_.number() == (is_same ? args[static_cast<size_t>(i)] : 0) && is_same;
        if (!in_.ok())
            return damaged("it ends too early");
        if (is_same)
            return {};
        CallText made;
        CallText instead;
        instead.begin(recorded);
        for (uint64_t i = 0; i < count; ++i)
            instead.arg(arguments.number());
        return std::unexpected{
            Trap::host("the program calls %s instead of %s", describe(made, function, args), instead.end())};
    }

    /// The rest; nothing is changed if it returns an error.
    std::expected<void, Trap> check_rest(uint64_t function, std::span<const uint64_t> args) noexcept {
        result_ = in_.number();
        fuel_ = in_.number();
        stream_ = in_.number();
        if (stream_ > static_cast<uint64_t>(Stream::err))
            return damaged("there is no such stream");
        written_ = stream_ != 0 ? in_.number() : 0;
        if (result_ >> 1 > UINT32_MAX)
            return damaged("there is no such result");
        inputs_ = in_;
        const uint64_t inputs = in_.count(2);
        uint32_t checksum = 0;
        bool is_same = true;
        uint64_t all = 0;
        uint64_t contents = 0; // of the inputs after the first
        for (uint64_t i = 0; i < inputs; ++i) {
            const CallNotes::Range range = in_.range();
            const auto bytes = call_.bytes({range.address}, range.size);
            all += std::min(range.size, max_inputs);
            if (all > max_inputs)
                return damaged("it reads too much");
            is_same = is_same && bytes;
            checksum = is_same ? crc32(*bytes, checksum) : 0;
            contents += is_same && i != 0 ? range.size : 0;
        }
        is_same = inputs == 0 || (in_.number() == checksum && is_same);
        outputs_ = in_;
        uint64_t size = 0;
        for (uint64_t count = in_.count(2); count != 0; --count) {
            const CallNotes::Range range = in_.range();
            if (!call_.has({range.address}, range.size))
                return damaged("it writes outside of the memory");
            size += std::min(range.size, UINT64_MAX - size);
        }
        if (!in_.ok() || size != in_.rest().size())
            return damaged("its size is wrong");
        if (!is_same) {
            CallText text;
            return std::unexpected{
                Trap::host("the program passes other bytes to %s", describe(text, function, args))};
        }
        if (written_ > contents)
            return damaged("more was written than there was");
        return {};
    }

    std::expected<uint32_t, Trap> apply(CallSource& source) noexcept {
        // First, since the call may have overwritten what it wrote.
        if (auto written = write_stream(source); !written)
            return std::unexpected{std::move(written.error())};
        for (uint64_t count = outputs_.count(2); count != 0; --count) {
            const CallNotes::Range range = outputs_.range();
            std::ranges::copy(in_.take(static_cast<size_t>(range.size)),
                              call_.bytes({range.address}, range.size)->begin());
        }
        call_.caller.take_fuel(fuel_);
        const auto result = static_cast<uint32_t>(result_ >> 1);
        if ((result_ & 1) != 0)
            return std::unexpected{Trap::exit(static_cast<int32_t>(result))};
        return result;
    }

private:
    std::expected<void, Trap> write_stream(CallSource& source) noexcept {
        uint64_t left = written_;
        const uint64_t count = inputs_.count(2);
        for (uint64_t i = 0; i < count && left != 0; ++i) {
            const CallNotes::Range range = inputs_.range();
            const uint64_t part = i != 0 ? std::min(range.size, left) : 0;
            if (part == 0)
                continue;
            if (auto written =
                    source.write(static_cast<Stream>(stream_), *call_.bytes({range.address}, part));
                !written)
                return written;
            left -= part;
        }
        return {};
    }

    Call& call_;
    RecordReader in_;
    RecordReader inputs_{{}};
    RecordReader outputs_{{}};
    uint64_t result_ = 0;
    uint64_t fuel_ = 0;
    uint64_t stream_ = 0;
    uint64_t written_ = 0;
};

} // namespace

std::expected<uint32_t, Trap> replay_call(Call& call, uint8_t function,
                                          std::span<const uint64_t> args) noexcept {
    CallSource& source = *call.context.replayed();
    const auto record = source.next();
    if (!record)
        return std::unexpected{record.error()};
    Replay replay{call, *record};
    if (auto same = replay.check_call(function, args); !same)
        return std::unexpected{std::move(same.error())};
    if (auto right = replay.check_rest(function, args); !right)
        return std::unexpected{std::move(right.error())};
    return replay.apply(source);
}

} // namespace warpbeam::wasi
