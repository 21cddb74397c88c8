#include "store/compiled_module.hpp"

#include "store/errors.hpp"
#include "store/internal.hpp"
#include "store/stack_pointer.hpp"

namespace warpbeam::vm {

namespace {
void tell_of_lowering(Observer& observer, const Module& module, uint32_t func, bool begins) noexcept {
    observer.lower(module, func, begins);
}
} // namespace

CompiledModule* CompiledModule::of(const Module& module, const Engine& engine) noexcept {
    if (ModuleAccess::Attachment* const attached = ModuleAccess::attachment(module); attached != nullptr)
        return static_cast<CompiledModule*>(attached);
    const Config& config = engine.config();
    Observer* const observer = config.observer;
    const CodeOptions options{.fuel = config.fuel,
                              .interrupt = config.interruption,
                              .stop_points = Internal::stop_points(engine),
                              .guard_pages = engine.guard_pages(),
                              .deterministic = config.deterministic,
                              .layouts = Internal::layouts(engine),
                              .allocator = &engine.allocator(),
                              .observes_calls = observer != nullptr && config.observe_calls,
                              .observes_accesses = observer != nullptr && config.observe_accesses,
                              .tell = observer != nullptr ? tell_of_lowering : nullptr,
                              .observer = observer};
    auto* const fresh =
        create<CompiledModule>(engine.allocator(), engine, ModuleAccess::self(module), options);
    if (fresh == nullptr)
        return nullptr;
    if (!fresh->code_.prepare()) {
        fresh->drop();
        return nullptr;
    }
    auto* const attached = static_cast<CompiledModule*>(ModuleAccess::attach(module, fresh));
    if (attached != fresh)
        fresh->drop();
    return attached;
}

Error CompiledModule::error_of(Exit exit) noexcept {
    if (exit == Exit::out_of_memory)
        return no_memory();
    if (exit != Exit::invalid_code)
        return Error{ErrorCode::limit, "a function is too large: its frame exceeds the engine's limit"};
    const ModuleCode::Refusal refusal = code_.refusal();
    return Error{ErrorCode::unsupported, "the engine generated invalid code: at 0x%04zx: %s",
                 refusal.finding.position, refusal.finding.words}
        .in_function(refusal.func);
}

uint32_t CompiledModule::search_stack_pointer() noexcept {
    const uint32_t found = find_stack_pointer(module_);
    stack_pointer_.store(found, std::memory_order_relaxed);
    return found;
}

const DataImages* CompiledModule::images() noexcept {
    if (const DataImages* const made = images_.load(std::memory_order_acquire); made != nullptr)
        return made;
    if (module_.data().empty() || !asked_for_images_.test_and_set(std::memory_order_relaxed))
        return nullptr;
    const std::lock_guard lock{making_images_};
    if (images_.load(std::memory_order_relaxed) == nullptr)
        images_.store(DataImages::create(module_, allocator_), std::memory_order_release);
    return images_.load(std::memory_order_relaxed);
}

} // namespace warpbeam::vm
