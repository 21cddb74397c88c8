#pragma once

#include <gtest/gtest.h>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/text/parse.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace warpbeam::text {

using ByteString = std::vector<uint8_t>;

/// The module in the binary format; the test fails if there is none.
inline ByteString binary(std::string_view text, bool names = false) {
    TextOptions options;
    options.names = names;
    const auto bytes = parse_wat(text, options);
    if (!bytes) {
        ADD_FAILURE() << bytes.error().message();
        return {};
    }
    return {bytes->begin(), bytes->end()};
}

/// The error message for a text that is refused; empty if it is accepted.
inline std::string message(std::string_view text) {
    const auto bytes = parse_wat(text);
    return bytes ? std::string{} : std::string{bytes.error().message()};
}

/// The first line of that, without line and column.
inline std::string fault(std::string_view text) {
    std::string all = message(text);
    all = all.substr(0, all.find('\n'));
    const size_t colon = all.find(": ");
    return colon == std::string::npos ? all : all.substr(colon + 2);
}

inline Module load(std::string_view text) {
    const ByteString bytes = binary(text, true);
    const auto module = Module::load(bytes, {.features = FeatureSet::all(), .limits = {}});
    if (!module) {
        ADD_FAILURE() << module.error().message();
        return {};
    }
    return *module;
}

} // namespace warpbeam::text
