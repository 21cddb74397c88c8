#include "disassembly/verifier.hpp"
#include "lower/emitter.hpp"
#include "lower/module_code.hpp"

/// In its own file, so that a program which verifies nothing does not contain the verifier.

namespace warpbeam::vm {

std::expected<Finding, Exit> ModuleCode::verify(const Code& code) noexcept {
    return vm::verify({module_, {cells_.data(), cells_.size()}, slot_reach}, *options_.layouts, code,
                      *options_.allocator);
}

Exit ModuleCode::check(const Code& code) noexcept {
    const std::expected<Finding, Exit> finding = verify(code);
    if (!finding)
        return finding.error();
    if (finding->words == nullptr)
        return Exit::none;
    refusal_ = {code.func, *finding};
    return Exit::invalid_code;
}

} // namespace warpbeam::vm
