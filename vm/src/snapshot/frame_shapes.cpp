#include "snapshot/frame_shapes.hpp"

#include "lower/module_code.hpp"

#include <warpbeam/memory/hash.hpp>

namespace warpbeam::vm {
namespace {

uint32_t hash_of_point(const ModuleCode* code, uint32_t func, FramePoint point) noexcept {
    return hash_of(reinterpret_cast<uintptr_t>(code) ^
                   (uint64_t{func} << 34 ^ uint64_t{point.offset} << 2 ^ static_cast<uint64_t>(point.kind)));
}

} // namespace

Exit FrameShapes::add(const Module& module, FrameShape fresh, uint32_t& shape) noexcept {
    shape = static_cast<uint32_t>(shapes_.size());
    code_bytes_ += module.bodies()[fresh.func - module.imported_funcs()].code.size();
    const uint32_t hash = hash_of_point(fresh.code, fresh.func, fresh.state.point);
    return shapes_.push(std::move(fresh)) && by_point_.insert(hash, shape) ? Exit::none : Exit::out_of_memory;
}

Exit FrameShapes::of(const InstanceData& inst, uint32_t func, FramePoint point, uint32_t& shape) noexcept {
    shape = by_point_.find(hash_of_point(inst.code, func, point), [&](uint32_t i) {
        return shapes_[i].code == inst.code && shapes_[i].func == func && shapes_[i].state.point == point;
    });
    if (shape != HashIndex::npos)
        return Exit::none;
    FrameShape fresh{inst.code, func, FrameState{shapes_.allocator()}};
    const Exit exit = inst.code->state_of(func, point, fresh.state);
    return exit == Exit::none ? add(*inst.module, std::move(fresh), shape) : exit;
}

Exit FrameShapes::at(const InstanceData& inst, const Instr* ip, bool after, uint32_t& shape) noexcept {
    const uint32_t hash = hash_of(reinterpret_cast<uintptr_t>(ip));
    const uint32_t known =
        by_place_.find(hash, [&](uint32_t i) { return places_[i].ip == ip && places_[i].after == after; });
    if (known != HashIndex::npos) {
        shape = places_[known].shape;
        return Exit::none;
    }
    FrameShape fresh{inst.code, 0, FrameState{shapes_.allocator()}};
    if (const Exit exit = inst.code->state_at(ip, after, fresh.func, fresh.state); exit != Exit::none)
        return exit;
    if (const Exit exit = add(*inst.module, std::move(fresh), shape); exit != Exit::none)
        return exit;
    const auto place = static_cast<uint32_t>(places_.size());
    return places_.push({ip, after, shape}) && by_place_.insert(hash, place) ? Exit::none
                                                                             : Exit::out_of_memory;
}

} // namespace warpbeam::vm
