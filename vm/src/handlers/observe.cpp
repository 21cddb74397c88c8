#include "handlers/entry_points.hpp"
#include "handlers/frame.hpp"
#include "handlers/generate.hpp"

/// Telling an Observer of calls and accesses (lower/observe.cpp), which no instruction of
/// https://webassembly.github.io/spec/core/exec/instructions.html does.

namespace warpbeam::vm {

namespace {

template <Variant>
struct Observe {
    using In = Decoder<Form::observe>;
    static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        save(execution, r);
        observe(execution, static_cast<Observed>(In::get<Field::event>(r.ip)),
                r.fp + static_cast<int32_t>(In::get<Field::far>(r.ip)));
        return In::proceed(r);
    }
};

constexpr HandlerGroup observe_group_list[] = {group<Form::observe, Observe>()};

} // namespace

constinit const HandlerGroups observe_groups{observe_group_list};

} // namespace warpbeam::vm
