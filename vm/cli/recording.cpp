#include "recording.hpp"

#include "command.hpp"

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <unistd.h>

namespace warpbeam::cli {
namespace {

using wasi::Clock;
using wasi::Errno;
using wasi::Stream;

constexpr std::string_view magic = log_magic;
constexpr uint64_t max_bytes = uint64_t{1} << 40;
constexpr const char* names[] = {"read",  "write",  "isatty",   "clock", "clock resolution",
                                 "sleep", "random", "snapshot", "end"};

std::string encoded(uint64_t number) {
    std::string bytes;
    for (int i = 0; i < 8; ++i)
        bytes += static_cast<char>(number >> (8 * i));
    return bytes;
}

std::vector<uint8_t> digest_of(std::span<const uint8_t> bytes) {
    const Digest digest = sha256(bytes);
    return {digest.begin(), digest.end()};
}

} // namespace

const char* name_of(EventKind kind) noexcept { return names[static_cast<size_t>(kind)]; }

// ---- The file ----

LogWriter::LogWriter(const std::string& path, const ProgramState& state, std::span<const uint8_t> module)
    : file_{std::fopen(path.c_str(), "wb"), std::fclose}, path_{path} {
    if (!file_)
        throw Failure("warpbeam: cannot open " + path + ": " + std::strerror(errno));
    const std::string program = to_bytes(state);
    std::string head{magic};
    head += encoded(program.size()) + program + encoded(module.size());
    failed_ = std::fwrite(head.data(), 1, head.size(), file_.get()) != head.size() ||
              std::fwrite(module.data(), 1, module.size(), file_.get()) != module.size();
}

void LogWriter::write(const Event& event) {
    std::string head;
    head += static_cast<char>(event.kind);
    head += static_cast<char>(event.subject);
    head += static_cast<char>(event.error);
    head += static_cast<char>(event.error >> 8);
    head += encoded(event.fuel) + encoded(event.number) + encoded(event.bytes.size());
    failed_ = failed_ || std::fwrite(head.data(), 1, head.size(), file_.get()) != head.size() ||
              std::fwrite(event.bytes.data(), 1, event.bytes.size(), file_.get()) != event.bytes.size() ||
              std::fflush(file_.get()) != 0; // whatever ends the process, the log has all that it was told
}

void LogWriter::finish() {
    if (failed_)
        throw Failure("warpbeam: cannot write " + path_);
}

LogReader::LogReader(const std::string& path)
    : file_{std::fopen(path.c_str(), "rb"), std::fclose}, path_{path} {
    if (!file_)
        throw Failure("warpbeam: cannot open " + path + ": " + std::strerror(errno));
    uint8_t head[8];
    if (std::fread(head, 1, sizeof head, file_.get()) != sizeof head ||
        std::memcmp(head, magic.data(), sizeof head) != 0)
        throw Failure(path + ": not a log that warpbeam run --record has written");
    const std::vector<uint8_t> program = bytes(size());
    state_ = program_state({reinterpret_cast<const char*>(program.data()), program.size()}, path);
    module_ = bytes(size());
    first_ = std::ftell(file_.get());
}

void LogReader::read(std::span<uint8_t> to) {
    if (std::fread(to.data(), 1, to.size(), file_.get()) != to.size())
        throw Failure(path_ + " ends there: the recording was cut off");
}

uint64_t LogReader::number() {
    uint8_t encoded[8];
    read(encoded);
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i)
        value |= uint64_t{encoded[i]} << (8 * i);
    return value;
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

Event LogReader::head(uint64_t& size) {
    uint8_t first[4];
    read(first);
    if (first[0] > static_cast<uint8_t>(EventKind::end))
        throw Failure(path_ + ": the log is damaged");
    Event event;
    event.kind = static_cast<EventKind>(first[0]);
    event.subject = first[1];
    event.error = static_cast<uint16_t>(first[2] | first[3] << 8);
    event.fuel = number();
    event.number = number();
    size = this->size();
    return event;
}

Event LogReader::next() {
    uint64_t size = 0;
    Event event = head(size);
    event.bytes = bytes(size);
    return event;
}

uint64_t LogReader::size() {
    const uint64_t size = number();
    if (size > max_bytes)
        throw Failure(path_ + ": the log is damaged");
    return size;
}

std::vector<Event> LogReader::seek(uint64_t fuel) {
    if (std::fseek(file_.get(), 0, SEEK_END) != 0)
        throw Failure(path_ + ": the log must be a file that can be read from any position");
    const long end = std::ftell(file_.get());
    std::vector<long> snapshots; // where they begin
    long at = first_;
    try {
        for (;;) {
            (void)std::fseek(file_.get(), at, SEEK_SET);
            uint64_t size = 0;
            const Event event = head(size);
            const long next = std::ftell(file_.get()) + static_cast<long>(size);
            if (event.kind == EventKind::end || event.fuel > fuel || next > end)
                break;
            if (event.kind == EventKind::snapshot) {
                if ((event.number & Event::complete) != 0)
                    snapshots.clear();
                snapshots.push_back(at);
            }
            at = next;
        }
    } catch (const Failure&) { // the replay will report it where it comes to that
    }
    std::vector<Event> series;
    for (const long position : snapshots) {
        (void)std::fseek(file_.get(), position, SEEK_SET);
        series.push_back(next());
    }
    if (series.empty())
        (void)std::fseek(file_.get(), first_, SEEK_SET);
    return series;
}

// ---- Recording ----

namespace {

class RecordedHost final : public wasi::Host {
public:
    RecordedHost(wasi::Host& from, LogWriter& log, FuelUsed used)
        : from_{from}, log_{log}, used_{std::move(used)} {}

    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        const auto count = from_.read(into);
        return note(EventKind::read, 0, count,
                    {into.begin(), into.begin() + static_cast<ptrdiff_t>(count.value_or(0))});
    }
    std::expected<size_t, Errno> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        return note(EventKind::write, static_cast<uint8_t>(stream), from_.write(stream, bytes),
                    digest_of(bytes));
    }
    bool is_terminal(Stream stream) const noexcept override {
        const std::expected<size_t, Errno> answer = from_.is_terminal(stream) ? 1 : 0;
        return *note(EventKind::is_terminal, static_cast<uint8_t>(stream), answer) != 0;
    }
    std::expected<uint64_t, Errno> now(Clock clock) const noexcept override {
        return note(EventKind::now, static_cast<uint8_t>(clock), from_.now(clock));
    }
    std::expected<uint64_t, Errno> resolution(Clock clock) const noexcept override {
        return note(EventKind::resolution, static_cast<uint8_t>(clock), from_.resolution(clock));
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        from_.sleep(nanoseconds);
        (void)note(EventKind::sleep, 0, std::expected<uint64_t, Errno>{nanoseconds});
    }
    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        const auto filled = from_.random(into);
        const std::expected<uint64_t, Errno> answer =
            filled ? std::expected<uint64_t, Errno>{0} : std::unexpected{filled.error()};
        (void)note(EventKind::random, 0, answer, {into.begin(), into.end()});
        return filled;
    }

