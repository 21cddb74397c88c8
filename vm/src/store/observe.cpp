#include "handlers/entry_points.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/vm/observer.hpp>

namespace warpbeam::vm {

void observe(Execution& execution, Observed event, const Slot* operands) noexcept {
    execution.store->engine().config().observer->observe(Internal::observation(execution, event, operands));
}

} // namespace warpbeam::vm
