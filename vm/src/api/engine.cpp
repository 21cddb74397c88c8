#include "handlers/guard.hpp"
#include "heap/layout.hpp"
#include "store/compiled_module.hpp"
#include "store/errors.hpp"

namespace warpbeam {

Engine::Engine(const Config& config) noexcept
    : config_{config}, types_{allocator()}, layouts_{create<vm::Layouts>(allocator(), allocator(), types_)},
      guard_pages_{config.guard_pages && vm::catch_faults()} {}

Engine::~Engine() { destroy(allocator(), layouts_); }

std::expected<Module, Error> Engine::load(std::span<const uint8_t> bytes, bool borrow) noexcept {
    // Nobody can have a module or a store of such an engine, so nothing else needs to look.
    if (layouts_ == nullptr)
        return std::unexpected{no_memory()};
    LoadOptions options;
    options.features = config_.features;
    options.limits = config_.limits;
    options.types = &types_;
    options.allocator = &allocator();
    options.borrow = borrow;
    auto module = Module::load(bytes, options);
    if (!module || !config_.eager)
        return module;
    vm::CompiledModule* const compiled = vm::CompiledModule::of(*module, *this);
    const vm::Exit exit = compiled != nullptr ? compiled->code().lower_all() : vm::Exit::out_of_memory;
    if (compiled == nullptr)
        return std::unexpected{no_memory()};
    if (exit != vm::Exit::none)
        return std::unexpected{compiled->error_of(exit)};
    return module;
}

} // namespace warpbeam