private:
    template <typename T>
    std::expected<T, Errno> note(EventKind kind, uint8_t subject, std::expected<T, Errno> answer,
                                 std::vector<uint8_t> bytes = {}) const {
        Event event;
        event.kind = kind;
        event.fuel = used_();
        event.subject = subject;
        event.error = answer ? uint16_t{0} : static_cast<uint16_t>(answer.error());
        event.number = answer ? static_cast<uint64_t>(*answer) : 0;
        event.bytes = std::move(bytes);
        log_.write(event);
        return answer;
    }

    wasi::Host& from_;
    LogWriter& log_;
    FuelUsed used_;
};

// ---- Replaying ----

class LogHost final : public ReplayedHost {
public:
    LogHost(LogReader& log, bool quiet, FuelUsed used) : log_{log}, quiet_{quiet}, used_{std::move(used)} {}

    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        const Event event = take(EventKind::read, 0);
        if (event.error != 0)
            return std::unexpected{static_cast<Errno>(event.error)};
        if (event.bytes.size() > into.size())
            differ("a read of " + std::to_string(into.size()) + " bytes got " +
                   std::to_string(event.bytes.size()));
        const size_t count = std::min(into.size(), event.bytes.size());
        std::copy_n(event.bytes.begin(), count, into.begin());
        return count;
    }
    std::expected<size_t, Errno> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        const Event event = take(EventKind::write, static_cast<uint8_t>(stream));
        if (difference_.empty() && event.bytes != digest_of(bytes))
            differ(std::string{"the program writes other bytes to standard "} +
                   (stream == Stream::err ? "error" : "output"));
        if (event.error != 0)
            return std::unexpected{static_cast<Errno>(event.error)};
        const auto count = static_cast<size_t>(std::min<uint64_t>(event.number, bytes.size()));
        if (!quiet_ && difference_.empty())
            write_again(stream == Stream::err ? 2 : 1, bytes.first(count));
        return count;
    }
    bool is_terminal(Stream stream) const noexcept override {
        return take(EventKind::is_terminal, static_cast<uint8_t>(stream)).number != 0;
    }
    std::expected<uint64_t, Errno> now(Clock clock) const noexcept override {
        return answer(take(EventKind::now, static_cast<uint8_t>(clock)));
    }
    std::expected<uint64_t, Errno> resolution(Clock clock) const noexcept override {
        return answer(take(EventKind::resolution, static_cast<uint8_t>(clock)));
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        if (const Event event = take(EventKind::sleep, 0); event.number != nanoseconds)
            differ("it sleeps for " + std::to_string(nanoseconds) + " ns instead of " +
                   std::to_string(event.number));
    }
    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        const Event event = take(EventKind::random, 0);
        if (event.error != 0)
            return std::unexpected{static_cast<Errno>(event.error)};
        if (event.bytes.size() != into.size())
            differ("it asks for " + std::to_string(into.size()) + " random bytes instead of " +
                   std::to_string(event.bytes.size()));
        std::copy_n(event.bytes.begin(), std::min(into.size(), event.bytes.size()), into.begin());
        return {};
    }

    const std::string& difference() const noexcept override { return difference_; }
    void expect_end(const Digest& digest) override {
        const Event event = take(EventKind::end, 0);
        if (difference_.empty() && event.bytes != std::vector<uint8_t>(digest.begin(), digest.end()))
            differ("memory, globals or tables are different at the end");
    }

