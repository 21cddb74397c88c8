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
class Instance;
class Text;
namespace vm {
struct InstanceData;
}

/// One function on the stack when a trap occurred.
struct Frame {
    /// The function's module; it keeps the names valid, even after the store was destroyed.
    Module module;
    /// The function's index in its module.
    uint32_t func = 0;
    /// The offset in the module's bytes of the instruction that trapped or called; Error::no_offset if
    /// unknown.
    size_t offset = Error::no_offset;
    /// @{ For `instance`: the engine's own object, and the number of its store.
    vm::InstanceData* instance_data = nullptr;
    uint64_t store_number = 0;
    /// @}

    /// The instance whose function it is; valid as long as its store. This needs instance.hpp.
    [[nodiscard]] WARPBEAM_API Instance instance() const noexcept;

    // Names are as in the module, unescaped: use `Printable` before writing them to a terminal.

    /// The module's name, from the name section; empty if it has none.
    [[nodiscard]] std::string_view module_name() const noexcept {
        return module ? module.name() : std::string_view{};
    }
    /// The function's name, from the name section or the exports; empty if it has none.
    [[nodiscard]] std::string_view func_name() const noexcept {
        return module ? module.func_name(func) : std::string_view{};
    }
};

/// The functions on the stack, the innermost first.
using Backtrace = Vec<Frame>;

/// A trap: its code, its message, and where it happened. A small value (a pointer and a code) that is cheap
/// to copy and may outlive the store and the engine. If memory runs out, the details are missing, but not the
/// code and its description. The details of exceptions and of traps of WebAssembly code use the engine's
/// allocator; those of `host`, `exit` and `with_message` use the default allocator, unless another is passed,
/// and those of `with_text` that of the message.
/// Thread-safety: as for any value; copies in different threads share nothing that changes.
/// https://webassembly.github.io/spec/core/intro/overview.html#trap
class WARPBEAM_API Trap {
public:
    /// A trap with the code's description as its message.
    explicit Trap(TrapCode code) noexcept : code_{code} {}
    /// A trap for a host function to return; `format` is as for printf.
    [[nodiscard, gnu::format(printf, 1, 2)]] static Trap host(const char* format, ...) noexcept;
    /// @{ Like `host`, with another code.
    [[nodiscard, gnu::format(printf, 2, 3)]] static Trap with_message(TrapCode code, const char* format,
                                                                      ...) noexcept;
    [[nodiscard, gnu::format(printf, 3, 4)]] static Trap with_message(Allocator& allocator, TrapCode code,
                                                                      const char* format, ...) noexcept;
    /// @}
    /// Like `host`, with a message that was composed already: its lines stay. This needs loader/text.hpp.
    [[nodiscard]] static Trap with_text(TrapCode code, const Text& message) noexcept;
    /// A trap for a host function to return that ends the program with a status.
    [[nodiscard]] static Trap exit(int32_t status) noexcept;
    /// A trap for a host function to return that throws an exception, which the calling code can catch. This
    /// needs exception.hpp.
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
    /// What happened, with the relevant numbers. For traps of running code it begins with `text_of(code())`.
    /// It is escaped so that it is safe to print, and on one line unless `with_text` got more.
    [[nodiscard]] std::string_view message() const noexcept;
    /// The functions that were active, the innermost first. The outermost frames of a very deep stack are
    /// left out.
    [[nodiscard]] std::span<const Frame> backtrace() const noexcept;
    /// The number of frames that the backtrace leaves out.
    [[nodiscard]] size_t omitted_frames() const noexcept;
    /// The exit status of a trap with the code `exit`; 0 for other traps.
    [[nodiscard]] int32_t exit_status() const noexcept { return code_ == TrapCode::exit ? status_ : 0; }

    /// A number chosen by the embedder, to recognise its own traps; 0 unless `with_host_code` set it.
    [[nodiscard]] int32_t host_code() const noexcept { return code_ == TrapCode::exit ? 0 : status_; }
    /// Sets the embedder's number; has no effect on a trap with the code `exit`.
    Trap& with_host_code(int32_t code) noexcept {
        if (code_ != TrapCode::exit)
            status_ = code;
        return *this;
    }
    /// Attaches an object of the embedder to the trap. Copies share it; it is destroyed with the last of
    /// them, in any thread. If memory runs out, nothing is attached.
    template <typename T>
    Trap& with_payload(T object, Allocator& allocator = Allocator::standard()) noexcept {
        T* const kept = create<T>(allocator, std::move(object));
        if (kept != nullptr)
            set_payload(allocator, kept, &detail::TypeTag<T>::address,
                        [](Allocator& from, void* old) noexcept { destroy(from, static_cast<T*>(old)); });
        return *this;
    }
    /// The attached object; null if there is none, or it has another type.
    template <typename T>
    [[nodiscard]] const T* payload() const noexcept {
        return static_cast<const T*>(find_payload(&detail::TypeTag<T>::address));
    }

    /// The uncaught exception; a host function that returns this trap throws it again. None for other traps,
    /// if the exception's store was destroyed, or if memory ran out. This needs exception.hpp.
    [[nodiscard]] std::optional<Exception> exception() const noexcept;

    /// The trap that caused this one; null if there is none.
    [[nodiscard]] const Trap* cause() const noexcept;
    /// Records the trap that caused this one: for a host function that itself called WebAssembly.
    Trap& caused_by(const Trap& cause) noexcept;

private:
    friend class TrapBuilder; // for the library
    friend struct vm::Internal;
    struct Details;
    using Drop = void (*)(Allocator& allocator, void* object) noexcept;
    /// Takes ownership of the object, even if memory for the details runs out.
    void set_payload(Allocator& allocator, void* object, const void* tag, Drop drop) noexcept;
    [[nodiscard]] const void* find_payload(const void* tag) const noexcept;
    /// Details that only this trap refers to, with the same contents; null if memory runs out.
    Details* own_details(Allocator& allocator) noexcept;

    TrapCode code_;
    int32_t status_ = 0;
    Details* details_ = nullptr;
};

} // namespace warpbeam
