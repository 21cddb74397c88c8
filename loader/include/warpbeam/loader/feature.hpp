#pragma once

#include <cstdint>
#include <string_view>

namespace warpbeam {

/// The parts of WebAssembly beyond its first version, each of which can be switched off: a module that uses
/// one that is off is refused with its name.
enum class Feature : uint8_t {
    core,
#define WARPBEAM_FEATURE(id, text, on) id,
#include <warpbeam/loader/features.inc>
#undef WARPBEAM_FEATURE
};

/// What is known of a feature: its name on the command line and in errors, and whether it is on by default.
struct FeatureRow {
    Feature feature;
    std::string_view name;
    bool standard;
};

inline constexpr FeatureRow feature_table[] = {
    {Feature::core, "core", true},
#define WARPBEAM_FEATURE(id, text, on) {Feature::id, text, on},
#include <warpbeam/loader/features.inc>
#undef WARPBEAM_FEATURE
};

/// A set of features; the default is all of WebAssembly 3.0.
class FeatureSet {
public:
    constexpr FeatureSet() noexcept {
        for (const FeatureRow& row : feature_table)
            if (row.standard)
                enable(row.feature);
    }
    [[nodiscard]] constexpr bool has(Feature f) const noexcept {
        return (bits_ >> static_cast<unsigned>(f)) & 1;
    }
    constexpr FeatureSet& enable(Feature f) noexcept {
        bits_ |= uint32_t{1} << static_cast<unsigned>(f);
        return *this;
    }
    constexpr FeatureSet& disable(Feature f) noexcept {
        bits_ &= ~(uint32_t{1} << static_cast<unsigned>(f));
        return *this;
    }
    /// Every feature that we know, standard or not.
    static constexpr FeatureSet all() noexcept {
        FeatureSet set;
        for (const FeatureRow& row : feature_table)
            set.enable(row.feature);
        return set;
    }
    /// WebAssembly 1.0 alone.
    static constexpr FeatureSet none() noexcept {
        FeatureSet set;
        set.bits_ = 1;
        return set;
    }

private:
    uint32_t bits_ = 0;
};

constexpr std::string_view name_of(Feature f) noexcept {
    return feature_table[static_cast<unsigned>(f)].name;
}

} // namespace warpbeam
