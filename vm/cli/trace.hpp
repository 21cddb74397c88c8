#pragma once

#include "shadow_stacks.hpp"

#include <warpbeam/vm/observer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warpbeam::cli {

/// Which functions a trace is about: names, in which `*` stands for any characters, and indices. Names of C++
/// may lack the parameters.
class FuncFilter {
public:
    /// Items separated by commas. Throws UsageError if one is empty.
    explicit FuncFilter(std::string_view text);
    [[nodiscard]] bool matches(const Module& module, uint32_t func) const;

private:
    std::vector<std::string> items_;
};

/// An address, decimal, or hexadecimal with 0x. Throws UsageError.
[[nodiscard]] uint64_t parse_address(std::string_view text);
/// A range of addresses in a linear memory.
struct AddressRange {
    uint64_t from = 0;
    uint64_t to = 0; ///< the first one after it
};
/// `FROM:TO`. Throws UsageError.
[[nodiscard]] AddressRange parse_range(std::string_view text);

/// What `--trace` and `--trace-memory` ask for.
struct TraceSettings {
    bool calls = false;
    std::optional<FuncFilter> filter; ///< none: all functions
    std::optional<AddressRange> memory;
    [[nodiscard]] bool wanted() const { return calls || memory.has_value(); }
};

/// Writes a line to standard error for each event.
class Tracer {
public:
    explicit Tracer(const TraceSettings& settings) : settings_{settings} {}
    void observe(const Observation& observation);
    /// Writes what is left, and that the functions which are still active were left by a trap.
    void finish();

private:
    void trace_call(const Observation& observation);
    void trace_access(const Observation& observation);
    void print_left(const ShadowStacks::Left& left);
    void line(size_t indent, std::string_view text);
    void flush();
    [[nodiscard]] bool wants(const Module& module, uint32_t func);

    const TraceSettings& settings_;
    ShadowStacks stacks_;
    std::string pending_;
    Module module_;
    bool has_shown_ = false;      ///< whether there was a call
    std::vector<uint8_t> wanted_; ///< by function of that module: 0 if not known yet, 1 no, 2 yes
};

} // namespace warpbeam::cli
