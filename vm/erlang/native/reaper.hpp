#pragma once

#include <warpbeam/vm/store.hpp>

#include <memory>

/// Frees what takes long to free: unmapping a gigabyte takes tens of milliseconds, and neither a scheduler
/// nor the destructor of a resource may wait for that. The thread for it is started when it is needed first.

namespace warpbeam::erlang {

struct InstanceResource;
class World;

/// Whether the memories of a store are so large that another thread should free them.
[[nodiscard]] bool is_large(const Store& store) noexcept;
/// Frees the store soon, and then the world that its functions use, which may be null. Without a thread for
/// it they are freed at once.
void free_later(Store&& store, std::unique_ptr<World> world) noexcept;
/// Frees the store of the instance soon, with its lock, if that was not done yet. The instance is kept until
/// then. False if there is no thread for it.
[[nodiscard]] bool free_later(InstanceResource& instance) noexcept;
/// Waits for all that, when the library is unloaded.
void stop_reaper() noexcept;

} // namespace warpbeam::erlang
