#pragma once

#include "saved_program.hpp"

#include <warpbeam/wasi/host.hpp>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Logs of what a program was told by the outside world, from which it is run again.
///
/// The file: a head, then events. Each has its kind, the fuel that the program had used, and an answer: what
/// a call of the host returned. Between them are snapshots, from which a replay can start. The last event is
/// the end, with the digest of the final state.

namespace warpbeam::cli {

/// What a log begins with: the first six bytes are the same in every version.
inline constexpr std::string_view log_magic{"\0wblog\1\n", 8};

enum class EventKind : uint8_t { read, write, is_terminal, now, resolution, sleep, random, snapshot, end };

struct Event {
    EventKind kind = EventKind::end;
    uint64_t fuel = 0;          ///< used before it
    uint8_t subject = 0;        ///< the stream or clock
    uint16_t error = 0;         ///< an errno
    uint64_t number = 0;        ///< what was returned, or how long to sleep
    std::vector<uint8_t> bytes; ///< read, random, a snapshot, or the digest of what was written

    /// In the number of a snapshot, whose low bits say which streams are open: it needs none before it.
    static constexpr uint64_t complete = 8;
};
[[nodiscard]] const char* name_of(EventKind kind) noexcept;

/// How much fuel has been used so far.
using FuelUsed = std::function<uint64_t()>;

/// Writes a log.
class LogWriter {
public:
    /// Throws Failure if the file can't be made.
    LogWriter(const std::string& path, const ProgramState& state, std::span<const uint8_t> module);
    void write(const Event& event);
    /// Throws Failure if a write has failed.
    void finish();

private:
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    std::string path_;
    bool failed_ = false;
};

/// Reads a log. All functions throw Failure if the file is no log, or damaged.
class LogReader {
public:
    explicit LogReader(const std::string& path);
    [[nodiscard]] const ProgramState& state() const noexcept { return state_; }
    [[nodiscard]] const std::vector<uint8_t>& module() const noexcept { return module_; }
    /// The next event; the end has no successor.
    [[nodiscard]] Event next();
    /// Goes back to the first event, or to the one after the last snapshot that was made before so much fuel
    /// was used; returns that snapshot, after those that it needs, from a complete one on. Empty if there is
    /// none.
    [[nodiscard]] std::vector<Event> seek(uint64_t fuel);

private:
    void read(std::span<uint8_t> to);
    /// An event whose bytes come next, and how many they are.
    [[nodiscard]] Event head(uint64_t& size);
    [[nodiscard]] uint64_t number();
    [[nodiscard]] uint64_t size();
    [[nodiscard]] std::vector<uint8_t> bytes(uint64_t size);

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    std::string path_;
    ProgramState state_;
    std::vector<uint8_t> module_;
    long first_ = 0; ///< the position of the first event
};

/// A host whose answers are written to a log.
[[nodiscard]] std::unique_ptr<wasi::Host> record(wasi::Host& from, LogWriter& log, FuelUsed used);

/// A host that gives the answers of a log, and still writes to the standard streams. At the first difference
/// it says so, and every call after that fails.
class ReplayedHost : public wasi::Host {
public:
    /// What was different; empty if nothing was.
    [[nodiscard]] virtual const std::string& difference() const noexcept = 0;
    /// Checks that the log ends here, with this digest.
    virtual void expect_end(const Digest& digest) = 0;
};
[[nodiscard]] std::unique_ptr<ReplayedHost> replay_from(LogReader& log, bool quiet, FuelUsed used);

/// How a run is recorded.
struct RecordSettings {
    std::string path;                             ///< empty: it is not
    uint64_t snapshots_every = uint64_t{1} << 32; ///< units of fuel
    bool print_fuel = false;
};
/// Runs a program and records it. Returns the exit status.
[[nodiscard]] int record_program(const ProgramState& state, std::span<const uint8_t> module, wasi::Host& host,
                                 const RecordSettings& settings);

} // namespace warpbeam::cli
