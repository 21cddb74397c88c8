#pragma once

#include "handlers/stop_points.hpp"
#include "heap/layout.hpp"
#include "store/small_memories.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>

namespace warpbeam {

/// The contents of an Engine.
struct Engine::Impl : RefCounted<Engine::Impl> {
    Impl(Allocator& allocator, const Config& with) noexcept;
    ~Impl();

    const Config config;
    TypeRegistry types;
    const Ref<vm::StopPoints> stop_points; ///< null if code is not changed to stop it
    vm::Layouts* const layouts;            ///< null when there was no memory, for the stop points either
    const bool guard_pages;
    vm::SmallMemories small_memories; ///< of all stores
};

} // namespace warpbeam
