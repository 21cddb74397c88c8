#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/call_notes.hpp>
#include <warpbeam/wasi/descriptor.hpp>
#include <warpbeam/wasi/host.hpp>
#include <warpbeam/wasi/poll_starts.hpp>
#include <warpbeam/wasi/recording.hpp>

#include <expected>
#include <optional>
#include <string_view>

/// @file
/// WASI preview 1: what a program sees of the world is what its context was given, and nothing else.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md

namespace warpbeam::wasi {

/// Strings in WASI's layout: one after another, each followed by a zero byte. Thread-safety: one thread at a
/// time.
class WARPBEAM_API StringList {
public:
    /// An empty list.
    explicit StringList(Allocator& allocator) noexcept : bytes_{allocator}, starts_{allocator} {}
    /// Appends `head`, `separator` and `tail` as one string. Errors: `usage` for a string that contains a
    /// zero byte, `limit` if the total would not fit into a memory, `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> add(std::string_view head, std::string_view separator = {},
                                                 std::string_view tail = {}) noexcept;

    /// The strings, as they are copied into a memory.
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return bytes_; }
    /// The position in `bytes` of each string.
    [[nodiscard]] std::span<const uint32_t> starts() const noexcept { return starts_; }

private:
    Vec<uint8_t> bytes_;
    Vec<uint32_t> starts_;
};

/// What a program may do with a directory that it is given.
enum class Access : uint8_t { read_only, read_write };

/// A directory that a program was given, and what descriptors for it may be used for.
struct Root {
    Ref<Directory> directory; ///< the directory
    Rights rights;            ///< of its descriptor
    Rights inheriting;        ///< of those that are opened through it
};

/// One of the standard streams of a host, as a file.
class WARPBEAM_API HostStream final : public File {
public:
    /// Of that host, which must live as long.
    HostStream(Host& host, Stream stream) noexcept : host_{&host}, stream_{stream} {}
    [[nodiscard]] FileType type() const noexcept override;
    [[nodiscard]] bool is_seekable() const noexcept override { return false; }
    [[nodiscard]] Result<Filestat> stat() noexcept override { return host_->stat(stream_); }
    [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) noexcept override;
    [[nodiscard]] Result<size_t> write(std::span<const uint8_t> bytes) noexcept override;
    [[nodiscard]] Result<Ready> ready(Readiness which) noexcept override;
    [[nodiscard]] int native_descriptor() const noexcept override {
        return host_->native_descriptor(stream_);
    }

private:
    Host* host_;
    Stream stream_;
};

class ContextLock;

/// The world of one program: arguments, environment variables, and file descriptors. The first three
/// descriptors are the host's standard streams.
/// Thread-safety: that of the program, so one thread at a time; see also `share`.
class WARPBEAM_API Context {
public:
    /// Without arguments, environment variables and files yet. Host and allocator must outlive the context.
    explicit Context(Host& host = native_host(), Allocator& allocator = Allocator::standard()) noexcept;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context();

