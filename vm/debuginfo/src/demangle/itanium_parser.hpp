#pragma once

#include "demangle/itanium_nodes.hpp"

#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace warpbeam::demangling {

/// An operator, by the two letters that stand for it.
struct Operator {
    enum class Use : uint8_t {
        prefix,
        postfix,
        binary,
        other, ///< has its own syntax in expressions
        name,  ///< can only be a name
    };
    char code[3];
    Use use;
    std::string_view text;
};

/// Null if there is none with this code.
[[nodiscard]] const Operator* find_operator(std::string_view code) noexcept;

/// Parses a mangled name, in one pass without going back. Functions return null if there is no such thing, or
/// if memory runs out.
/// https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
class ItaniumParser {
public:
    ItaniumParser(std::string_view rest, Allocator& allocator) noexcept
        : rest_{rest}, arena_{allocator}, substitutions_{allocator}, params_{allocator}, forwards_{allocator},
          allocator_{allocator} {}

    /// Everything after the prefix `_Z`.
    [[nodiscard]] const Node* parse() noexcept;
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }

private:
    /// What the name of a function says about its type.
    struct NameState {
        bool has_no_return_type = false; ///< a constructor, a destructor or a conversion
        bool ends_with_args = false;
        uint8_t qualifiers = 0;
    };
    /// Nesting, which must not exhaust the stack.
    class Level {
    public:
        explicit Level(ItaniumParser& parser) noexcept : depth_{parser.depth_} { ++depth_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;
        ~Level() { --depth_; }
        [[nodiscard]] bool too_deep() const noexcept { return depth_ > 160; }

    private:
        unsigned& depth_;
    };

    // ---- Characters ----
    [[nodiscard]] char peek(size_t at = 0) const noexcept { return at < rest_.size() ? rest_[at] : '\0'; }
    bool accept(char c) noexcept { return accept(std::string_view{&c, 1}); }
    bool accept(std::string_view words) noexcept {
        const bool found = rest_.starts_with(words);
        if (found)
            rest_.remove_prefix(words.size());
        return found;
    }
    [[nodiscard]] static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    /// The digits at the front, perhaps after an `n`.
    std::string_view digits(bool is_signed = false) noexcept;
    std::optional<uint32_t> number() noexcept;
    /// `_`, or a number and `_`: the first is 0, the second 1 and so on.
    std::optional<uint32_t> index(unsigned base = 10) noexcept;

    // ---- Nodes ----
    const Node* make(const Node& node) noexcept;
    const Node* text(std::string_view words) noexcept { return make({.text = words}); }
    const Node* sequence(std::initializer_list<const Node*> parts, Kind kind = Kind::sequence) noexcept;
    std::optional<Node::List> list(const Vec<const Node*>& nodes) noexcept;
    [[nodiscard]] bool push(Vec<const Node*>& to, const Node* node) noexcept {
        return node != nullptr && allocated(to.push(node));
    }
    /// Remembers what later parts may refer to; returns it.
    const Node* remember(const Node* node) noexcept { return push(substitutions_, node) ? node : nullptr; }
    /// Whether the arguments of a template follow a type. After the type of a conversion they are those of
    /// the conversion.
    [[nodiscard]] bool args_follow() const noexcept { return peek() == 'I' && !in_conversion_; }
    bool allocated(bool done) noexcept {
        out_of_memory_ |= !done;
        return done;
    }

    // ---- itanium_names.cpp ----
    const Node* encoding() noexcept;
    const Node* special_name() noexcept;
    bool skip_call_offset() noexcept;
    const Node* name(NameState* state = nullptr) noexcept;
    const Node* nested_name(NameState* state) noexcept;
    const Node* local_name(NameState* state) noexcept;
    const Node* unqualified_name(NameState* state, const Node* scope) noexcept;
    const Node* constructor_name(NameState* state, const Node* scope) noexcept;
    const Node* operator_name(NameState* state) noexcept;
    const Node* unnamed_type() noexcept;
    const Node* source_name() noexcept;
    const Node* tags(const Node* node) noexcept;
    const Node* substitution() noexcept;
    const Node* standard_class() noexcept;
    const Node* with_args(const Node* name, bool for_params, NameState* state = nullptr) noexcept;
    std::optional<Node::List> template_args(bool for_params) noexcept;
    const Node* template_arg() noexcept;
    const Node* template_param() noexcept;
    bool discriminator() noexcept;
    std::optional<Node::List> params() noexcept;

    // ---- itanium_types.cpp ----
    const Node* type() noexcept;
    const Node* type_after_d() noexcept;
    const Node* builtin_type() noexcept;
    const Node* function_type(uint8_t qualifiers) noexcept;
    const Node* array_type() noexcept;
    const Node* class_type() noexcept;
    uint8_t qualifiers() noexcept;
    const Node* decltype_name() noexcept;

    // ---- itanium_expressions.cpp ----
    const Node* expression() noexcept;
    const Node* operator_expression(const Operator& op, bool is_global) noexcept;
    const Node* operand(const Node* expression) noexcept;
    template <typename Bits>
    const Node* floating() noexcept;
    const Node* literal() noexcept;
    const Node* unresolved_name(bool is_global) noexcept;
    const Node* base_unresolved_name() noexcept;
    const Node* function_param() noexcept;
    const Node* braced_list(const Node* type) noexcept;
    const Node* fold(bool is_left, bool has_init) noexcept;
    std::optional<Node::List> expressions() noexcept;

    std::string_view rest_;
    Arena arena_;
    Vec<const Node*> substitutions_;
    Vec<const Node*> params_; ///< the template arguments to which `T_` refers
    Vec<Node*> forwards_;
    Allocator& allocator_;
    unsigned depth_ = 0;
    bool out_of_memory_ = false;
    bool in_lambda_ = false;     ///< in the parameters of a lambda expression
    bool in_conversion_ = false; ///< in the type of a conversion, whose template arguments follow
};

} // namespace warpbeam::demangling
