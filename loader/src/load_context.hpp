#pragma once

#include "diagnostics.hpp"
#include "module_data.hpp"

#include <warpbeam/loader/built_features.hpp>

#include <string_view>

namespace warpbeam {

class FuncValidator;

/// What all stages of loading a module share.
struct LoadContext {
    ModuleData& module;
    const FeatureSet features;
    const ModuleLimits limits;
    Diagnostics& diagnostics;
    Allocator& allocator;
    FuncValidator* validator = nullptr;

    // What needs a feature that the library is built without is left out by the compiler, which sees that
    // these are false.
    [[nodiscard]] bool has(Feature feature) const noexcept {
        return may_have(feature) && features.has(feature);
    }
    [[nodiscard]] [[gnu::always_inline]] bool require(Feature feature, size_t offset,
                                                      std::string_view what) const noexcept {
        const bool is_met = check(feature, offset, what);
        return may_have(feature) && is_met;
    }
    /// Checks that a function, table, ... of that index exists.
    [[nodiscard]] bool exists(uint32_t index, size_t count, size_t offset, const char* what) const noexcept {
        return index < count || diagnostics.invalid(offset, "unknown %s %u", what, index);
    }
    /// Appends to a list.
    template <typename T>
    [[nodiscard]] bool append(Vec<T>& list, const T& item) const noexcept {
        return list.push(item) || diagnostics.out_of_memory();
    }
    void declare_func(uint32_t func) noexcept {
        module.declared_funcs[func / 64] |= uint64_t{1} << (func % 64);
    }
    [[nodiscard]] bool is_declared(uint32_t func) const noexcept {
        return ((module.declared_funcs[func / 64] >> (func % 64)) & 1) != 0;
    }

private:
    /// A library with everything in it has nothing to look up.
    [[nodiscard]] static constexpr bool may_have(Feature feature) noexcept {
        return built_features == FeatureSet::all() || is_built(feature);
    }
    [[nodiscard]] bool check(Feature feature, size_t offset, std::string_view what) const noexcept {
        return features.has(feature) || diagnostics.unsupported(offset, feature, what);
    }
};

} // namespace warpbeam
