#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/host.hpp>

#include <expected>
#include <string_view>

/// @file
/// WASI preview 1 for programs that use standard streams, arguments, environment variables, clocks and random
/// numbers. Files, directories and sockets are missing: their functions exist, so that programs link, but
/// return `nosys`. https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md

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

/// The arguments, environment and streams of one program.
/// Thread-safety: that of the program, so one thread at a time.
class Context {
public:
    /// Without arguments and environment variables yet. Host and allocator must outlive the context.
    explicit Context(Host& host = native_host(), Allocator& allocator = Allocator::standard()) noexcept
        : host_{&host}, args_{allocator}, env_{allocator} {}

    /// Appends an argument; the first is the program's name. Errors: as for StringList::add.
    [[nodiscard]] std::expected<void, Error> add_arg(std::string_view arg) noexcept { return args_.add(arg); }
    /// Appends an environment variable. Errors: as for StringList::add.
    [[nodiscard]] std::expected<void, Error> add_env(std::string_view name, std::string_view value) noexcept {
        return env_.add(name, "=", value);
    }

    /// The program's access to its environment.
    [[nodiscard]] Host& host() const noexcept { return *host_; }
    /// The arguments; the first is the program's name.
    [[nodiscard]] const StringList& args() const noexcept { return args_; }
    /// The environment variables, as `name=value`.
    [[nodiscard]] const StringList& env() const noexcept { return env_; }

    /// Whether the file descriptor (any number) is open.
    [[nodiscard]] bool is_open(uint32_t fd) const noexcept { return fd < 3 && open_[fd]; }
    /// Closes the file descriptor. Precondition: it is open.
    void close(uint32_t fd) noexcept { open_[fd] = false; }

private:
    Host* host_;
    StringList args_;
    StringList env_;
    bool open_[3] = {true, true, true};
};

/// Defines all functions of the module `wasi_snapshot_preview1`. The context must outlive the linker and all
/// stores in which it instantiates modules. A program that calls `proc_exit` ends with a trap whose code is
/// `exit`. Errors: as for Linker::define.
[[nodiscard]] WARPBEAM_API std::expected<void, Error> define(Linker& linker, Context& context) noexcept;

} // namespace warpbeam::wasi
