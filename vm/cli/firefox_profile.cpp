#include "call_tree.hpp"
#include "json.hpp"

#include <cinttypes>
#include <cstdio>
#include <unordered_map>

/// The processed format of https://profiler.firefox.com: tables whose columns are arrays. A node of the call
/// tree is a row of its stack table.
/// https://github.com/firefox-devtools/profiler/blob/main/docs-developer/processed-profile-format.md

namespace warpbeam::cli {

namespace {

/// An array of JSON.
class Column {
public:
    void add(std::string_view value) {
        text_ += text_.empty() ? "" : ",";
        text_ += value;
    }
    [[nodiscard]] std::string end() const { return "[" + text_ + "]"; }

private:
    std::string text_;
};

/// A column that says the same in each row.
std::string same(size_t rows, std::string_view value) {
    Column column;
    for (size_t i = 0; i < rows; ++i)
        column.add(value);
    return column.end();
}

std::string milliseconds(uint64_t nanoseconds) {
    char text[40];
    std::snprintf(text, sizeof text, "%" PRIu64 ".%06u", nanoseconds / 1'000'000,
                  static_cast<unsigned>(nanoseconds % 1'000'000));
    return text;
}

/// A function, with a frame that has the same number.
struct Funcs {
    explicit Funcs(const CallTree& tree) {
        for (const CallTree::Node& node : tree.nodes().subspan(1))
            if (const auto [place, is_new] = numbers.try_emplace(node.func, numbers.size()); is_new) {
                names.add(json_string(tree.name_of(node.func)));
                indices.add(std::to_string(place->second));
            }
    }
    std::unordered_map<uint32_t, size_t> numbers;
    Column names;
    Column indices;
};

std::string stack_table(const CallTree& tree, const Funcs& funcs) {
    Column prefixes;
    Column frames;
    const auto nodes = tree.nodes().subspan(1);
    for (const CallTree::Node& node : nodes) {
        prefixes.add(node.parent == CallTree::root ? "null" : std::to_string(node.parent - 1));
        frames.add(std::to_string(funcs.numbers.at(node.func)));
    }
    const std::string zeros = same(nodes.size(), "0");
    return "{\"length\":" + std::to_string(nodes.size()) + ",\"prefix\":" + prefixes.end() +
           ",\"frame\":" + frames.end() + ",\"category\":" + zeros + ",\"subcategory\":" + zeros + "}";
}

std::string samples_table(const CallTree& tree) {
    Column stacks;
    Column times;
    Column weights;
    uint64_t time = 0;
    const std::vector<CallTree::Sample> samples = tree.samples();
    for (const CallTree::Sample& sample : samples) {
        // A sample weighs as much as the time before it. Fuel has no unit there, so it is shown as time.
        time += sample.weight;
        stacks.add(sample.node == CallTree::root ? "null" : std::to_string(sample.node - 1));
        times.add(milliseconds(time));
        weights.add(milliseconds(sample.weight));
    }
    return "{\"length\":" + std::to_string(samples.size()) +
           ",\"weightType\":\"tracing-ms\",\"stack\":" + stacks.end() + ",\n\"time\":" + times.end() +
           ",\n\"weight\":" + weights.end() + "}";
}

std::string func_tables(const Funcs& funcs) {
    const size_t count = funcs.numbers.size();
    const std::string rows = "{\"length\":" + std::to_string(count);
    const std::string indices = funcs.indices.end();
    const std::string nulls = same(count, "null");
    const std::string zeros = same(count, "0");
    const std::string no = same(count, "false");
    const std::string none = same(count, "-1");
    return "\"frameTable\":" + rows + ",\"func\":" + indices + ",\"address\":" + none +
           ",\"inlineDepth\":" + zeros + ",\"category\":" + zeros + ",\"subcategory\":" + zeros +
           ",\"nativeSymbol\":" + nulls + ",\"innerWindowID\":" + nulls + ",\"implementation\":" + nulls +
           ",\"line\":" + nulls + ",\"column\":" + nulls + ",\"optimizations\":" + nulls +
           "},\n\"funcTable\":" + rows + ",\"name\":" + indices + ",\"isJS\":" + no +
           ",\"relevantForJS\":" + no + ",\"resource\":" + none + ",\"fileName\":" + nulls +
           ",\"lineNumber\":" + nulls + ",\"columnNumber\":" + nulls +
           "},\n\"stringArray\":" + funcs.names.end();
}

} // namespace

std::string firefox_profile(const CallTree& tree, std::string_view title, double start) {
    const Funcs funcs{tree};
    char begin[40];
    std::snprintf(begin, sizeof begin, "%.3f", start);
    return "{\"meta\":{\"version\":27,\"preprocessedProfileVersion\":48,\"processType\":0,\"stackwalk\":0,"
           "\"debug\":false,\"interval\":1,\"startTime\":" +
           std::string{begin} + ",\"product\":" + json_string(title) +
           ",\"symbolicated\":true,\"usesOnlyOneStackType\":true,\"doesNotUseFrameImplementation\":true,"
           "\"sourceCodeIsNotOnSearchfox\":true,\"markerSchema\":[],\"sampleUnits\":{\"time\":\"ms\","
           "\"eventDelay\":\"ms\",\"threadCPUDelta\":\"ns\"},\"extensions\":{\"length\":0,\"id\":[],\"name\":"
           "[],"
           "\"baseURL\":[]},\"categories\":[{\"name\":\"WebAssembly\",\"color\":\"orange\",\"subcategories\":"
           "[\"Other\"]}]},\n\"libs\":[],\"pages\":[],\"threads\":[{\"name\":\"main\",\"isMainThread\":true,"
           "\"processType\":\"default\",\"pid\":\"1\",\"tid\":1,\"processStartupTime\":0,"
           "\"processShutdownTime\":null,\"registerTime\":0,\"unregisterTime\":null,\"pausedRanges\":[],\n"
           "\"samples\":" +
           samples_table(tree) + ",\n\"stackTable\":" + stack_table(tree, funcs) + ",\n" +
           func_tables(funcs) +
           ",\n\"markers\":{\"length\":0,\"data\":[],\"name\":[],\"startTime\":[],\"endTime\":[],\"phase\":[]"
           ","
           "\"category\":[]},\"resourceTable\":{\"length\":0,\"lib\":[],\"name\":[],\"host\":[],\"type\":[]},"
           "\"nativeSymbols\":{\"length\":0,\"libIndex\":[],\"address\":[],\"name\":[],\"functionSize\":[]}}]"
           "}\n";
}

} // namespace warpbeam::cli
