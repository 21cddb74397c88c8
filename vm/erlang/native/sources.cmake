# The native functions: of the Erlang application, and of `warpbeam serve`.
set(warpbeam_native calls.cpp imports.cpp instances.cpp memory.cpp modules.cpp nif.cpp reaper.cpp resources.cpp
  snapshots.cpp tables.cpp terms.cpp values.cpp)
list(TRANSFORM warpbeam_native PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
