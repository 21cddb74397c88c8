#include "handlers/guard.hpp"
#include "store/compiled_module.hpp"
#include "store/engine_impl.hpp"
#include "store/errors.hpp"
#include "store/internal.hpp"

#include <warpbeam/build.hpp>

#include <algorithm>

namespace warpbeam {

namespace {
bool patches_code(const Config& config) noexcept {
    return config.interruption && config.patched_interruption;
}
} // namespace

Engine::Impl::Impl(Allocator& allocator, const Config& with) noexcept
    : RefCounted{allocator}, config{with}, types{allocator},
      stop_points{Ref<vm::StopPoints>::adopt(patches_code(with) ? create<vm::StopPoints>(allocator, allocator)
                                                                : nullptr)},
      layouts{patches_code(with) && !stop_points ? nullptr
                                                 : create<vm::Layouts>(allocator, allocator, types)},
      guard_pages{with.guard_pages && vm::catch_faults()}, small_memories{allocator} {}

Engine::Impl::~Impl() { destroy(allocator(), layouts); }

Engine::Engine(const Config& config) noexcept {
    Allocator& allocator = config.allocator != nullptr ? *config.allocator : Allocator::standard();
    impl_ = create<Impl>(allocator, allocator, config);
}
Engine::Engine(const Engine& other) noexcept : impl_{other.impl_} {
    if (impl_ != nullptr)
        impl_->retain();
}
Engine& Engine::operator=(const Engine& other) noexcept {
    Engine copy{other};
    std::swap(impl_, copy.impl_);
    return *this;
}
Engine::~Engine() {
    if (impl_ != nullptr)
        impl_->release();
}

const Config& Engine::config() const noexcept {
    static const Config standard;
    return impl_ != nullptr ? impl_->config : standard;
}
bool Engine::guard_pages() const noexcept { return impl_ != nullptr && impl_->guard_pages; }
Allocator& Engine::allocator() const noexcept {
    return impl_ != nullptr ? impl_->allocator() : Allocator::standard();
}
TypeRegistry& Engine::types() const noexcept {
    if (impl_ != nullptr)
        return impl_->types;
    static TypeRegistry none; // in the default allocator's memory
    return none;
}
vm::Layouts* vm::Internal::layouts(const Engine& engine) noexcept {
    return engine.impl_ != nullptr ? engine.impl_->layouts : nullptr;
}
MemorySlots* vm::Internal::slots(const Engine& engine) noexcept {
    return engine.impl_ != nullptr ? &engine.impl_->small_memories.slots() : nullptr;
}

vm::StopPoints* vm::Internal::stop_points(const Engine& engine) noexcept {
    return engine.impl_ != nullptr ? engine.impl_->stop_points.get() : nullptr;
}

std::expected<Module, Error> Engine::load(std::span<const uint8_t> bytes,
                                          const EngineLoadOptions& options) const noexcept {
    if (vm::Internal::layouts(*this) == nullptr)
        return std::unexpected{no_memory()};
    if (WARPBEAM_REPLAY == 0 && (config().deterministic || config().observer != nullptr))
        return std::unexpected{Error{allocator(), ErrorCode::unsupported,
                                     "this build has neither Config::deterministic nor Config::observer "
                                     "(WARPBEAM_REPLAY=0)"}};
    auto module = Module::load(bytes, {.features = config().features,
                                       .limits = config().limits,
                                       .types = &types(),
                                       .allocator = &allocator(),
                                       .borrow = options.borrow});
    if (!module)
        return module;
    if (config().deterministic && std::ranges::any_of(module->memories(), &MemoryType::shared))
        return std::unexpected{not_deterministic()};
    // From here on, the module keeps the engine alive.
    vm::CompiledModule* const compiled = vm::CompiledModule::of(*module, *this);
    if (compiled == nullptr)
        return std::unexpected{no_memory()};
    if (config().eager)
        if (const vm::Exit exit = compiled->code().lower_all(); exit != vm::Exit::none)
            return std::unexpected{compiled->error_of(exit)};
    return module;
}

std::expected<void, Error> Engine::lower(const Module& module, WorkerPool& pool) const noexcept {
    if (vm::Internal::layouts(*this) == nullptr)
        return std::unexpected{no_memory()};
    vm::CompiledModule* const compiled = vm::CompiledModule::of(module, *this);
    if (compiled == nullptr)
        return std::unexpected{no_memory()};
    if (const vm::Exit exit = compiled->code().lower_all(pool); exit != vm::Exit::none)
        return std::unexpected{compiled->error_of(exit)};
    return {};
}

} // namespace warpbeam
