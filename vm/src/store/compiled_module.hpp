#pragma once

#include "lower/module_code.hpp"
#include "store/data_images.hpp"

#include <warpbeam/memory/locks.hpp>
#include <warpbeam/vm/engine.hpp>

namespace warpbeam::vm {

/// What all instances of a module share, in all stores and threads; attached to the Module.
class CompiledModule final : public ModuleAccess::Attachment {
public:
    /// The object attached to the module, or a new one; null if memory runs out.
    [[nodiscard]] static CompiledModule* of(const Module& module, const Engine& engine) noexcept;
    CompiledModule(const Engine& engine, const Module& module, const CodeOptions& options) noexcept
        : engine_{engine}, module_{module}, allocator_{*options.allocator}, code_{module, options} {}

    [[nodiscard]] ModuleCode& code() noexcept { return code_; }
    /// Why a function was not lowered.
    [[nodiscard]] Error error_of(Exit exit) noexcept;
    /// The images of the module's memories, created at the second call, since the first instance may stay the
    /// only one. Null if there are none. Any thread may call this.
    [[nodiscard]] const DataImages* images() noexcept;

    /// See find_stack_pointer. Any thread may call this.
    [[nodiscard]] uint32_t stack_pointer() noexcept {
        const uint32_t found = stack_pointer_.load(std::memory_order_relaxed);
        return found != not_searched ? found : search_stack_pointer();
    }

    void drop() noexcept override { destroy(allocator_, this); }
    ~CompiledModule() { destroy(allocator_, images_.load(std::memory_order_relaxed)); }

private:
    [[nodiscard]] uint32_t search_stack_pointer() noexcept;

    const Engine engine_; ///< destroyed last
    const Module& module_;
    Allocator& allocator_;
    ModuleCode code_;
    Mutex making_images_;
    std::atomic_flag asked_for_images_ = ATOMIC_FLAG_INIT;
    std::atomic<DataImages*> images_ = nullptr;
    static constexpr uint32_t not_searched = UINT32_MAX - 1;
    std::atomic<uint32_t> stack_pointer_ = not_searched;
};

} // namespace warpbeam::vm
