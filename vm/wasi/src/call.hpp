#pragma once

#include "context_lock.hpp"

#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <limits.h>
#include <optional>

/// One call of a WASI function. Pointers into the guest's memory are never trusted: a function checks those
/// for its results before it does anything.

namespace warpbeam::wasi {

/// An address or a size from the guest: 32 or 64 bits wide there.
struct Ptr {
    uint64_t value;
    [[nodiscard]] Ptr operator+(uint64_t offset) const noexcept {
        // An address that overflows is out of bounds anyway.
        return {value + offset < value ? UINT64_MAX : value + offset};
    }
};
struct Size {
    uint64_t value;
};

/// A file descriptor that is open. Valid until the call waits: then `Call::wait_for` looks for it again.
struct OpenFd {
    uint32_t number;
    Descriptor* descriptor;
    Descriptor* operator->() const noexcept { return descriptor; }
    Descriptor& operator*() const noexcept { return *descriptor; }
    [[nodiscard]] File& file() const noexcept { return *descriptor->file; }
};
/// One that allows all that.
template <Rights needed>
struct Fd : OpenFd {
    static constexpr Rights rights = needed;
};

/// How the guest was compiled.
struct Abi {
    bool is_wide = false;     ///< addresses and sizes have 64 bits
    bool is_unstable = false; ///< `wasi_unstable`
    [[nodiscard]] uint64_t pointer_size() const noexcept { return is_wide ? 8 : 4; }
};

/// A path from the guest, copied: the guest's other threads can't change it after it was checked.
class Path {
public:
    [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }
    [[nodiscard]] std::span<char> take(size_t size) noexcept {
        size_ = size;
        return {text_, size};
    }
    static constexpr size_t max_size = PATH_MAX - 1;

private:
    char text_[max_size];
    size_t size_ = 0;
};

class Call {
public:
    /// Nothing moves the memory during the call: no code of the store runs.
    Call(Context& from, Caller& by, std::span<uint8_t> in, Abi with, ContextLock* lock) noexcept
        : context{from}, caller{by}, memory{in}, abi{with},
          notes{from.recorder() != nullptr ? &from.call_notes() : nullptr}, held_{lock} {
        if (notes != nullptr) [[unlikely]] {
            notes->begin();
            context.recorder()->begin();
        }
    }

    Context& context;
    Caller& caller;
    std::span<uint8_t> memory;
    Abi abi;
    CallNotes* notes; ///< null if the call is not recorded
    /// Why the call has not ended: the execution is to stop. The errno doesn't count then.
    std::optional<Trap> stopped;

    /// That range of the memory; nothing if it is out of bounds.
    [[nodiscard]] std::optional<std::span<uint8_t>> bytes(Ptr address, uint64_t size) const noexcept {
        if (!has(address, size))
            return std::nullopt;
        return memory.subspan(static_cast<size_t>(address.value), static_cast<size_t>(size));
    }
    [[nodiscard]] bool has(Ptr address, uint64_t size) const noexcept {
        return size <= memory.size() && address.value <= memory.size() - size;
    }
    [[nodiscard]] bool has_pointer(Ptr address) const noexcept { return has(address, abi.pointer_size()); }

    template <typename T>
    [[nodiscard]] Errno put(Ptr address, T value) const noexcept {
        if (!has(address, sizeof(T)))
            return Errno::fault;
        detail::store_number(memory.data() + address.value, value);
        note_output({memory.data() + address.value, sizeof(T)});
        return Errno::success;
    }
    [[nodiscard]] Errno put_pointer(Ptr address, uint64_t value) const noexcept {
        return abi.is_wide ? put(address, value) : put(address, static_cast<uint32_t>(value));
    }
    /// Reads from a range that was checked.
    template <typename T>
    [[nodiscard]] T get(Ptr address) const noexcept {
        return detail::load_number<T>(memory.data() + address.value);
    }
    [[nodiscard]] uint64_t get_pointer(Ptr address) const noexcept {
        return abi.is_wide ? get<uint64_t>(address) : get<uint32_t>(address);
    }

    /// @{ For a record of the call: what it does depends on these bytes of the memory, or it has written
    /// them. `put` and `get_path` say it by themselves.
    void note_input(std::span<const uint8_t> bytes) const noexcept {
        if (notes != nullptr) [[unlikely]]
            notes->input(static_cast<uint64_t>(bytes.data() - memory.data()), bytes);
    }
    void note_output(std::span<const uint8_t> bytes) const noexcept {
        if (notes != nullptr) [[unlikely]]
            notes->output(static_cast<uint64_t>(bytes.data() - memory.data()), bytes.size());
    }
    /// @}
    /// Takes fuel for this number of bytes, which a record says, too.
    void take_fuel(uint64_t bytes) const noexcept {
        caller.take_fuel(bytes);
        if (notes != nullptr) [[unlikely]]
            notes->fuel(bytes);
    }

    /// Copies a path. Errors: `fault`; `nametoolong`; `inval` if it contains a zero byte; `noent` if it is
    /// empty.
    [[nodiscard]] Errno get_path(Ptr address, Size size, Path& path) const noexcept;

    /// Waits until a stream is ready, unless it has no need. False if the call ends without it: `why` says
    /// how. So it does if another thread has closed the stream meanwhile.
    [[nodiscard]] bool wait_for(OpenFd& fd, Readiness which, Errno& why) noexcept;

    /// Waits after a stream has said `again`, perhaps although it was ready: another reader or writer was
    /// faster. False if the call ends with that: `why` says how.
    [[nodiscard]] bool wait_again(OpenFd& fd, Readiness which, Errno& why) noexcept;
    /// Whether a wait ends the execution's `resume` instead.
    [[nodiscard]] bool may_suspend() const noexcept {
        return context.suspends() && caller.can_suspend() && !context.is_shared();
    }
    /// Waits as Host::wait does. False if the execution is to stop instead. The context's lock is not held
    /// meanwhile: other threads may close descriptors and open others. The streams must stay open.
    [[nodiscard]] bool wait(std::span<const WaitFor> streams, uint64_t nanoseconds) noexcept;

    /// Ends the call so that it is made again when the execution goes on. The errno that is returned does
    /// not count.
    Errno stop() noexcept {
        stopped = Trap{TrapCode::interrupted};
        return Errno::intr;
    }

private:
    /// Waits for a stream of the operating system, or for that time; then looks for the descriptor again.
    [[nodiscard]] bool wait_with(OpenFd& fd, std::span<const WaitFor> streams, uint64_t nanoseconds,
                                 Errno& why) noexcept;
    Held held_;
};

/// The first error of two checks.
#define WARPBEAM_WASI_TRY(expression)                                                                        \
    if (const ::warpbeam::wasi::Errno warpbeam_errno = (expression);                                         \
        warpbeam_errno != ::warpbeam::wasi::Errno::success)                                                  \
    return warpbeam_errno

/// The errno of an outcome without a value.
[[nodiscard]] inline Errno errno_of(const Result<>& result) noexcept {
    return result ? Errno::success : result.error();
}

} // namespace warpbeam::wasi
