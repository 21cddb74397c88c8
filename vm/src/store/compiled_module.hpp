#pragma once

#include "lower/module_code.hpp"
#include "store/data_images.hpp"

#include <warpbeam/vm/engine.hpp>

#include <mutex>

namespace warpbeam::vm {

/// What the instances of a module share, whatever their stores and threads are; attached to the Module.
class CompiledModule final : public ModuleAccess::Attachment {
public:
    /// The one that is attached to the module, or a fresh one; null when there is no memory.
    [[nodiscard]] static CompiledModule* of(const Module& module, const Engine& engine) noexcept;
    CompiledModule(const Engine& engine, const Module& module, const CodeOptions& options) noexcept
        : engine_{engine}, module_{module}, allocator_{*options.allocator}, code_{module, options} {}

    [[nodiscard]] ModuleCode& code() noexcept { return code_; }
    /// Why a function was not lowered.
    [[nodiscard]] Error error_of(Exit exit) noexcept;
    /// The images of the module's memories, made when they are asked for the second time: the first instance
    /// may stay the only one. Null when there are none. Any thread may ask.
    [[nodiscard]] const DataImages* images() noexcept;

    void drop() noexcept override { destroy(allocator_, this); }
    ~CompiledModule() { destroy(allocator_, images_.load(std::memory_order_relaxed)); }

private:
    const Engine engine_; ///< ends last
    const Module& module_;
    Allocator& allocator_;
    ModuleCode code_;
    std::mutex making_images_;
    std::atomic_flag asked_for_images_ = ATOMIC_FLAG_INIT;
    std::atomic<DataImages*> images_ = nullptr;
};

} // namespace warpbeam::vm
