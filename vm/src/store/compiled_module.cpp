#include "store/compiled_module.hpp"

namespace warpbeam::vm {

CompiledModule* CompiledModule::of(const Module& module, const Engine& engine) noexcept {
    if (Module::Attachment* const attached = module.attachment(); attached != nullptr)
        return static_cast<CompiledModule*>(attached);
    const Config& config = engine.config();
    const CodeOptions options{config.fuel, config.interruption, engine.guard_pages(), engine.layouts(),
                              &engine.allocator()};
    auto* const fresh = create<CompiledModule>(engine.allocator(), module, options);
    if (fresh == nullptr)
        return nullptr;
    if (!fresh->code_.prepare()) {
        fresh->drop();
        return nullptr;
    }
    auto* const attached = static_cast<CompiledModule*>(module.attach(fresh));
    if (attached != fresh)
        fresh->drop();
    return attached;
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
