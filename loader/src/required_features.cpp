#include <warpbeam/loader/required_features.hpp>

namespace warpbeam {

FeatureSet required_features(std::span<const uint8_t> bytes, const LoadOptions& options) noexcept {
    const auto whole = Module::load(bytes, options);
    FeatureSet needed = FeatureSet::none();
    for (const FeatureRow& row : feature_table) {
        if (row.feature == Feature::core || !options.features.has(row.feature))
            continue;
        LoadOptions without = options;
        without.features.disable(row.feature);
        const auto part = Module::load(bytes, without);
        if (!part && (whole || part.error().code() == ErrorCode::unsupported))
            needed.enable(row.feature);
    }
    return needed;
}

} // namespace warpbeam
