#include "recording.hpp"

#include "command.hpp"
#include "files.hpp"
#include "platform.hpp"

#include <warpbeam/loader/leb128.hpp>
#include <warpbeam/memory/crc32.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace warpbeam::cli {
namespace {

constexpr size_t buffer_size = 1 << 16;
constexpr size_t version_at = 6; // in what a log begins with

template <size_t size>
std::array<uint8_t, size> fixed(uint64_t number) {
    std::array<uint8_t, size> bytes{};
    for (size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<uint8_t>(number >> (8 * i));
    return bytes;
}
uint64_t from_fixed(std::span<const uint8_t> bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        number |= uint64_t{bytes[i]} << (8 * i);
    return number;
}

} // namespace

// ---- Writing ----

LogWriter::LogWriter(const std::string& path, const ProgramState& state, std::span<const uint8_t> module,
                     FuelUsed used)
    : file_{std::fopen(path.c_str(), "wb"), std::fclose}, path_{path}, used_{std::move(used)} {
    if (!file_)
        throw Failure("warpbeam: cannot open " + path + ": " + std::strerror(errno));
    (void)std::setvbuf(file_.get(), nullptr, _IOFBF, buffer_size); // most calls are then one write
    put(bytes_of(log_magic));
    uint32_t sum = 0;
    for (const uint64_t number : {state.stack_size, state.max_memory, uint64_t{module.size()}}) {
        const auto bytes = fixed<8>(number);
        put(bytes);
        sum = crc32(bytes, sum);
    }
    put(module);
    put(fixed<4>(crc32(module, sum)));
    flush();
}

void LogWriter::put(std::span<const uint8_t> bytes) noexcept {
    if (error_ == 0 && !bytes.empty() &&
        std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
        error_ = errno;
}

void LogWriter::write(EventKind kind, uint64_t fuel,
                      std::span<const std::span<const uint8_t>> parts) noexcept {
    uint64_t size = 0;
    for (const auto part : parts)
        size += part.size();
    uint8_t head[1 + 2 * max_leb128];
    head[0] = static_cast<uint8_t>(kind);
    uint8_t* const end = encode_leb128(size, encode_leb128(fuel - fuel_, head + 1));
    fuel_ = fuel;
    const std::span<const uint8_t> begin{head, end};
    put(begin);
    uint32_t sum = crc32(begin);
    for (const auto part : parts) {
        put(part);
        sum = crc32(part, sum);
    }
    put(fixed<4>(sum));
    flush();
}

void LogWriter::flush() noexcept {
    if (error_ == 0 && std::fflush(file_.get()) != 0)
        error_ = errno;
}

std::expected<void, Trap> LogWriter::write(std::span<const std::span<const uint8_t>> parts) noexcept {
    write(EventKind::call, before_, parts);
    if (error_ != 0)
        return std::unexpected{Trap::host("the call can't be recorded")};
    return {};
}

void LogWriter::check() const {
    if (error_ != 0)
        throw Failure("warpbeam: cannot write " + path_ + ": " + std::strerror(error_));
}

// ---- Reading ----

LogReader::LogReader(const std::string& path)
    : file_{std::fopen(path.c_str(), "rb"), std::fclose}, path_{path} {
    if (!file_)
        throw Failure("warpbeam: cannot open " + path + ": " + std::strerror(errno));
    uint8_t head[log_magic.size()];
    if (std::fread(head, 1, sizeof head, file_.get()) != sizeof head ||
        std::memcmp(head, log_magic.data(), version_at) != 0 || head[version_at + 1] != log_magic.back())
        throw Failure(path + ": not a log that warpbeam run --record has written");
    if (head[version_at] != log_magic[version_at])
        throw Failure(path + ": recorded by another version of warpbeam (format " +
                      std::to_string(head[version_at]) + "; this one reads " +
                      std::to_string(log_magic[version_at]) + "); record the program again");
    at_ = sizeof head;
    uint8_t numbers[24];
    read(numbers);
    const auto number = [&](size_t i) { return from_fixed(std::span{numbers}.subspan(8 * i, 8)); };
    state_.stack_size = number(0);
    state_.max_memory = number(1);
    module_ = bytes(number(2));
    check_sum();
    first_ = at_;
}

void LogReader::fail_damaged() const {
    throw Failure(path_ + " is damaged at byte " + std::to_string(begin_));
}

void LogReader::read(std::span<uint8_t> to) {
    const size_t count = std::fread(to.data(), 1, to.size(), file_.get());
    at_ += count;
    if (count != to.size())
        throw Failure(path_ + " ends at byte " + std::to_string(at_) + ": the recording was cut off");
    sum_ = crc32(to, sum_);
}

uint64_t LogReader::number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = 0;
        read({&byte, 1});
        if (shift == 63 && byte > 1)
            break;
        value |= uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80)
            return value;
    }
    fail_damaged();
}

