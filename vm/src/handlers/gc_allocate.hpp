#pragma once

#include "handlers/object_access.hpp"

namespace warpbeam::vm {

/// The slow path of every allocation: shows the collector the frame up to `operands` slots from `a` on.
[[gnu::noinline]] inline Object* collect_and_allocate(const Regs& r, size_t operands, const Layout* layout,
                                                      size_t size) noexcept {
    r.inst->execution->free = r.fp + r.ip->a + operands;
    return r.inst->heap->allocate_slow(layout, size);
}

[[gnu::always_inline]] inline Object* allocate(const Regs& r, size_t operands, const Layout* layout,
                                               size_t size) noexcept {
    Object* const object = r.inst->heap->try_allocate(layout, size);
    return object != nullptr ? object : collect_and_allocate(r, operands, layout, size);
}

} // namespace warpbeam::vm
