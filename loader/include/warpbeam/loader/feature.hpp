#pragma once

#include <cstdint>
#include <string_view>

namespace warpbeam {

/// The parts of WebAssembly beyond its first version. Each can be switched off: a module that uses it is then
/// refused, and the error names the feature. Thread-safety: as for any value.
/// https://webassembly.github.io/spec/core/appendix/changes.html
enum class Feature : uint8_t {
    core,
#define WARPBEAM_FEATURE(id, text, on, summary) id,
#include <warpbeam/loader/features.inc>
#undef WARPBEAM_FEATURE
};

/// Information about a feature.
struct FeatureRow {
    Feature feature;          ///< the feature itself
    std::string_view name;    ///< on the command line and in errors
    bool standard;            ///< whether it is on by default
    std::string_view summary; ///< what it allows, for help texts
};

/// All features, in the order of `Feature`.
inline constexpr FeatureRow feature_table[] = {
    {Feature::core, "core", true, "WebAssembly 1.0"},
#define WARPBEAM_FEATURE(id, text, on, summary) {Feature::id, text, on, summary},
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
    /// Whether a feature is in the set.
    [[nodiscard]] constexpr bool has(Feature f) const noexcept {
        return (bits_ >> static_cast<unsigned>(f)) & 1;
    }
    /// Switches a feature on.
    constexpr FeatureSet& enable(Feature f) noexcept {
        bits_ |= uint32_t{1} << static_cast<unsigned>(f);
        return *this;
    }
    /// Switches a feature off.
    constexpr FeatureSet& disable(Feature f) noexcept {
        bits_ &= ~(uint32_t{1} << static_cast<unsigned>(f));
        return *this;
    }
    /// Switches off every feature that is off in `other`.
    constexpr FeatureSet& restrict_to(const FeatureSet& other) noexcept {
        bits_ &= other.bits_;
        return *this;
    }
    /// All known features, standard or not.
    static constexpr FeatureSet all() noexcept {
        FeatureSet set;
        for (const FeatureRow& row : feature_table)
            set.enable(row.feature);
        return set;
    }
    /// Only WebAssembly 1.0.
    static constexpr FeatureSet none() noexcept {
        FeatureSet set;
        set.bits_ = 1;
        return set;
    }

    friend constexpr bool operator==(const FeatureSet&, const FeatureSet&) noexcept = default;

private:
    uint32_t bits_ = 0;
};

/// The name of a feature, on the command line and in errors.
constexpr std::string_view name_of(Feature f) noexcept {
    return feature_table[static_cast<unsigned>(f)].name;
}

} // namespace warpbeam
