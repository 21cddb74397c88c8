#include "handlers/generate.hpp"

#include <algorithm>

/// What frames take that have more slots than instructions can name (lower/large_frame.cpp): their locals and
/// operands are copied to and from slots that can be named.
/// https://webassembly.github.io/spec/core/exec/runtime.html#activation-frames

namespace warpbeam::vm {

namespace {

/// A far slot.
template <typename In, Field name>
[[gnu::always_inline]] inline Slot* far_slot(const Regs& r) noexcept {
    return r.fp + static_cast<int32_t>(In::template get<name>(r.ip));
}
template <Variant v>
using Wide = std::conditional_t<v.option != 0, Vector, Slot>;

template <Variant>
struct OpenFrame {
    using In = Decoder<Form::open_frame>;
    static Exit run(Regs& r) noexcept {
        const uint64_t zeros = In::get<Field::zeros>(r.ip);
        std::fill_n(r.fp + In::get<Field::first>(r.ip), zeros, Slot{0});
        r.fp += In::get<Field::count>(r.ip);
        return In::proceed(r);
    }
};
template <Variant>
struct CloseFrame {
    using In = Decoder<Form::close_frame>;
    static Exit run(Regs& r) noexcept {
        r.fp -= In::get<Field::count>(r.ip);
        return In::proceed(r);
    }
};
template <Variant v>
struct FarGet {
    using In = Decoder<Form::far_get>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(r.fp, In::template get<Field::to>(r.ip),
                   load_slot<Wide<v>>(far_slot<In, Field::far>(r), 0));
        return In::proceed(r);
    }
};
template <Variant v>
struct FarSet {
    using In = Decoder<Form::far_set>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(far_slot<In, Field::far>(r), 0, In::template slot<Field::from, Wide<v>>(r));
        return In::proceed(r);
    }
};
template <Variant>
struct FarCopy {
    using In = Decoder<Form::far_copy>;
    static Exit run(Regs& r) noexcept {
        std::memmove(far_slot<In, Field::far>(r), far_slot<In, Field::far2>(r),
                     static_cast<size_t>(In::get<Field::count>(r.ip)) * sizeof(Slot));
        return In::proceed(r);
    }
};

constexpr HandlerGroup large_frame_group_list[] = {
    group<Form::open_frame, OpenFrame>(), group<Form::close_frame, CloseFrame>(),
    group<Form::far_get, FarGet>(), group<Form::far_set, FarSet>(), group<Form::far_copy, FarCopy>()};

} // namespace

constinit const HandlerGroups large_frame_groups{large_frame_group_list};

} // namespace warpbeam::vm