private:
    static std::expected<uint64_t, Errno> answer(const Event& event) {
        if (event.error != 0)
            return std::unexpected{static_cast<Errno>(event.error)};
        return event.number;
    }
    /// The next event, which must be of this kind. After a difference, an error.
    Event take(EventKind kind, uint8_t subject) const {
        Event event;
        event.error = static_cast<uint16_t>(Errno::io);
        if (!difference_.empty())
            return event;
        try {
            do
                event = log_.next();
            while (event.kind == EventKind::snapshot);
        } catch (const Failure& failure) {
            difference_ = "after " + std::to_string(used_()) + " units of fuel: " + failure.what();
            return event;
        }
        if (event.kind != kind || event.subject != subject)
            differ(std::string{"it calls "} + name_of(kind) + " (" + std::to_string(subject) +
                   ") instead of " + name_of(event.kind) + " (" + std::to_string(event.subject) + ")");
        else if (event.fuel != used_())
            differ(std::string{name_of(kind)} + " comes after " + std::to_string(used_()) +
                   " units of fuel instead of " + std::to_string(event.fuel));
        return event;
    }
    void write_again(int file, std::span<const uint8_t> bytes) {
        while (!bytes.empty()) {
            const ssize_t count = ::write(file, bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0) {
                difference_ = "the output can't be written: " + std::string{std::strerror(errno)};
                return;
            }
            bytes = bytes.subspan(static_cast<size_t>(count));
        }
    }
    void differ(const std::string& what) const {
        if (difference_.empty())
            difference_ = "the replay differs from the log after " + std::to_string(used_()) +
                          " units of fuel: " + what;
    }

    LogReader& log_;
    bool quiet_;
    FuelUsed used_;
    mutable std::string difference_;
};

} // namespace

std::unique_ptr<wasi::Host> record(wasi::Host& from, LogWriter& log, FuelUsed used) {
    return std::make_unique<RecordedHost>(from, log, std::move(used));
}
std::unique_ptr<ReplayedHost> replay_from(LogReader& log, bool quiet, FuelUsed used) {
    return std::make_unique<LogHost>(log, quiet, std::move(used));
}

} // namespace warpbeam::cli
