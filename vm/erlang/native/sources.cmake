# The native functions: of the Erlang application, and of `warpbeam serve`.
set(warpbeam_native calls.cpp guest_stacks.cpp imports.cpp instances.cpp memory.cpp modules.cpp nif.cpp reaper.cpp
  resources.cpp slice_timer.cpp slices.cpp snapshots.cpp starts.cpp streams.cpp tables.cpp terms.cpp values.cpp
  world.cpp)
list(TRANSFORM warpbeam_native PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
