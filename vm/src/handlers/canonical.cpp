#include "handlers/generate.hpp"

#include <limits>

/// Canonical NaNs (lower/canonical_nans.cpp): quiet, positive, and without a payload.
/// https://webassembly.github.io/spec/core/syntax/values.html#canonical-nan

namespace warpbeam::vm {

namespace {

template <Form form, typename Lane, Variant v>
struct Canonical {
    static constexpr bool is_vector = v.option == static_cast<uint8_t>(Bank::vector);
    using T = std::conditional_t<is_vector, Vector, Lane>;
    using In = Decoder<form, v>;
    static constexpr Lane nan = std::numeric_limits<Lane>::quiet_NaN();

    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const T value = In::template read<Field::operand, T>(r);
        if constexpr (is_vector) {
            using Lanes = typename VectorOf<Lane, sizeof(Vector)>::type;
            const auto lanes = std::bit_cast<Lanes>(value);
            return In::finish(r, std::bit_cast<Vector>(lanes == lanes ? lanes : Lanes{} + nan));
        } else {
            return In::finish(r, value == value ? value : nan);
        }
    }
};
template <Variant v>
using CanonicalF32 = Canonical<Form::canonical_f32, float, v>;
template <Variant v>
using CanonicalF64 = Canonical<Form::canonical_f64, double, v>;

constexpr HandlerGroup canonical_group_list[] = {group<Form::canonical_f32, CanonicalF32>(),
                                                 group<Form::canonical_f64, CanonicalF64>()};

} // namespace

constinit const HandlerGroups canonical_groups{canonical_group_list};

} // namespace warpbeam::vm
