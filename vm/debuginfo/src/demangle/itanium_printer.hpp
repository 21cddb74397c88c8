#pragma once

#include "demangle/itanium_nodes.hpp"
#include "demangle/output.hpp"

namespace warpbeam::demangling {

/// Writes nodes. Types surround names in C++ (`int (*name)[3]`), so each node has a left and a right part.
///
/// Nodes may be shared, so a short name can stand for an endless one: the steps are limited.
class ItaniumPrinter {
public:
    explicit ItaniumPrinter(Output& out) noexcept : out_{out} {}

    void print(const Node& node) noexcept {
        left(node);
        right(node);
    }
    /// Whether all was printed.
    [[nodiscard]] bool good() const noexcept { return out_.good() && steps_ > 0; }

private:
    static constexpr uint32_t unset = UINT32_MAX;

    void left(const Node& node) noexcept;
    void right(const Node& node) noexcept;
    /// With commas between those that are not empty.
    void comma_list(Node::List list) noexcept;
    void args(Node::List list) noexcept;
    void expansion(const Node& node) noexcept;
    void qualifiers(uint8_t bits) noexcept;
    void last_name(const Node& node) noexcept;
    void open_pointer(const Node& target) noexcept;
    /// Follows template parameters and packs to what they stand for.
    [[nodiscard]] const Node& resolve(const Node& node) noexcept;
    /// Whether a pointer to it needs parentheses.
    [[nodiscard]] bool surrounds(const Node& node) noexcept;
    [[nodiscard]] bool is_array(const Node& node) noexcept;
    /// Whether anything is on its right.
    [[nodiscard]] bool has_right(const Node& node) noexcept;
    /// The type that references to references refer to in the end, and which kind of reference is the result.
    struct Reference {
        const Node* target;
        bool is_lvalue;
    };
    [[nodiscard]] Reference collapse(const Node& node) noexcept;

    Output& out_;
    uint32_t steps_ = 50'000;
    uint32_t depth_ = 0;
    uint32_t pack_index_ = unset;
    uint32_t pack_size_ = unset;
};

} // namespace warpbeam::demangling
