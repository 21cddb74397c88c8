#pragma once

#include <gtest/gtest.h>
#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/module.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

/// Modules in the binary format, put together from parts.
namespace warpbeam::test {

using Bytes = std::vector<uint8_t>;

inline constexpr uint8_t i32 = 0x7f, i64 = 0x7e, f32 = 0x7d, f64 = 0x7c, v128 = 0x7b;
inline constexpr uint8_t func_ref = 0x70, extern_ref = 0x6f, ref_null = 0x63, ref_to = 0x64;
inline constexpr uint8_t end = 0x0b;

enum SectionId : uint8_t {
    custom,
    type,
    import,
    function,
    table,
    memory,
    global,
    export_,
    start,
    element,
    code,
    data,
    data_count,
    tag
};

inline Bytes leb(uint64_t value) {
    Bytes bytes;
    do {
        bytes.push_back(static_cast<uint8_t>((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
        value >>= 7;
    } while (value != 0);
    return bytes;
}

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// The length, then the contents.
inline Bytes sized(const Bytes& contents) { return leb(contents.size()) + contents; }
inline Bytes name(std::string_view text) { return sized(Bytes(text.begin(), text.end())); }
inline Bytes vec(const std::vector<Bytes>& items) {
    Bytes bytes = leb(items.size());
    for (const Bytes& item : items)
        bytes = bytes + item;
    return bytes;
}
inline Bytes func_type(const Bytes& params, const Bytes& results) {
    return Bytes{0x60} + sized(params) + sized(results);
}
/// A function body without locals, unless they are given encoded; `end` is added.
inline Bytes body(const Bytes& instructions, const Bytes& locals = {0}) {
    return sized(locals + instructions + Bytes{end});
}

class Binary {
public:
    Binary& section(SectionId id, const Bytes& contents) {
        bytes = bytes + Bytes{id} + sized(contents);
        return *this;
    }
    Bytes bytes{0x00, 'a', 's', 'm', 1, 0, 0, 0};
};

/// A module with one function, of this type and with this body.
inline Bytes module_of(const Bytes& function_type, const Bytes& function_body) {
    return Binary{}
        .section(type, vec({function_type}))
        .section(function, vec({{0}}))
        .section(code, vec({function_body}))
        .bytes;
}

inline LoadOptions all_features() {
    LoadOptions options;
    options.features = FeatureSet::all();
    return options;
}

inline Module load(const Bytes& bytes, const LoadOptions& options = all_features()) {
    auto module = Module::load(bytes, options);
    EXPECT_TRUE(module.has_value()) << module.error().message() << " at " << module.error().offset();
    return module ? *module : Module{};
}

/// What is wrong with a module, as "code: message @offset".
inline std::string fault(const Bytes& bytes, const LoadOptions& options = all_features()) {
    static constexpr const char* codes[] = {"malformed",     "invalid",    "unsupported", "limit",
                                            "out of memory", "unlinkable", "usage"};
    const auto module = Module::load(bytes, options);
    if (module)
        return "valid";
    const Error& error = module.error();
    std::string text =
        std::string(codes[static_cast<size_t>(error.code())]) + ": " + std::string(error.message());
    if (error.offset() != Error::no_offset)
        text += " @" + std::to_string(error.offset());
    return text;
}

} // namespace warpbeam::test
