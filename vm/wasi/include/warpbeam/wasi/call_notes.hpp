#pragma once

#include <warpbeam/memory/vec.hpp>
#include <warpbeam/wasi/host.hpp>

#include <algorithm>
#include <cstdint>
#include <span>

namespace warpbeam::wasi {

/// For the functions of WASI: what a call that is recorded does with the program's memory, and beside its
/// result. Thread-safety: one thread at a time.
class CallNotes {
public:
    /// A part of the memory.
    struct Range {
        uint64_t address; ///< where it begins
        uint64_t size;    ///< in bytes
    };

    /// Without any.
    explicit CallNotes(Allocator& allocator) noexcept
        : inputs_{allocator}, outputs_{allocator}, head_{allocator}, parts_{allocator} {}

    /// Forgets the last call.
    void begin() noexcept;
    /// What the call does depends on these bytes, which are at that address.
    void input(uint64_t address, std::span<const uint8_t> bytes) noexcept;
    /// The call has written there. What is written twice need not be noted twice.
    void output(uint64_t address, uint64_t size) noexcept;
    /// The call has taken fuel for this number of bytes.
    void fuel(uint64_t bytes) noexcept { fuel_ += std::min(bytes, UINT64_MAX - fuel_); }
    /// `size` bytes of the inputs after the first one went to a standard stream.
    void written(Stream stream, uint64_t size) noexcept {
        stream_ = stream;
        written_ = size;
    }

    /// The record of the call, with contents from this memory; empty if there was not enough memory. Valid
    /// until the next call.
    [[nodiscard]] std::span<const std::span<const uint8_t>> record(uint8_t function,
                                                                   std::span<const uint64_t> args,
                                                                   uint64_t result,
                                                                   std::span<const uint8_t> memory) noexcept;

private:
    void number(uint64_t value) noexcept;
    void ranges(std::span<const Range> all) noexcept;

    Vec<Range> inputs_;
    Vec<Range> outputs_;
    Vec<uint8_t> head_;
    Vec<std::span<const uint8_t>> parts_;
    uint64_t fuel_ = 0;
    uint64_t written_ = 0;
    Stream stream_ = Stream::in; ///< `in`: none was written to
    uint32_t checksum_ = 0;      ///< of the inputs
    bool is_complete_ = true;    ///< there was memory for all
};

} // namespace warpbeam::wasi
