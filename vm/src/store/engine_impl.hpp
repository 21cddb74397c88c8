#pragma once

#include "heap/layout.hpp"

#include <warpbeam/memory/memory_slots.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>

namespace warpbeam {

/// The contents of an Engine.
struct Engine::Impl : RefCounted<Engine::Impl> {
    Impl(Allocator& allocator, const Config& with) noexcept;
    ~Impl();

    const Config config;
    TypeRegistry types;
    vm::Layouts* const layouts; ///< null when there was no memory
    const bool guard_pages;
    MemorySlots slots; ///< for small memories of all stores
};

} // namespace warpbeam
