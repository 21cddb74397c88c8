#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/handle.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace warpbeam {

class TypeRegistry;

/// What an engine is made with.
struct Config {
    /// What modules may use; the default is WebAssembly 3.0.
    FeatureSet features = {};
    /// What modules may ask for.
    ModuleLimits limits = {};
    /// Whether code counts fuel at calls, loop heads, collections of garbage and instructions on many bytes
    /// or elements, and traps when it is used up (Store::set_fuel).
    bool fuel = false;
    /// Whether code looks at calls and loop heads if it is to stop (Store::interrupt_handle).
    bool interruption = false;
    /// Whether memory.atomic.wait may suspend its thread; else it traps with `waiting_forbidden`. A wait
    /// takes no fuel however long it is, and only a notification, its timeout or an interrupt ends it.
    bool waiting = true;
    /// Whether the memory management unit checks the bounds of most accesses to memories with 32-bit
    /// addresses, instead of comparisons. No result changes. Every such memory then takes 8 GiB of address
    /// space, or can't be made, and the process gets a handler of SIGSEGV, which hands on what is not its own
    /// to the one that was there before. Without effect where Engine::guard_pages says so. See
    /// docs/memory.md.
    bool guard_pages = false;
    /// Whether `Engine::load` lowers all functions; else each is lowered at its first call.
    bool eager = false;
    /// The bytes to which a stack may grow, with values, locals and the records of calls, in all calls of a
    /// store that are active. Exceeding it is the trap "call stack exhausted". A stack begins with 512 bytes.
    size_t stack_size = 4 << 20;
    /// How deep calls from the host into WebAssembly may nest, since those use the native stack: some 770
    /// bytes a level on x86-64, without what the host function itself uses. Exceeding it is the trap "call
    /// stack exhausted".
    uint32_t host_call_depth = 100;
    /// The bytes of the thread's native stack that must be left for such a call, or a quarter of that stack
    /// if it is smaller. If there are fewer, the call is the trap "call stack exhausted". Host functions need
    /// at most this much. Without effect where the size of the stack is not known: on other platforms than
    /// Linux and macOS, and on stacks that the embedder made itself, as for coroutines.
    size_t native_stack_reserve = 32 * 1024;
    /// For tests: collects garbage at every allocation, so that a reference which the collector doesn't see
    /// is found out at once.
    bool collect_always = false;
    /// Null: the standard one. It must outlive the engine and everything that was made with it.
    Allocator* allocator = nullptr;
};

/// How Engine::load treats the bytes of a module.
struct EngineLoadOptions {
    /// The caller promises that the bytes outlive the module, which then keeps no copy.
    bool borrow = false;
};

/// What modules and stores have in common: the configuration and the types. A handle: copies are the same
/// engine, which lives as long as they, the stores, linkers and modules that were made with it.
/// Thread-safety: every function may be called from any thread at any time.
/// https://webassembly.github.io/spec/core/appendix/embedding.html
class WARPBEAM_API Engine {
public:
    /// Cannot fail: if there is no memory, `load` and all that is made in its stores report that.
    explicit Engine(const Config& config = {}) noexcept;
    Engine(const Engine& other) noexcept;
    Engine& operator=(const Engine& other) noexcept;
    ~Engine();

    /// Decodes and validates a module (in the binary format), and lowers it if the configuration says so.
    /// Errors: as for Module::load; `out_of_memory`.
    [[nodiscard]] std::expected<Module, Error> load(std::span<const uint8_t> bytes,
                                                    const EngineLoadOptions& options = {}) const noexcept;

    /// The configuration that it was created with.
    [[nodiscard]] const Config& config() const noexcept;
    /// Whether Config::guard_pages was set and is in force: on Linux with x86-64 processors.
    [[nodiscard]] bool guard_pages() const noexcept;
    /// That of the configuration, else the standard one.
    [[nodiscard]] Allocator& allocator() const noexcept;
    /// The types of all modules of this engine.
    [[nodiscard]] TypeRegistry& types() const noexcept;

    /// Whether both are the same engine.
    friend bool operator==(const Engine&, const Engine&) noexcept = default;

private:
    friend struct vm::Internal;
    struct Impl;
    Impl* impl_; ///< null when there was no memory
};

} // namespace warpbeam