std::vector<uint8_t> LogReader::bytes(uint64_t left) {
    // What is not there takes no memory.
    std::vector<uint8_t> all;
    while (left != 0) {
        const auto part = static_cast<size_t>(std::min<uint64_t>(left, 1 << 20));
        all.resize(all.size() + part);
        read(std::span{all}.last(part));
        left -= part;
    }
    return all;
}

void LogReader::check_sum() {
    const uint32_t sum = sum_;
    uint8_t encoded[4];
    read(encoded);
    if (from_fixed(encoded) != sum)
        fail_damaged();
}

Event LogReader::head(uint64_t& size) {
    begin_ = at_;
    sum_ = 0;
    uint8_t kind = 0;
    read({&kind, 1});
    Event event;
    if (kind > static_cast<uint8_t>(EventKind::end))
        fail_damaged();
    event.kind = static_cast<EventKind>(kind);
    event.position = begin_;
    fuel_ += std::min(number(), UINT64_MAX - fuel_);
    event.fuel = fuel_;
    size = number();
    return event;
}

Event LogReader::next() {
    uint64_t size = 0;
    Event event = head(size);
    event.bytes = bytes(size);
    check_sum();
    return event;
}

std::vector<Event> LogReader::seek(uint64_t fuel) {
    if (::fseeko(file_.get(), 0, SEEK_END) != 0)
        throw Failure(path_ + ": the log must be a file that can be read from any position");
    const auto end = static_cast<uint64_t>(::ftello(file_.get()));
    const auto go = [&](uint64_t position, uint64_t used) {
        (void)::fseeko(file_.get(), static_cast<off_t>(position), SEEK_SET);
        at_ = position;
        fuel_ = used;
    };
    struct Place {
        uint64_t position;
        uint64_t before; ///< the fuel of the event before
    };
    std::vector<Place> snapshots;
    try {
        for (go(first_, 0);;) {
            const uint64_t before = fuel_;
            uint64_t size = 0;
            const Event event = head(size);
            constexpr uint64_t sum_size = 4;
            if (event.kind == EventKind::end || event.fuel > fuel || size + sum_size < size ||
                size + sum_size > end - at_)
                break;
            if (event.kind == EventKind::complete_snapshot)
                snapshots.clear();
            if (event.kind == EventKind::complete_snapshot || event.kind == EventKind::snapshot)
                snapshots.push_back({event.position, before});
            go(at_ + size + sum_size, event.fuel);
        }
    } catch (const Failure&) { // the replay will report it where it comes to that
    }
    std::vector<Event> series;
    for (const Place& place : snapshots) {
        go(place.position, place.before);
        series.push_back(next());
    }
    if (series.empty())
        go(first_, 0);
    return series;
}

// ---- Replaying ----

std::string LoggedCalls::difference(std::string_view what) const {
    return "the replay differs from the log at byte " + std::to_string(event_.position) + ", after " +
           std::to_string(used_()) + " units of fuel: " + std::string{what};
}

std::string LoggedCalls::failure(std::string_view what) const {
    return failure_.empty() ? difference(what) : failure_;
}

std::unexpected<Trap> LoggedCalls::fail(std::string why) {
    failure_ = std::move(why);
    return std::unexpected{Trap::host("%s", failure_.c_str())};
}

void LoggedCalls::take() {
    do
        event_ = log_.next();
    while (event_.kind == EventKind::snapshot || event_.kind == EventKind::complete_snapshot);
}

std::expected<std::span<const uint8_t>, Trap> LoggedCalls::next() noexcept {
    try {
        take();
    } catch (const std::bad_alloc&) {
        return fail("out of memory for the contents of a call in the log");
    } catch (const std::exception& why) {
        return fail("after " + std::to_string(used_()) + " units of fuel: " + why.what());
    }
    if (event_.kind == EventKind::end)
        return fail(difference("the program goes on where it ended"));
    if (event_.fuel != used_())
        return fail(
            difference("the next call comes after " + std::to_string(event_.fuel) + " units in the log"));
    return event_.bytes;
}

std::expected<void, Trap> LoggedCalls::write(wasi::Stream stream, std::span<const uint8_t> bytes) noexcept {
    while (!quiet_ && !bytes.empty()) {
        const auto count =
            write_output(stream == wasi::Stream::err ? StandardStream::err : StandardStream::out, bytes);
        if (!count)
            return fail("the output can't be written: " + system_error());
        bytes = bytes.subspan(*count);
    }
    return {};
}

void LoggedCalls::expect_end(const Digest& digest) {
    take();
    if (event_.kind != EventKind::end)
        throw Failure("warpbeam: " + difference("the program ends where it made another call"));
    if (event_.fuel != used_())
        throw Failure("warpbeam: " +
                      difference("it ended after " + std::to_string(event_.fuel) + " units in the log"));
    if (!std::ranges::equal(event_.bytes, digest))
        throw Failure("warpbeam: " + difference("memory, globals or tables are different at the end"));
}

} // namespace warpbeam::cli
