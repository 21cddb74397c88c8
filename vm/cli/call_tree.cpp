#include "call_tree.hpp"

#include "command.hpp"
#include "json.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace warpbeam::cli {

std::string raw_name(const Module& module, uint32_t func) {
    if (const std::string_view name = module.func_name(func); !name.empty())
        return std::string(name);
    uint32_t index = 0;
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::func && index++ == func)
            return std::string(import.module) + "." + std::string(import.name);
    return {};
}

std::string display_name(const Module& module, uint32_t func) {
    if (func >= module.funcs().size())
        return "host function";
    const std::string name = raw_name(module, func);
    return name.empty() ? "function " + std::to_string(func) : printable(name);
}

namespace {
constexpr uint64_t key_of(uint32_t parent, uint32_t func) { return uint64_t{parent} << 32 | func; }
} // namespace

uint32_t CallTree::add_child(uint32_t parent, uint32_t func) {
    const auto [place, is_new] =
        children_.try_emplace(key_of(parent, func), static_cast<uint32_t>(nodes_.size()));
    if (is_new)
        nodes_.push_back({parent, func, nodes_[parent].depth + 1, 0, 0});
    return place->second;
}

uint32_t CallTree::child(uint32_t parent, uint32_t func) {
    if (nodes_[parent].depth >= deepest)
        parent = nodes_[parent].parent;
    if (nodes_.size() >= max_nodes && !children_.contains(key_of(parent, func)))
        parent = add_child(root, unknown);
    return add_child(parent, func);
}

void CallTree::add_sample(std::span<const uint32_t> innermost_first, uint64_t weight) {
    uint32_t node = root;
    for (size_t i = innermost_first.size(); i-- > 0;)
        node = child(node, innermost_first[i]);
    nodes_[node].self += weight;
    lost_samples_ |= samples_.size() >= max_samples;
    if (!lost_samples_)
        samples_.push_back({node, weight});
}

std::vector<CallTree::Sample> CallTree::samples() const {
    if (!samples_.empty() && !lost_samples_)
        return samples_;
    std::vector<Sample> all;
    for (uint32_t node = 0; node < nodes_.size(); ++node)
        if (nodes_[node].self != 0)
            all.push_back({node, nodes_[node].self});
    return all;
}

std::vector<uint64_t> CallTree::totals() const {
    std::vector<uint64_t> totals(nodes_.size());
    for (size_t node = nodes_.size(); node-- > 0;) {
        totals[node] += nodes_[node].self;
        if (node != root)
            totals[nodes_[node].parent] += totals[node];
    }
    return totals;
}

std::vector<CallTree::FuncTotal> CallTree::functions() const {
    std::unordered_map<uint32_t, FuncTotal> by_func;
    const std::vector<uint64_t> totals = this->totals();
    for (uint32_t node = 1; node < nodes_.size(); ++node) {
        const Node& of = nodes_[node];
        if (of.func == unknown)
            continue;
        FuncTotal& sum = by_func.try_emplace(of.func, FuncTotal{of.func, 0, 0, 0}).first->second;
        sum.self += of.self;
        sum.calls += of.calls;
    }
    // A node counts for its function unless that is active further out, too.
    std::vector<std::vector<uint32_t>> below(nodes_.size());
    for (uint32_t node = 1; node < nodes_.size(); ++node)
        below[nodes_[node].parent].push_back(node);
    std::unordered_map<uint32_t, uint32_t> active;
    struct Visit {
        uint32_t node;
        bool leaves;
    };
    std::vector<Visit> visits{{root, false}};
    while (!visits.empty()) {
        const Visit visit = visits.back();
        visits.pop_back();
        uint32_t& depth = active[nodes_[visit.node].func];
        if (visit.leaves) {
            --depth;
            continue;
        }
        if (visit.node != root) {
            if (depth++ == 0 && nodes_[visit.node].func != unknown)
                by_func[nodes_[visit.node].func].total += totals[visit.node];
            visits.push_back({visit.node, true});
        }
        for (const uint32_t child : below[visit.node])
            visits.push_back({child, false});
    }
    std::vector<FuncTotal> all;
    all.reserve(by_func.size());
    for (const auto& [func, sum] : by_func)
        all.push_back(sum);
    std::ranges::sort(all, [](const FuncTotal& a, const FuncTotal& b) {
        return a.self != b.self ? a.self > b.self : a.total != b.total ? a.total > b.total : a.func < b.func;
    });
    return all;
}

