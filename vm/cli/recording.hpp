#pragma once

#include "saved_program.hpp"

#include <warpbeam/wasi/recording.hpp>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Logs of what a program was told by the outside world, from which it is run again.
///
/// The file: what it begins with, the program's limits (the size of its stack, and of memory), its module
/// after its size, and a checksum. Then events: a byte for the kind; the fuel that was used since the event
/// before, and the size of the contents, both in LEB128; the contents; a checksum of all that. Numbers of
/// fixed width are little-endian; a checksum is the CRC-32 in four bytes. Most events are calls of WASI
/// functions. Between them are snapshots, from which a replay can start. The last event is the end, with the
/// digest of the final state.

namespace warpbeam::cli {

/// What a log begins with: the first six bytes are the same in every version, the next is the version.
inline constexpr std::string_view log_magic{"\0wblog\2\n", 8};

enum class EventKind : uint8_t {
    call,
    snapshot,
    complete_snapshot, ///< it needs none before it
    end
};

/// How much fuel has been used so far.
using FuelUsed = std::function<uint64_t()>;

struct Event {
    EventKind kind = EventKind::end;
    uint64_t fuel = 0;          ///< used before it
    uint64_t position = 0;      ///< in the file
    std::vector<uint8_t> bytes; ///< the record of a call, a snapshot, or the digest
};

/// Writes a log. Calls are written as they end, so whatever ends the process, the log has them.
class LogWriter final : public wasi::CallSink {
public:
    /// Of a program with the limits of that one. Throws Failure if the file can't be made.
    LogWriter(const std::string& path, const ProgramState& state, std::span<const uint8_t> module,
              FuelUsed used);
    void begin() noexcept override { before_ = used_(); }
    std::expected<void, Trap> write(std::span<const std::span<const uint8_t>> parts) noexcept override;
    /// Writes another event, after the fuel that was used so far.
    void write(EventKind kind, std::span<const uint8_t> bytes) noexcept {
        write(kind, used_(), std::span{&bytes, 1});
    }
    /// Throws Failure if a write has failed.
    void check() const;

private:
    void write(EventKind kind, uint64_t fuel, std::span<const std::span<const uint8_t>> parts) noexcept;
    void put(std::span<const uint8_t> bytes) noexcept;
    void flush() noexcept;

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    std::string path_;
    FuelUsed used_;
    uint64_t before_ = 0; ///< the fuel that was used before the call that is being made
    uint64_t fuel_ = 0;   ///< that of the last event
    int error_ = 0;       ///< of the first write that failed
};

/// Reads a log. All functions throw Failure if the file is no log, or damaged.
class LogReader {
public:
    explicit LogReader(const std::string& path);
    /// A program with its limits, and nothing else.
    [[nodiscard]] const ProgramState& state() const noexcept { return state_; }
    [[nodiscard]] const std::vector<uint8_t>& module() const noexcept { return module_; }
    /// The next event; the end has no successor.
    [[nodiscard]] Event next();
    /// Goes back to the first event, or to the one after the last snapshot that was made before so much fuel
    /// was used; returns that snapshot, after those that it needs, from a complete one on. Empty if there is
    /// none.
    [[nodiscard]] std::vector<Event> seek(uint64_t fuel);

private:
    /// An event whose contents come next, and how many bytes they are.
    [[nodiscard]] Event head(uint64_t& size);
    void read(std::span<uint8_t> to);
    [[nodiscard]] uint64_t number();
    [[nodiscard]] std::vector<uint8_t> bytes(uint64_t size);
    void check_sum();
    [[noreturn]] void fail_damaged() const;

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    std::string path_;
    ProgramState state_;
    std::vector<uint8_t> module_;
    uint64_t first_ = 0; ///< the position of the first event
    uint64_t at_ = 0;    ///< of what is read next
    uint64_t begin_ = 0; ///< of the event that is read
    uint64_t fuel_ = 0;  ///< of the last event
    uint32_t sum_ = 0;   ///< of what was read of the event
};

/// Gives a program the calls of a log, and writes again what it wrote to the standard streams.
class LoggedCalls final : public wasi::CallSource {
public:
    LoggedCalls(LogReader& log, bool quiet, FuelUsed used)
        : log_{log}, quiet_{quiet}, used_{std::move(used)} {}
    std::expected<std::span<const uint8_t>, Trap> next() noexcept override;
    std::expected<void, Trap> write(wasi::Stream stream, std::span<const uint8_t> bytes) noexcept override;

    /// Checks that the log ends here, with this digest. Throws Failure otherwise.
    void expect_end(const Digest& digest);
    /// Why it has ended the program, or else that this is a difference, which the last event shows.
    [[nodiscard]] std::string failure(std::string_view what) const;

private:
    [[nodiscard]] std::unexpected<Trap> fail(std::string why);
    [[nodiscard]] std::string difference(std::string_view what) const;
    /// The next event, after snapshots, which only help those who want to begin there.
    void take();

    LogReader& log_;
    bool quiet_;
    FuelUsed used_;
    Event event_;
    std::string failure_; ///< why this has ended the program
};

/// How a run is recorded.
struct RecordSettings {
    std::string path;                             ///< empty: it is not
    uint64_t snapshots_every = uint64_t{1} << 32; ///< units of fuel
    bool print_fuel = false;
};
/// Runs a program and records it. Returns the exit status.
[[nodiscard]] int record_program(const ProgramState& state, std::span<const uint8_t> module,
                                 const RecordSettings& settings);

} // namespace warpbeam::cli
