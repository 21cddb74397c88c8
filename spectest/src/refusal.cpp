#include "refusal.hpp"

#include <warpbeam/text/parse.hpp>

namespace warpbeam::spectest {

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

Loaded load(const ModuleSource& source, const LoadOptions& options) {
    const auto bytes = translate(source);
    if (!bytes)
        return std::unexpected{bytes.error()};
    return Module::load({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, options);
}

std::optional<std::string> check_refused(const AssertRefused& assertion, const Loaded& loaded) {
    using Kind = AssertRefused::Kind;
    const bool malformed = assertion.kind == Kind::malformed || assertion.kind == Kind::malformed_custom;
    const std::string expected = (malformed ? "malformed: " : "invalid: ") + assertion.message;
    if (loaded)
        return "accepted, expected it to be " + expected;
    if (loaded.error().code() == (malformed ? ErrorCode::malformed : ErrorCode::invalid))
        return std::nullopt;
    constexpr const char* names[] = {"malformed",     "invalid",    "unsupported", "beyond a limit",
                                     "out of memory", "unlinkable", "wrong usage"};
    return std::string{names[static_cast<unsigned>(loaded.error().code())]} + ": " +
           std::string{loaded.error().message()} + " (expected " + expected + ")";
}

} // namespace warpbeam::spectest