void print_profile(const CallTree& tree) {
    constexpr size_t max_rows = 40;
    const std::vector<CallTree::FuncTotal> functions = tree.functions();
    const uint64_t all = tree.totals()[CallTree::root];
    const auto percent = [all](uint64_t part) {
        return all == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
    };
    if (tree.counts_fuel())
        std::fprintf(stderr, "profile: %" PRIu64 " units of fuel in %zu function%s\n", all, functions.size(),
                     functions.size() == 1 ? "" : "s");
    else
        std::fprintf(stderr, "profile: %zu sample%s in %.3f s\n", tree.sample_count(),
                     tree.sample_count() == 1 ? "" : "s", static_cast<double>(all) / 1e9);
    if (functions.empty()) {
        std::fprintf(stderr,
                     "Nothing was sampled: samples are a millisecond apart, so the run must be longer.\n");
        return;
    }
    if (tree.counts_fuel())
        std::fprintf(stderr, "%12s %14s %7s %14s %7s  function\n", "calls", "self", "", "total", "");
    else
        std::fprintf(stderr, "%12s %7s %12s %7s  function\n", "self", "", "total", "");
    for (size_t i = 0; i < std::min(functions.size(), max_rows); ++i) {
        const CallTree::FuncTotal& row = functions[i];
        const std::string name = tree.name_of(row.func);
        if (tree.counts_fuel())
            std::fprintf(stderr, "%12" PRIu64 " %14" PRIu64 " %5.1f %% %14" PRIu64 " %5.1f %%  %s\n",
                         row.calls, row.self, percent(row.self), row.total, percent(row.total), name.c_str());
        else
            std::fprintf(stderr, "%9.1f ms %5.1f %% %9.1f ms %5.1f %%  %s\n",
                         static_cast<double>(row.self) / 1e6, percent(row.self),
                         static_cast<double>(row.total) / 1e6, percent(row.total), name.c_str());
    }
    if (functions.size() > max_rows)
        std::fprintf(stderr, "(and %zu more functions)\n", functions.size() - max_rows);
}

std::string speedscope(const CallTree& tree, std::string_view title) {
    std::string frames;
    std::unordered_map<uint32_t, std::string> numbers; ///< of the functions among the frames
    const auto nodes = tree.nodes();
    for (const CallTree::Node& node : nodes.subspan(1)) {
        if (!numbers.try_emplace(node.func, std::to_string(numbers.size())).second)
            continue;
        frames += frames.empty() ? "" : ",";
        frames += "\n{\"name\":" + json_string(tree.name_of(node.func)) + "}";
    }
    std::string samples;
    std::string weights;
    uint64_t all = 0;
    for (const CallTree::Sample& sample : tree.samples()) {
        std::vector<std::string> path;
        for (uint32_t node = sample.node; node != CallTree::root; node = nodes[node].parent)
            path.push_back(numbers[nodes[node].func]);
        samples += samples.empty() ? "\n[" : ",\n[";
        for (size_t i = path.size(); i-- > 0;)
            samples += path[i] + (i != 0 ? "," : "");
        samples += ']';
        weights += (weights.empty() ? "" : ",") + std::to_string(sample.weight);
        all += sample.weight;
    }
    const std::string name = json_string(title);
    return "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n\"name\":" + name +
           ",\n\"exporter\":\"warpbeam " WARPBEAM_VERSION "\",\n\"activeProfileIndex\":0,\n"
           "\"shared\":{\"frames\":[" +
           frames + "]},\n\"profiles\":[{\"type\":\"sampled\",\"name\":" + name + ",\"unit\":\"" +
           (tree.counts_fuel() ? "none" : "nanoseconds") +
           "\",\"startValue\":0,\"endValue\":" + std::to_string(all) + ",\n\"samples\":[" + samples +
           "],\n\"weights\":[" + weights + "]}]}\n";
}

} // namespace warpbeam::cli
