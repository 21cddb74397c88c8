#pragma once

#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace warpbeam::cli {

/// A function's name, or `module.name` for an import without one, exactly as in the module; may be empty.
[[nodiscard]] std::string raw_name(const Module& module, uint32_t func);
/// The same for people: safe for terminals, and `function 7` if there is no name.
[[nodiscard]] std::string display_name(const Module& module, uint32_t func);

/// A profile: which functions were called by which, and how much time or fuel each of these calls took.
class CallTree {
public:
    static constexpr uint32_t root = 0;
    /// Stands for callers that are not known.
    static constexpr uint32_t unknown = UINT32_MAX - 1;
    struct Node {
        uint32_t parent = root;
        uint32_t func = 0;  ///< an index of `module()`, or `unknown`
        uint32_t depth = 0; ///< of the root: 0
        uint64_t self = 0;  ///< in the profile's unit
        uint64_t calls = 0; ///< if they are counted
    };
    /// The tree's unit is nanoseconds, or of fuel if `counts_fuel`.
    explicit CallTree(bool counts_fuel) : counts_fuel_{counts_fuel}, nodes_(1) {}

    [[nodiscard]] bool counts_fuel() const { return counts_fuel_; }
    void set_module(const Module& module) { module_ = module; }
    [[nodiscard]] const Module& module() const { return module_; }

    /// The node of a function called by `parent`. Below a certain depth a function becomes its caller's
    /// sibling, and when there are very many nodes, all further ones are put below one of unknown callers.
    [[nodiscard]] uint32_t child(uint32_t parent, uint32_t func);
    [[nodiscard]] Node& at(uint32_t node) { return nodes_[node]; }
    /// A parent comes before its children; the first is the root, which is no function.
    [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }

    /// Adds a sample of `weight`: the functions that were active, the innermost first.
    void add_sample(std::span<const uint32_t> innermost_first, uint64_t weight);
    struct Sample {
        uint32_t node = root;
        uint64_t weight = 0;
    };
    /// In the order of time; if there are none, the nodes themselves.
    [[nodiscard]] std::vector<Sample> samples() const;
    [[nodiscard]] size_t sample_count() const { return samples_.size(); }

    /// What one function took in all its calls.
    struct FuncTotal {
        uint32_t func = 0;
        uint64_t self = 0;
        uint64_t total = 0; ///< with all that it called; recursive calls count once
        uint64_t calls = 0;
    };
    /// The functions, those that took most by themselves first.
    [[nodiscard]] std::vector<FuncTotal> functions() const;
    /// What each node took, with all below it.
    [[nodiscard]] std::vector<uint64_t> totals() const;
    [[nodiscard]] std::string name_of(uint32_t func) const {
        return func == unknown ? "(unknown callers)" : display_name(module_, func);
    }

private:
    [[nodiscard]] uint32_t add_child(uint32_t parent, uint32_t func);

    static constexpr size_t max_nodes = 1'000'000;
    static constexpr uint32_t deepest = 256;
    static constexpr size_t max_samples = 4'000'000;

    bool counts_fuel_;
    Module module_;
    std::vector<Node> nodes_;
    std::unordered_map<uint64_t, uint32_t> children_; ///< by parent and function
    std::vector<Sample> samples_;
    bool lost_samples_ = false; ///< there were too many to keep their order
};

/// Writes the table of functions to standard error.
void print_profile(const CallTree& tree);
/// A flame graph: an SVG image with a script that zooms.
[[nodiscard]] std::string flame_graph(const CallTree& tree, std::string_view title);
/// The format of https://www.speedscope.app, which is JSON.
[[nodiscard]] std::string speedscope(const CallTree& tree, std::string_view title);
/// The format of https://profiler.firefox.com, which is JSON, too. `start` is when the run began, in
/// milliseconds since 1970.
[[nodiscard]] std::string firefox_profile(const CallTree& tree, std::string_view title, double start);

} // namespace warpbeam::cli
