#pragma once

#include <cstdint>

namespace warpbeam {

/// How a wait ended. The first three are the results of the memory.atomic.wait instructions. Thread-safety:
/// constants only. https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md#wait
enum class WaitResult : uint8_t {
    notified,
    not_equal, ///< the memory did not hold the expected value, so there was no wait
    timed_out,
    interrupted,
};

} // namespace warpbeam
