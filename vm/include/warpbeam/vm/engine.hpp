#pragma once

#include <warpbeam/loader/module.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace warpbeam {

/// What an engine is made with.
struct Config {
    /// What modules may use; the default is WebAssembly 3.0.
    FeatureSet features = {};
    /// What modules may ask for.
    ModuleLimits limits = {};
    /// Whether code counts fuel at calls and loop heads and traps when it is used up (Store::set_fuel).
    bool fuel = false;
    /// Whether code looks at calls and loop heads if it is to stop (Store::interrupt_handle).
    bool interruption = false;
    /// Whether `Engine::load` lowers all functions; else each is lowered at its first call.
    bool eager = false;
    /// The bytes of each store's value stack. Exceeding it is the trap "call stack exhausted".
    size_t stack_size = 1 << 20;
    /// How deep calls from WebAssembly to the host and back may nest, since those use the native stack.
    /// Exceeding it is the trap "call stack exhausted".
    uint32_t host_call_depth = 100;
    /// Null: the standard one. It must outlive the engine and everything that was made with it.
    Allocator* allocator = nullptr;
};

/// What modules and stores have in common: the configuration and the types. It must outlive them, and it
/// does not move.
/// Thread-safety: every function may be called from any thread at any time.
class Engine {
public:
    explicit Engine(const Config& config = {}) noexcept : config_{config}, types_{allocator()} {}
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Decodes and validates a module (in the binary format), and lowers it if the configuration says so.
    /// The module keeps a copy of `bytes`, unless `borrow` promises that they outlive it. Errors: as for
    /// Module::load; `out_of_memory`.
    [[nodiscard]] std::expected<Ref<const Module>, Error> load(std::span<const uint8_t> bytes,
                                                               bool borrow = false) noexcept;

    [[nodiscard]] const Config& config() const noexcept { return config_; }
    [[nodiscard]] Allocator& allocator() const noexcept {
        return config_.allocator != nullptr ? *config_.allocator : Allocator::standard();
    }
    /// The types of all modules of this engine.
    [[nodiscard]] TypeRegistry& types() noexcept { return types_; }

private:
    const Config config_;
    TypeRegistry types_;
};

} // namespace warpbeam
