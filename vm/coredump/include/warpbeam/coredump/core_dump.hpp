#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

/// @file
/// Reads core dumps: the state of a program that has trapped, as a module. Memories and globals are ordinary
/// sections; custom sections say what they belong to, and which functions were active.
/// https://github.com/WebAssembly/tool-conventions/blob/main/Coredump.md

namespace warpbeam {

/// The value of a local or an operand.
struct CoreValue {
    ValType::Kind kind = ValType::bot; ///< a number type, or `bot` if the value is missing
    uint64_t bits = 0;                 ///< an i32 or f32 is in the lower half
};

/// A function that was active.
struct CoreFrame {
    uint32_t instance = 0; ///< in CoreDump::instances
    uint32_t func = 0;     ///< in the module of that instance, which need not have it
    /// Where it was, in bytes from the beginning of its body, which begins with the declarations of its
    /// locals; 0 if unknown. The body need not be that long.
    uint32_t code_offset = 0;
    size_t first_value = 0; ///< in CoreThread::values: of its locals, which its operands follow
    uint32_t local_count = 0;
    uint32_t operand_count = 0;
};

/// A thread.
struct CoreThread {
    std::string_view name; ///< UTF-8
    Vec<CoreFrame> frames; ///< the innermost first
    Vec<CoreValue> values; ///< of the frames

    /// The locals of one of its frames, parameters first.
    [[nodiscard]] std::span<const CoreValue> locals(const CoreFrame& frame) const noexcept {
        return std::span<const CoreValue>{values}.subspan(frame.first_value, frame.local_count);
    }
    /// The operand stack of one of its frames, the lowest first.
    [[nodiscard]] std::span<const CoreValue> operands(const CoreFrame& frame) const noexcept {
        return std::span<const CoreValue>{values}.subspan(frame.first_value + frame.local_count,
                                                          frame.operand_count);
    }
};

/// An instance of a module.
struct CoreInstance {
    uint32_t module = 0; ///< in CoreDump::modules
    /// @{ Of each memory or global of the instance, by index, its index in the dump; `CoreDump::missing` if
    /// the dump does not have it.
    Vec<uint32_t> memories;
    Vec<uint32_t> globals;
    /// @}
};

/// A global's value.
struct CoreGlobal {
    ValType type;
    /// Two slots for a v128. An i32 or f32 is in the lower half of the first. Zeros if it is not known.
    uint64_t slots[2] = {};
    /// False for a reference, and for a value that is computed.
    bool is_known = false;
};

/// What a core dump says. Its names and spans refer to the bytes that it was read from. Thread-safety: as for
/// any value.
class CoreDump {
public:
    /// The index of a memory or a global that the dump does not have.
    static constexpr uint32_t missing = UINT32_MAX;

    /// Whether these bytes are a module with the section that makes it a core dump. Any bytes may be asked
    /// about; takes time in proportion to the number of sections.
    [[nodiscard]] static bool is_core_dump(std::span<const uint8_t> bytes) noexcept;

    /// Reads a core dump, which may come from anywhere. `bytes` must outlive the result, and so must
    /// `allocator`, from which it takes its memory: in proportion to the number of bytes. Errors: `malformed`
    /// with the offset of the fault; those of Module::load; `out_of_memory`.
    [[nodiscard]] static std::expected<CoreDump, Error>
    read(std::span<const uint8_t> bytes, Allocator& allocator = Allocator::standard()) noexcept;

    /// The memories and globals.
    [[nodiscard]] const Module& module() const noexcept { return module_; }
    /// The name of the program; UTF-8, like all names.
    [[nodiscard]] std::string_view executable() const noexcept { return executable_; }
    /// The names of the modules: paths, URLs, or anything else.
    [[nodiscard]] std::span<const std::string_view> modules() const noexcept { return modules_; }
    /// The instances; empty in the dumps of some tools, whose frames then belong to instance 0.
    [[nodiscard]] std::span<const CoreInstance> instances() const noexcept { return instances_; }
    /// The threads.
    [[nodiscard]] std::span<const CoreThread> threads() const noexcept { return threads_; }

    /// A global by its index in the dump; precondition: it has one.
    [[nodiscard]] CoreGlobal global(uint32_t index) const noexcept;
    /// The size of a memory in bytes, by its index in the dump; precondition: it has one.
    [[nodiscard]] uint64_t memory_size(uint32_t index) const noexcept;
    /// How many bytes of a memory the dump has; the others are zeros.
    [[nodiscard]] uint64_t stored_bytes(uint32_t index) const noexcept;
    /// Copies the bytes of a memory from an address on; returns how many there are before its end, at most
    /// `to.size()`.
    size_t read_memory(uint32_t index, uint64_t address, std::span<uint8_t> to) const noexcept;

private:
    class Reader;
    [[nodiscard]] std::expected<void, Error> check() const noexcept;
    explicit CoreDump(Allocator& allocator) noexcept
        : modules_{allocator}, instances_{allocator}, threads_{allocator} {}

    Module module_;
    std::string_view executable_;
    Vec<std::string_view> modules_;
    Vec<CoreInstance> instances_;
    Vec<CoreThread> threads_;
};

} // namespace warpbeam
