#pragma once

#include "module_data.hpp"

#include <warpbeam/memory/ref.hpp>

#include <atomic>

namespace warpbeam {

/// A digest that is computed when it is first asked for, by any thread.
struct LazyDigest {
    enum class State : uint8_t { none, being_written, known };
    std::atomic<State> state{State::none};
    Digest value{}; ///< once it is known
};

/// A module with all its data, in one block.
struct Module::Impl : ModuleData {
    explicit Impl(Allocator& a) noexcept : ModuleData{a}, allocator{a}, self{this} {}
    ~Impl() {
        if (ModuleAccess::Attachment* const attached = attachment.load(std::memory_order_acquire))
            attached->drop();
        destroy(allocator, owned_registry);
    }

    Allocator& allocator;
    TypeRegistry* owned_registry = nullptr;
    RefCount owners;
    std::atomic<ModuleAccess::Attachment*> attachment{nullptr};
    LazyDigest digest; ///< of the bytes
    /// Never destroyed, since it owns nothing.
    union {
        Module self;
    };
};

} // namespace warpbeam