    /// Appends an argument; the first is the program's name. Errors: as for StringList::add.
    [[nodiscard]] std::expected<void, Error> add_arg(std::string_view arg) noexcept { return args_.add(arg); }
    /// Appends an environment variable. Errors: `usage` for a name that is empty or contains '='; as for
    /// StringList::add.
    [[nodiscard]] std::expected<void, Error> add_env(std::string_view name, std::string_view value) noexcept;
    /// Gives the program a directory, which it finds under that name, for example "/data". Errors:
    /// `usage` for a name that is empty or contains a zero byte; `limit`, `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> add_directory(std::string_view name, Ref<Directory> directory,
                                                           Access access = Access::read_write) noexcept;
    /// Gives the program an open file, for example a socket that listens, under the next number. Errors:
    /// `limit`, `out_of_memory`.
    [[nodiscard]] std::expected<uint32_t, Error> add_file(Ref<File> file) noexcept;
    /// Replaces a standard stream, for example by a buffer (streams.hpp). Errors: `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> set_stream(Stream stream, Ref<File> file) noexcept;
    /// How many descriptors the program may have, the standard streams included; 65,536 unless it is set.
    void set_max_descriptors(uint32_t count) noexcept { descriptors_.set_limit(count); }

    /// From now on, programs in several threads may call WASI's functions with this context at the same time,
    /// as those of `Threads` do (threads.hpp). One of them at a time uses the descriptors and files; a call
    /// that waits lets the others go on. The host must be thread-safe. `set_suspends` has no effect any more:
    /// calls wait in their threads. The embedder still changes the context only while no program runs.
    /// Errors: `out_of_memory`; `usage` if calls are recorded or replayed, which are in one order.
    [[nodiscard]] std::expected<void, Error> share() noexcept;
    /// Whether `share` was called.
    [[nodiscard]] bool is_shared() const noexcept { return lock_ != nullptr; }
    /// For the functions of WASI: null unless it is shared.
    [[nodiscard]] ContextLock* lock() const noexcept { return lock_; }

    /// What an Execution waits for that has stopped in a read, `poll_oneoff` or the like: see `set_suspends`.
    struct Waits {
        std::span<const WaitFor> streams; ///< one of these is to be ready
        /// Or so much time has to go by; UINT64_MAX: for ever. For a moment of the realtime clock, which may
        /// be set, it is a second at most.
        uint64_t nanoseconds;
    };
    /// With `true`, a call of an Execution that would wait ends its `resume`, in the state `interrupted`, and
    /// `waits` says what for. When that has come, or at any time, `resume` makes the call again. So one
    /// thread can serve many programs. At first, such a call waits in the thread.
    void set_suspends(bool suspends) noexcept { suspends_ = suspends; }
    /// See `set_suspends`.
    [[nodiscard]] bool suspends() const noexcept { return suspends_; }
    /// What the call waits for that has ended a `resume`; null if it has ended for another reason. Asked
    /// once: forgotten then. The streams are valid until the next call of the program.
    [[nodiscard]] std::optional<Waits> take_waits() noexcept;
    /// For the functions of WASI: says what `take_waits` returns.
    void set_waits(std::span<const WaitFor> streams, uint64_t nanoseconds) noexcept;
    /// For the functions of WASI: the call does not wait any more.
    void forget_waits() noexcept { has_waits_ = false; }
    /// From now on, what each call does is recorded (recording.hpp); null: no longer. The sink must live as
    /// long as calls are made. Has no effect with a shared context.
    void record(CallSink* sink) noexcept { recorder_ = is_shared() ? nullptr : sink; }
    /// From now on, calls do what these records say, and nothing else: they use no descriptor, no file, and
    /// no function of the host. Null: no longer. The first call that differs from its record, or whose record
    /// is damaged, ends the program with a trap that has the code `host` and says what is wrong; nothing has
    /// been changed then. Meant for Config::deterministic, and for the same module with the same fuel: then
    /// the program does all that it did. The source must live as long as calls are made. Has no
    /// effect with a shared context.
    void replay(CallSource* source) noexcept { replayed_ = is_shared() ? nullptr : source; }
    /// @{ What was given to `record` and `replay`.
    [[nodiscard]] CallSink* recorder() const noexcept { return recorder_; }
    [[nodiscard]] CallSource* replayed() const noexcept { return replayed_; }
    /// @}
    /// For the functions of WASI: notes for the record of a call.
    [[nodiscard]] CallNotes& call_notes() noexcept { return call_notes_; }
    /// For `poll_oneoff`.
    [[nodiscard]] PollStarts& poll_starts() noexcept { return poll_starts_; }

    /// The program's access to its environment.
    [[nodiscard]] Host& host() const noexcept { return *host_; }
    /// The arguments; the first is the program's name.
    [[nodiscard]] const StringList& args() const noexcept { return args_; }
    /// The environment variables, as `name=value`.
    [[nodiscard]] const StringList& env() const noexcept { return env_; }
    /// @{ The file descriptors. If memory ran out for the standard streams, these are closed.
    [[nodiscard]] Descriptors& descriptors() noexcept { return descriptors_; }
    [[nodiscard]] const Descriptors& descriptors() const noexcept { return descriptors_; }
    /// @}
    /// The directories that the program was given, in that order, whether their descriptors are open or not.
    [[nodiscard]] std::span<const Root> roots() const noexcept { return {roots_.data(), roots_.size()}; }
    /// Where the context's memory comes from.
    [[nodiscard]] Allocator& allocator() const noexcept { return allocator_; }

private:
    Host* host_;
    Allocator& allocator_;
    StringList args_;
    StringList env_;
    Descriptors descriptors_;
    Vec<Root> roots_;
    Vec<WaitFor> streams_; ///< that a call waits for
    uint64_t nanoseconds_ = 0;
    PollStarts poll_starts_;
    ContextLock* lock_ = nullptr;
    CallNotes call_notes_;
    CallSink* recorder_ = nullptr;
    CallSource* replayed_ = nullptr;
    bool has_waits_ = false;
    bool suspends_ = false;
};

/// How wide the addresses and sizes are that a program passes: those of its memory.
enum class Pointers : uint8_t { bits32, bits64 };
/// What the WASI functions that a module imports take; `bits32` if it imports none that shows it.
[[nodiscard]] WARPBEAM_API Pointers pointers_of(const Module& module) noexcept;

/// Defines all functions of the modules `wasi_snapshot_preview1` and `wasi_unstable`, its predecessor. The
/// context must outlive the linker and all stores in which it instantiates modules. A program that calls
/// `proc_exit` ends with a trap whose code is `exit`. With `bits64`, addresses and sizes are 64 bits wide,
/// also in structures: for programs that are compiled for memory64. Errors: as for Linker::define.
///
/// A read or a `poll_oneoff` that waits ends when the store is interrupted; an Execution can go on with it
/// later. Reading and writing take fuel by the byte (Caller::take_fuel).
[[nodiscard]] WARPBEAM_API std::expected<void, Error> define(Linker& linker, Context& context,
                                                             Pointers pointers = Pointers::bits32) noexcept;

} // namespace warpbeam::wasi
