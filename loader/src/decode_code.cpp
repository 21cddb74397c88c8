#include "decode_sections.hpp"
#include "decode_types.hpp"
#include "validate_func.hpp"

/// https://webassembly.github.io/spec/core/binary/modules.html#code-section

namespace warpbeam {
namespace {

bool locals(LoadContext& context, Reader& in, Vec<LocalRun>& runs, FuncBody& body) noexcept {
    const size_t start = in.offset();
    runs.clear();
    TypeDecoder types{context, in};
    uint64_t total = 0;
    const auto run_of_locals = [&] {
        LocalRun run;
        if (!in.u32(run.count))
            return false;
        total += run.count;
        if (total > UINT32_MAX)
            return context.diagnostics.malformed(start, "too many locals: 2^32 or more");
        return types.value_type(run.type) && context.append(runs, run);
    };
    if (!in.each("runs of locals", UINT32_MAX, run_of_locals))
        return false;
    const size_t params = context.module.registry->func(body.type).params.size();
    total += params;
    if (total > context.limits.locals)
        return context.diagnostics.limit(start,
                                         "too many locals: %llu including parameters (the limit is %u)",
                                         static_cast<unsigned long long>(total), context.limits.locals);
    const auto kept = context.module.arena.copy(std::span<const LocalRun>{runs});
    if (!kept)
        return context.diagnostics.out_of_memory();
    body.locals = *kept;
    body.local_count = static_cast<uint32_t>(total - params);
    return true;
}

} // namespace

bool decode_code_section(LoadContext& context, Reader& in) noexcept {
    ModuleData& module = context.module;
    const size_t start = in.offset();
    uint32_t count = 0;
    if (!in.count(count, "function bodies"))
        return false;
    const size_t defined_funcs = module.funcs.size() - module.imported_funcs;
    if (count != defined_funcs)
        return context.diagnostics.malformed(
            start, "function and code section have inconsistent lengths: %zu and %u", defined_funcs, count);
    if (!module.bodies.reserve(count))
        return context.diagnostics.out_of_memory();
    context.validator->begin_code();
    Vec<LocalRun> runs{context.allocator};
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t func = module.imported_funcs + i;
        context.diagnostics.enter_function(func);
        const size_t body_start = in.offset();
        uint32_t size = 0;
        if (!in.u32(size))
            return false;
        if (size > in.remaining())
            return context.diagnostics.malformed(
                body_start,
                "unexpected end of section or function: the body size is %u byte%s, but only %zu left", size,
                size == 1 ? "" : "s", in.remaining());
        if (size > context.limits.function_size)
            return context.diagnostics.limit(body_start,
                                             "function body too large: %u bytes (the limit is %u)", size,
                                             context.limits.function_size);
        Reader body_in = in.part(size);
        FuncBody body;
        body.type = module.funcs[func];
        body.offset = static_cast<uint32_t>(body_in.offset());
        if (!locals(context, body_in, runs, body) || !context.validator->function(body_in, body) ||
            !context.append(module.bodies, body))
            return false;
    }
    context.diagnostics.leave_function();
    return true;
}

} // namespace warpbeam
