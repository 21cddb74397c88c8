#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/feature.hpp>
#include <warpbeam/loader/types.hpp>

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The scripts of the official test suite. Their grammar is in the reference interpreter's README:
/// https://github.com/WebAssembly/spec/tree/main/interpreter#scripts

namespace warpbeam::spectest {

/// Features that change what is valid without them, so that only scripts in a folder of their name have them.
inline constexpr Feature folder_features[] = {Feature::custom_descriptors, Feature::stack_switching};
/// The features of all other scripts.
constexpr FeatureSet script_features() noexcept {
    FeatureSet features = FeatureSet::all();
    for (const Feature feature : folder_features)
        features.disable(feature);
    return features;
}

enum class NanKind : uint8_t {
    none,       ///< exactly these bits
    canonical,  ///< a NaN whose payload is only the top bit
    arithmetic, ///< a NaN whose payload has at least the top bit
};

enum class LaneShape : uint8_t { i8x16, i16x8, i32x4, i64x2, f32x4, f64x2 };
constexpr unsigned lane_count(LaneShape shape) noexcept {
    constexpr unsigned counts[] = {16, 8, 4, 2, 4, 2};
    return counts[static_cast<unsigned>(shape)];
}

/// An argument, or a pattern for a result.
struct Pattern {
    enum Kind : uint8_t {
        i32,
        i64,
        f32,
        f64,
        v128,
        null,     ///< a null reference, of the type `heap` unless that is `bot`
        host,     ///< the host reference number `lanes[0]`, as an internal reference
        external, ///< the same as an external one
        heap,     ///< any non-null reference of the abstract type `heap`
        either,   ///< one of `alternatives`
    };
    struct Lane {
        uint64_t bits = 0;
        NanKind nan = NanKind::none;
    };

    Kind kind = i32;
    LaneShape shape = LaneShape::i8x16;
    HeapType heap_type = HeapType::bot;
    /// A number is in the first lane; a vector uses its lanes.
    std::array<Lane, 16> lanes{};
    std::vector<Pattern> alternatives;
};

/// A module as given in a script.
struct ModuleSource {
    enum class Form : uint8_t { text, binary, quote };
    Form form = Form::text;
    /// Whether it is only defined, not instantiated.
    bool is_definition = false;
    /// The identifier without its `$`; empty if there is none.
    std::string name;
    /// The whole `(module ...)`, or the bytes or text in its strings.
    std::string contents;
    uint32_t line = 1;
};

/// `(module instance $instance $module)`
struct Instantiation {
    std::string instance;
    std::string module;
};
/// `(register "name" $instance)`; the last instance if none is named.
struct Registration {
    std::string name;
    std::string instance;
};
/// `(invoke ...)` or `(get ...)`
struct Action {
    bool is_get = false;
    std::string instance;
    std::string name;
    std::vector<Pattern> arguments;
};

struct AssertReturn {
    Action action;
    std::vector<Pattern> results;
};
/// The assertions about an action.
struct AssertFailure {
    enum class Kind : uint8_t { trap, exhaustion, exception, suspension };
    Kind kind = Kind::trap;
    Action action;
    std::string message;
};
/// A module that must be refused before it is instantiated.
struct AssertRefused {
    enum class Kind : uint8_t { malformed, malformed_custom, invalid, invalid_custom };
    Kind kind = Kind::malformed;
    ModuleSource module;
    std::string message;
};
/// A module whose instantiation must fail.
struct AssertNotInstantiated {
    enum class Kind : uint8_t { unlinkable, trap };
    Kind kind = Kind::unlinkable;
    std::variant<ModuleSource, Instantiation> module;
    std::string message;
};

struct Command;
/// `(thread $name (shared (module $instance))... command...)`: executes commands concurrently with what
/// follows, in a separate store that has the instances' shared memories.
struct Thread {
    std::string name;
    std::vector<std::string> shared;
    std::vector<Command> commands;
};
/// `(wait $name)`: waits until a thread has executed all its commands.
struct Wait {
    std::string thread;
};

struct Command {
    uint32_t line = 1;
    std::variant<ModuleSource, Instantiation, Registration, Action, AssertReturn, AssertFailure,
                 AssertRefused, AssertNotInstantiated, Thread, Wait>
        body;
};

using Script = std::vector<Command>;

/// Parses a whole script, or one that consists only of the fields of a module. The contents of modules are
/// not parsed: only their tokens must be well-formed.
[[nodiscard]] std::expected<Script, Error> parse_script(std::string_view text);

} // namespace warpbeam::spectest
