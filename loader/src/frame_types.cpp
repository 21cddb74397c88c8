#include "validate_func.hpp"

#include <algorithm>

/// The types in a frame that is in the middle of a function.

namespace warpbeam {

bool FuncValidator::start_of_function(const Reader& in, const FuncBody& body) noexcept {
    // The body goes on after the end of `in`, so the run fails: where an instruction would begin next, or in
    // the middle of one. Blocks in unreachable code are unreachable too, though each of them begins anew.
    return begin_function(in, body) && !run() && start_ == in_.position() &&
           std::ranges::none_of(blocks_, &Block::unreachable);
}

bool FuncValidator::types_now(ModuleAccess::FrameTypes& types) const noexcept {
    if (!types.operands.assign({bottom(), top_}) || !types.locals.reserve(local_count_) ||
        !types.locals.assign(func_type_->params))
        return false;
    for (const LocalRun& run : runs_)
        for (uint32_t i = 0; i < run.count; ++i) {
            const auto local = static_cast<uint32_t>(types.locals.size());
            const bool may_be_null = !run.type.defaultable() && !is_set(local);
            if (!types.locals.push(may_be_null ? ValType::reference(run.type.heap(), true) : run.type))
                return false;
        }
    return true;
}

std::expected<void, Error> ModuleAccess::frame_types(const Module& module, uint32_t func, uint32_t offset,
                                                     FrameTypes& types, Allocator& allocator) noexcept {
    const std::span<const FuncBody> bodies = module.bodies();
    const uint32_t imported = module.imported_funcs();
    if (func < imported || func - imported >= bodies.size() || offset >= bodies[func - imported].code.size())
        return std::unexpected(Error{ErrorCode::invalid});
    const FuncBody& body = bodies[func - imported];

    Diagnostics diagnostics{allocator};
    // The module is valid, so no limit is needed, and since only constant expressions declare functions,
    // nothing in it changes.
    ModuleLimits limits;
    limits.nesting = limits.frame_slots = UINT32_MAX;
    LoadContext context{.module = *data(module),
                        .features = data(module)->features,
                        .limits = limits,
                        .diagnostics = diagnostics,
                        .allocator = allocator};
    FuncValidator validator{context};
    Reader in{module.bytes(), diagnostics};
    if (!in.skip(body.code_offset) || !validator.prepare())
        return std::unexpected(diagnostics.finish({}));
    validator.begin_code();
    if (!validator.start_of_function(in.part(offset), body))
        return std::unexpected(Error{diagnostics.finish({}).code() == ErrorCode::out_of_memory
                                         ? ErrorCode::out_of_memory
                                         : ErrorCode::invalid});
    if (!validator.types_now(types))
        return std::unexpected(Error{ErrorCode::out_of_memory});

    if (InstrReader next{module, body.code.subspan(offset)}; next.op() == Op::loop)
        if (const BlockType type = next.block_type(); type.func != nullptr)
            std::ranges::copy(type.func->params, types.operands.end() - type.params());
    return {};
}

} // namespace warpbeam
