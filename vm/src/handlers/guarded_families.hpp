#pragma once

#include "handlers/families.hpp"

/// The fast loads and stores of memory 0 again, in their two kinds: those of families.hpp compare, the
/// guarded ones leave the bounds to the memory management unit (see handlers/guard.hpp).

namespace warpbeam::vm {

Handler load(Op op, Dst d, Src address, bool guarded) noexcept;
Handler store(Op op, Src address, Src value, bool guarded) noexcept;
Handler load_sum(Op op, Dst d, Src l, Src r, bool guarded) noexcept;
Handler load_indexed(Op op, Dst d, Src l, Src r, bool guarded) noexcept;
Handler store_sum(Op op, Src l, Src r, Src value, bool guarded) noexcept;

} // namespace warpbeam::vm
