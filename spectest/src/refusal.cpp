#include "refusal.hpp"

#include <warpbeam/text/parse.hpp>

#include <filesystem>

namespace warpbeam::spectest {
namespace {

std::string folder_of(const std::string& path) {
    return std::filesystem::path{path}.parent_path().filename().string();
}

/// The threads proposal dates from when there was only one memory and one table, and its tests assert that.
FeatureSet threads_base() {
    FeatureSet features = FeatureSet::none();
    for (const Feature feature : {Feature::mutable_globals, Feature::sign_extension,
                                  Feature::saturating_float_to_int, Feature::multi_value, Feature::threads})
        features.enable(feature);
    return features;
}

} // namespace

std::expected<std::string, Error> translate(const ModuleSource& source) {
    if (source.form == ModuleSource::Form::binary)
        return source.contents;
    TextOptions options;
    options.first_line = source.form == ModuleSource::Form::text ? source.line : 1;
    auto bytes = parse_wat(source.contents, options);
    if (!bytes)
        return std::unexpected{bytes.error()};
    return std::string{bytes->begin(), bytes->end()};
}

bool predates_features(const std::string& path) { return folder_of(path) == name_of(Feature::threads); }

FeatureSet suite_features(const std::string& path, FeatureSet given) {
    if (predates_features(path))
        given.restrict_to(threads_base());
    for (const Feature feature : folder_features)
        if (folder_of(path) == name_of(feature))
            given.enable(feature);
    return given;
}

Loaded load(const ModuleSource& source, const LoadOptions& options) {
    const auto bytes = translate(source);
    if (!bytes)
        return std::unexpected{bytes.error()};
    return Module::load({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, options);
}

std::optional<std::string> check_refused(const AssertRefused& assertion, const Loaded& loaded,
                                         bool unsupported_suffices) {
    using Kind = AssertRefused::Kind;
    const bool malformed = assertion.kind == Kind::malformed || assertion.kind == Kind::malformed_custom;
    const std::string expected = (malformed ? "malformed: " : "invalid: ") + assertion.message;
    if (loaded)
        return "accepted, but expected to be " + expected;
    if (unsupported_suffices && loaded.error().code() == ErrorCode::unsupported)
        return std::nullopt;
    if (loaded.error().code() == (malformed ? ErrorCode::malformed : ErrorCode::invalid))
        return std::nullopt;
    constexpr const char* names[] = {"malformed",     "invalid",    "unsupported", "beyond a limit",
                                     "out of memory", "unlinkable", "usage error"};
    return std::string{names[static_cast<unsigned>(loaded.error().code())]} + ": " +
           std::string{loaded.error().message()} + " (expected " + expected + ")";
}

} // namespace warpbeam::spectest
