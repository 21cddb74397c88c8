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
class WorkerPool;
class Observer;

/// The configuration of an engine.
struct Config {
    /// The features that modules may use; the default is WebAssembly 3.0.
    FeatureSet features = {};
    /// Limits on the size of modules and their parts.
    ModuleLimits limits = {};
    /// Whether code consumes fuel at calls, at loop heads, for objects and for instructions that work on many
    /// bytes or elements, and traps when it is used up (Store::set_fuel).
    bool fuel = false;
    /// Whether code can be stopped at calls and loop heads (Store::interrupt_handle). It checks there whether
    /// it is to stop, which takes some 10 % of the time.
    bool interruption = false;
    /// With `interruption`: instead of checking, code is changed when it is to stop, and so costs nothing
    /// until then. A request and its end each take some 2 ns for each function and loop that the engine has
    /// lowered. Code of the engine's other stores is slow while a request has not had its effect, so withdraw
    /// one that is no longer meant (Store::clear_interrupt).
    bool patched_interruption = false;
    /// Whether memory.atomic.wait may suspend its thread; if not, it traps with `waiting_forbidden`. A wait
    /// takes no fuel, however long it is; only a notification, its timeout or an interrupt ends it.
    bool waiting = true;
    /// Whether the processor's memory protection, instead of comparisons, checks the bounds of most accesses
    /// to memories with 32-bit addresses. Results are the same. Every such memory then takes 8 GiB of address
    /// space, and can't be created without it. The process gets a SIGSEGV handler, which passes faults
    /// that are not its own to the previous handler. Not available on every platform: see
    /// Engine::guard_pages, and docs/memory.md.
    bool guard_pages = false;
    /// Whether `Engine::load` lowers all functions; if not, each is lowered at its first call, or by
    /// `Engine::lower`.
    bool eager = false;
    /// The size in bytes to which the stack of a store's active calls may grow: locals, operands and the
    /// records of calls. Exceeding it causes the trap "call stack exhausted". A stack starts with 512 bytes.
    size_t stack_size = 4 << 20;
    /// How deeply calls from the host into WebAssembly may nest. They use the native stack: from 800 bytes
    /// per level (typed calls) to 1,400 (untyped host functions) on x86-64, plus what the host function
    /// itself uses. Exceeding the depth causes the trap "call stack exhausted".
    uint32_t host_call_depth = 100;
    /// How many bytes of the thread's native stack must be free for a call from the host into WebAssembly,
    /// but not more than a quarter of that stack; 0 switches the check off. If fewer are free, the call traps
    /// with "call stack exhausted". Host functions may rely on this much stack, but not on more. It has no
    /// effect where the size of the stack is not known: on platforms other than Linux, macOS and Windows, and
    /// on stacks that the embedder allocated itself, for example for coroutines. The quarter is enough for
    /// threads with 16 KiB and more, on s390x with 24 KiB and more.
    size_t native_stack_reserve = 32 * 1024;
    /// Whether a computation gives the same results, traps and fuel in every build and on every machine, as
    /// the specification's deterministic profile and more: every NaN that an instruction computes is the
    /// positive canonical one, the stack is counted in WebAssembly's terms, and shared memories are refused.
    /// See docs/determinism.md for what this leaves to the host, and what it costs.
    bool deterministic = false;
    /// For tests: collects garbage at every allocation, so that a reference which the collector doesn't see
    /// is detected at once.
    bool collect_always = false;
    /// Is told what code does and when functions are lowered (observer.hpp), in whichever thread does that;
    /// null: nobody is. It must outlive the engine and all modules that the engine has loaded.
    Observer* observer = nullptr;
    /// Whether the observer is told of calls and returns. Results, traps and fuel are the same; code is
    /// several times slower.
    bool observe_calls = false;
    /// Whether the observer is told of accesses to memories; the same applies.
    bool observe_accesses = false;
    /// The source of all memory; null means the default allocator. It must outlive the engine and everything
    /// created with it.
    Allocator* allocator = nullptr;
};

/// How Engine::load treats the bytes of a module.
struct EngineLoadOptions {
    /// The caller promises that the bytes outlive the module; the module then makes no copy.
    bool borrow = false;
};

/// The environment shared by modules and stores: the configuration, and the types of all modules, which stay
/// even when a module is refused or freed (docs/limits.md). A handle: copies refer to the same engine, which
/// lives as long as any of its handles, or any store, linker or module created with it.
/// Thread-safety: any thread may call any function at any time.
/// https://webassembly.github.io/spec/core/appendix/embedding.html
class WARPBEAM_API Engine {
public:
    /// Never fails: if memory runs out, `load` and the creation of objects in its stores report it.
    explicit Engine(const Config& config = {}) noexcept;
    Engine(const Engine& other) noexcept;
    Engine& operator=(const Engine& other) noexcept;
    ~Engine();

    /// Decodes and validates a module (in the binary format), and lowers it if Config::eager is set. Errors:
    /// as for Module::load; `out_of_memory`.
    [[nodiscard]] std::expected<Module, Error> load(std::span<const uint8_t> bytes,
                                                    const EngineLoadOptions& options = {}) const noexcept;

    /// Lowers all functions of a module that are not lowered yet, on the pool's threads; a part of the
    /// work is some functions with together about 64 KiB of code. Other threads may use the module meanwhile,
    /// also to run it. The engine must be the one that loaded it. Errors: `out_of_memory`; `limit` if a
    /// function's frame is too large; whatever was lowered until then stays so.
    [[nodiscard]] std::expected<void, Error> lower(const Module& module, WorkerPool& pool) const noexcept;

    /// The configuration that the engine was created with.
    [[nodiscard]] const Config& config() const noexcept;
    /// Whether Config::guard_pages was set and has an effect, which it has on Linux with x86-64 processors.
    [[nodiscard]] bool guard_pages() const noexcept;
    /// The allocator of the configuration, or else the default allocator.
    [[nodiscard]] Allocator& allocator() const noexcept;
    /// The types of all modules of this engine.
    [[nodiscard]] TypeRegistry& types() const noexcept;

    /// Whether both are the same engine.
    friend bool operator==(const Engine&, const Engine&) noexcept = default;

private:
    friend struct vm::Internal;
    struct Impl;
    Impl* impl_; ///< null if memory ran out
};

} // namespace warpbeam
