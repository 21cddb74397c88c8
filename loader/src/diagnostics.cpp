#include "diagnostics.hpp"

#include <warpbeam/loader/built_features.hpp>

#include <utility>

namespace warpbeam {

bool Diagnostics::Report::operator()(size_t offset, const char* format, ...) const noexcept {
    if (diagnostics.error_)
        return false;
    va_list arguments;
    va_start(arguments, format);
    diagnostics.error_ = Error::vformat(diagnostics.allocator_, code, format, arguments).at(offset);
    va_end(arguments);
    return false;
}

bool Diagnostics::unsupported(size_t offset, Feature feature, std::string_view what) noexcept {
    const std::string_view name = name_of(feature);
    if (error_)
        return false;
    error_.emplace(allocator_, ErrorCode::unsupported, "%.*s needs the feature %.*s, which is switched off",
                   static_cast<int>(what.size()), what.data(), static_cast<int>(name.size()), name.data());
    error_->at(offset);
    return for_lack_of(feature);
}

bool Diagnostics::for_lack_of(Feature feature) noexcept {
    if (!error_)
        return false;
    if (!is_built(feature))
        error_->add(": this build is without it (WARPBEAM_%s=0)", option_of(feature));
    error_->for_lack_of(feature);
    return false;
}

bool Diagnostics::out_of_memory() noexcept {
    if (!error_)
        error_.emplace(ErrorCode::out_of_memory);
    return false;
}

Error Diagnostics::finish(std::string_view function_name) noexcept {
    Error error = error_ ? *std::exchange(error_, std::nullopt) : Error{ErrorCode::malformed};
    if (error.code() == ErrorCode::out_of_memory)
        return error;
    if (section_ != nullptr)
        error.add(", in the %s section", section_);
    if (function_ != Error::no_function) {
        error.in_function(function_).add(", function %u", function_);
        if (!function_name.empty())
            error.add(" \"%.*s\"", static_cast<int>(function_name.size()), function_name.data());
    }
    return error;
}

} // namespace warpbeam
