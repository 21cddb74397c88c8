#pragma once

#include <warpbeam/loader/module.hpp>

#include <map>
#include <string>
#include <tuple>
#include <vector>

/// What custom sections of the standard say of a module, for people. One that is malformed says what comes
/// before the fault.

namespace warpbeam::cli {

/// The subsections of the name section, by their numbers.
/// https://webassembly.github.io/spec/core/appendix/custom.html#name-section and
/// https://github.com/WebAssembly/extended-name-section
enum class NameSpace : uint8_t {
    module,
    func,
    local,
    label,
    type,
    table,
    memory,
    global,
    element,
    data,
    field,
    tag
};

class CustomNames {
public:
    explicit CustomNames(const Module& module);

    /// `$name ` as it may go before what has it; empty when there is none. The owner is the function of a
    /// local or a label, and the type of a field.
    [[nodiscard]] std::string before(NameSpace space, uint32_t index, uint32_t owner = 0) const;
    /// All names of one owner, with their numbers: `$a 0, $b 2`.
    [[nodiscard]] std::string list(NameSpace space, uint32_t owner) const;

private:
    std::map<std::tuple<NameSpace, uint32_t, uint32_t>, std::string> names_;
};

struct BranchHint {
    uint32_t func = 0;
    uint32_t offset = 0; ///< in the function's body, counted from its declarations of locals
    bool likely = false;
};

/// https://github.com/WebAssembly/branch-hinting
[[nodiscard]] std::vector<BranchHint> branch_hints(const Module& module);

} // namespace warpbeam::cli
