#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/handle.hpp>
#include <warpbeam/vm/trap_code.hpp>
#include <warpbeam/vm/type_tag.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam {

class Exception;

/// One function on the stack when a trap occurred.
struct Frame {
    /// Keeps the names valid, also after the end of the store.
    Module module;
    /// The function's index in its module.
    uint32_t func = 0;
    /// The offset in the module's bytes of the instruction that trapped or called; Error::no_offset if
    /// unknown.
    size_t offset = Error::no_offset;

    // Names are as the module has them: before they go to a terminal, take them through `Printable`.

    /// From the name section; empty when the module has no name.
    [[nodiscard]] std::string_view module_name() const noexcept {
        return module ? module.name() : std::string_view{};
    }
    /// From the name section or the exports; empty when the function has no name.
    [[nodiscard]] std::string_view func_name() const noexcept {
        return module ? module.func_name(func) : std::string_view{};
    }
};

/// Functions on the stack, the innermost first.
using Backtrace = Vec<Frame>;

/// A trap: code, message, where it happened. A small value (one pointer and a code) that is cheap to copy and
/// may outlive the store and the engine; when there is no memory for its details, the code and its words
/// remain. The details of a trap that code ends with, and of an exception, come from the engine's allocator;
/// those that `host`, `exit` and `with_message` make come from the standard one unless an allocator is given.
/// Thread-safety: as for any value; copies in different threads share nothing that changes.
class WARPBEAM_API Trap {
public:
    /// A trap with the words of the code as its message.
    explicit Trap(TrapCode code) noexcept : code_{code} {}
    /// What a host function returns in order to trap: `format` is as for printf.
    [[nodiscard, gnu::format(printf, 1, 2)]] static Trap host(const char* format, ...) noexcept;
    /// @{ As `host`, with another code.
    [[nodiscard, gnu::format(printf, 2, 3)]] static Trap with_message(TrapCode code, const char* format,
                                                                      ...) noexcept;
    [[nodiscard, gnu::format(printf, 3, 4)]] static Trap with_message(Allocator& allocator, TrapCode code,
                                                                      const char* format, ...) noexcept;
    /// @}
    /// What a host function returns in order to end the program with a status.
    [[nodiscard]] static Trap exit(int32_t status) noexcept;
    /// What a host function returns in order to throw: code that called it can catch the exception. Include
    /// exception.hpp.
    [[nodiscard]] static Trap thrown(const Exception& exception) noexcept;

    Trap(const Trap&) noexcept;
    Trap(Trap&& other) noexcept
        : code_{other.code_}, status_{other.status_}, details_{std::exchange(other.details_, nullptr)} {}
    Trap& operator=(Trap other) noexcept {
        code_ = other.code_;
        status_ = other.status_;
        std::swap(details_, other.details_);
        return *this;
    }
    ~Trap();

    /// The kind of trap.
    [[nodiscard]] TrapCode code() const noexcept { return code_; }
    /// What happened, with the numbers that matter; it begins with `text_of(code())` unless a host wrote it.
    /// On one line but for several imports that do not fit, and escaped so that it is safe to print.
    [[nodiscard]] std::string_view message() const noexcept;
    /// The functions that were active, the innermost first. A very deep stack is cut at its outer end.
    [[nodiscard]] std::span<const Frame> backtrace() const noexcept;
    /// How many frames the backtrace left out.
    [[nodiscard]] size_t omitted_frames() const noexcept;
    /// The status of a trap with the code `exit`.
    [[nodiscard]] int32_t exit_status() const noexcept { return code_ == TrapCode::exit ? status_ : 0; }

    /// A number of the embedder's own, so that it knows its traps again; 0 unless `with_host_code` set it.
    [[nodiscard]] int32_t host_code() const noexcept { return code_ == TrapCode::exit ? 0 : status_; }
    /// Sets it; without effect on a trap with the code `exit`.
    Trap& with_host_code(int32_t code) noexcept {
        if (code_ != TrapCode::exit)
            status_ = code;
        return *this;
    }
    /// Makes the trap carry an object of the embedder's, which its copies share and which ends with the last
    /// of them, on whatever thread. If there is no memory, it carries none.
    template <typename T>
    Trap& with_payload(T object, Allocator& allocator = Allocator::standard()) noexcept {
        T* const kept = create<T>(allocator, std::move(object));
        if (kept != nullptr)
            set_payload(allocator, kept, &detail::TypeTag<T>::address,
                        [](Allocator& from, void* old) noexcept { destroy(from, static_cast<T*>(old)); });
        return *this;
    }
    /// The object, if one of that type was given; else null.
    template <typename T>
    [[nodiscard]] const T* payload() const noexcept {
        return static_cast<const T*>(find_payload(&detail::TypeTag<T>::address));
    }

    /// The exception that nobody caught; a host function which returns this trap throws it again. None for
    /// other traps, when the exception's store has ended, or when there was no memory for it. Include
    /// exception.hpp.
    [[nodiscard]] std::optional<Exception> exception() const noexcept;

    /// The trap that led to this one; null when there is none.
    [[nodiscard]] const Trap* cause() const noexcept;
    /// Records the trap that led to this one: for a host function that called WebAssembly in turn.
    Trap& caused_by(const Trap& cause) noexcept;

private:
    friend class TrapBuilder; // the library's
    friend struct vm::Internal;
    struct Details;
    using Drop = void (*)(Allocator& allocator, void* object) noexcept;
    /// Takes over the object, also when there is no memory for the details.
    void set_payload(Allocator& allocator, void* object, const void* tag, Drop drop) noexcept;
    [[nodiscard]] const void* find_payload(const void* tag) const noexcept;
    /// Details that only this trap refers to, with what it had before; null when there is no memory.
    Details* own_details(Allocator& allocator) noexcept;

    TrapCode code_;
    int32_t status_ = 0;
    Details* details_ = nullptr;
};

} // namespace warpbeam
