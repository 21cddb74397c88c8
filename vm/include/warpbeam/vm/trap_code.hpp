#pragma once

#include <cstdint>
#include <string_view>

namespace warpbeam {

/// Why a computation was aborted; trap_codes.inc describes each code. Thread-safety: constants only.
/// https://webassembly.github.io/spec/core/intro/overview.html#trap
enum class TrapCode : uint8_t {
#define WARPBEAM_TRAP_CODE(id, words) id,
#include <warpbeam/vm/trap_codes.inc>
#undef WARPBEAM_TRAP_CODE
};

/// The description of a trap code.
[[nodiscard]] constexpr std::string_view text_of(TrapCode code) noexcept {
    switch (code) {
#define WARPBEAM_TRAP_CODE(id, words)                                                                        \
    case TrapCode::id:                                                                                       \
        return words;
#include <warpbeam/vm/trap_codes.inc>
#undef WARPBEAM_TRAP_CODE
    }
    return {};
}

} // namespace warpbeam
