#include "old_names.hpp"

#include "keywords.hpp"

#include <algorithm>
#include <cstdio>

namespace warpbeam::text {
namespace {

struct Renamed {
    std::string_view old;
    std::string_view current;
};

constexpr Renamed renamed[] = {
    {"get_local", "local.get"},
    {"set_local", "local.set"},
    {"tee_local", "local.tee"},
    {"get_global", "global.get"},
    {"set_global", "global.set"},
    {"current_memory", "memory.size"},
    {"grow_memory", "memory.grow"},
    {"anyfunc", "funcref"},
    {"dataref", "structref"},
    {"memory.drop", "data.drop"},
    {"i31.new", "ref.i31"},
    {"extern.externalize", "extern.convert_any"},
    {"extern.internalize", "any.convert_extern"},
    {"array.init_static", "array.new_fixed"},
    {"atomic.notify", "memory.atomic.notify"},
    {"i32.atomic.wait", "memory.atomic.wait32"},
    {"i64.atomic.wait", "memory.atomic.wait64"},
    {"v8x16.shuffle", "i8x16.shuffle"},
    {"v8x16.swizzle", "i8x16.swizzle"},
    {"v8x16.load_splat", "v128.load8_splat"},
    {"v16x8.load_splat", "v128.load16_splat"},
    {"v32x4.load_splat", "v128.load32_splat"},
    {"v64x2.load_splat", "v128.load64_splat"},
    {"i8x16.any_true", "v128.any_true"},
    {"i16x8.any_true", "v128.any_true"},
    {"i32x4.any_true", "v128.any_true"},
};

/// Builds a keyword piece by piece; one that gets too long becomes empty.
class Word {
public:
    Word& add(std::string_view piece) noexcept {
        length_ += piece.copy(text_ + length_, sizeof text_ - length_);
        return *this;
    }
    [[nodiscard]] std::string_view view() const noexcept { return {text_, length_}; }

private:
    char text_[48];
    size_t length_ = 0;
};

/// Conversions had a slash, with the sign before it: `i32.trunc_s/f32`, and `i32.trunc_s:sat/f32`.
std::string_view current_conversion(std::string_view old) noexcept {
    const size_t slash = old.find('/');
    if (slash == std::string_view::npos)
        return {};
    std::string_view operation = old.substr(0, slash);
    constexpr std::string_view saturating = ":sat";
    const bool saturates = operation.ends_with(saturating);
    operation.remove_suffix(saturates ? saturating.size() : 0);
    const bool has_sign = operation.ends_with("_s") || operation.ends_with("_u");
    const std::string_view sign = has_sign ? operation.substr(operation.size() - 2) : std::string_view{};
    operation.remove_suffix(sign.size());
    Word word;
    word.add(operation).add(saturates ? "_sat_" : "_").add(old.substr(slash + 1)).add(sign);
    const InstrRow* const row = find_keyword(word.view());
    return row != nullptr ? row->text() : std::string_view{};
}

} // namespace

std::string_view current_name(std::string_view old) noexcept {
    const Renamed* const found = std::ranges::find(renamed, old, &Renamed::old);
    return found != std::end(renamed) ? found->current : current_conversion(old);
}

NameHint::NameHint(std::string_view word) noexcept {
    const std::string_view current = current_name(word);
    text_[0] = 0;
    if (!current.empty())
        std::snprintf(text_, sizeof text_, "; use its current name, %.*s", static_cast<int>(current.size()),
                      current.data());
}

} // namespace warpbeam::text
