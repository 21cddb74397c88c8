#pragma once

#include <warpbeam/vm/trap.hpp>
#include <warpbeam/wasi/host.hpp>

#include <expected>
#include <span>

/// @file
/// Records of what each call of WASI has done to a program, from which the program can run again without its
/// files, sockets, streams and clocks: see Context::record and Context::replay.
///
/// A record has the function, its arguments and its result, the fuel that it took, a checksum of what it read
/// in the program's memory, and all that it wrote there. One call is one record, also if it had to wait and
/// was made again. `proc_exit` has none: its argument says all.

namespace warpbeam::wasi {

/// Takes the records of a program's calls.
class CallSink {
public:
    /// Told that a call begins, before it takes fuel. If it has to wait, it begins again. Unless overridden,
    /// it does nothing.
    virtual void begin() noexcept {}
    /// Takes the record of a call that has ended: these parts, one after another, which are only valid during
    /// the call. A trap ends the program.
    [[nodiscard]] virtual std::expected<void, Trap>
    write(std::span<const std::span<const uint8_t>> parts) noexcept = 0;

protected:
    ~CallSink() = default;
};

/// Gives the records of a program's calls, in order.
class CallSource {
public:
    /// The record of the next call, valid until the next is asked for. A trap, for example because there is
    /// none, ends the program.
    [[nodiscard]] virtual std::expected<std::span<const uint8_t>, Trap> next() noexcept = 0;
    /// Told what the program writes to `out` or `err`, as far as it was accepted when it was recorded. A trap
    /// ends the program. Unless overridden, it does nothing.
    [[nodiscard]] virtual std::expected<void, Trap> write(Stream /*stream*/,
                                                          std::span<const uint8_t> /*bytes*/) noexcept {
        return {};
    }

protected:
    ~CallSource() = default;
};

} // namespace warpbeam::wasi
