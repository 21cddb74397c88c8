#include "validate_func.hpp"

#include <algorithm>
#include <utility>

/// The types in a frame that is in the middle of a function.

namespace warpbeam {

bool FuncValidator::start_of_function(const Reader& in, const FuncBody& body) noexcept {
    is_ended_ = true;
    return begin_function(in, body) && run_to_end();
}

bool FuncValidator::more_of_function(const Reader& in) noexcept {
    in_ = in;
    return run_to_end();
}

bool FuncValidator::run_to_end() noexcept {
    // The body goes on after the end of `in_`, so the run fails: where an instruction would begin next, or in
    // the middle of one.
    return !run() && start_ == in_.position() && !blocks_.back().unreachable && !blocks_.back().never_entered;
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

std::expected<void, Error> ModuleAccess::frame_types(const Module& module, uint32_t func,
                                                     std::span<const uint32_t> offsets, FrameTypesSink& sink,
                                                     Allocator& allocator) noexcept {
    const std::unexpected invalid{Error{ErrorCode::invalid}};
    const std::unexpected out_of_memory{Error{ErrorCode::out_of_memory}};
    const uint32_t imported = module.imported_funcs();
    if (func < imported || func - imported >= module.bodies().size())
        return invalid;
    const FuncBody& body = module.bodies()[func - imported];

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
    if (!validator.prepare())
        return out_of_memory;
    validator.begin_code();

    Reader in{module.bytes(), diagnostics};
    (void)in.part(body.code_offset);
    FrameTypes types{allocator};
    for (size_t i = 0; i < offsets.size(); ++i) {
        const uint32_t offset = offsets[i];
        const uint32_t before = i == 0 ? 0 : offsets[i - 1];
        if (offset < before || offset >= body.code.size())
            return invalid;
        const Reader part = in.part(offset - before);
        const bool found =
            i == 0 ? validator.start_of_function(part, body) : validator.more_of_function(part);
        // Reaching the end of a part counts as a fault, which must not hide the next.
        const ErrorCode fault = diagnostics.finish({}).code();
        if (!found)
            return fault == ErrorCode::out_of_memory ? out_of_memory : invalid;
        if (!validator.types_now(types))
            return out_of_memory;
        if (InstrReader next{module, body.code.subspan(offset)}; next.op() == Op::loop)
            if (const BlockType type = next.block_type(); type.func != nullptr)
                std::ranges::copy(type.func->params, types.operands.end() - type.params());
        if (auto taken = sink.take(i, types); !taken)
            return taken;
    }
    return {};
}

std::expected<void, Error> ModuleAccess::frame_types(const Module& module, uint32_t func, uint32_t offset,
                                                     FrameTypes& types, Allocator& allocator) noexcept {
    struct Keep final : FrameTypesSink {
        explicit Keep(FrameTypes& to) noexcept : kept{to} {}
        std::expected<void, Error> take(size_t, FrameTypes& found) noexcept override {
            kept = std::move(found);
            return {};
        }
        FrameTypes& kept;
    } keep{types};
    return frame_types(module, func, {&offset, 1}, keep, allocator);
}

} // namespace warpbeam
