#!/bin/sh
# Builds the native functions for rebar3 and mix, in the build folder of the repository, and copies them to priv.
# WARPBEAM_BUILD names another build folder, which was configured with WARPBEAM_ERLANG.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd -P)
root=$(cd "$here/../.." && pwd -P)
if [ -n "${WARPBEAM_BUILD:-}" ]; then
    build=$WARPBEAM_BUILD
elif [ -f "$root/CMakePresets.json" ]; then
    build=$root/build/release
    tests=
    [ -f "$build/CMakeCache.txt" ] || tests=-DWARPBEAM_TESTS=OFF
    (cd "$root" && cmake --preset release -DWARPBEAM_ERLANG=ON $tests >/dev/null)
else
    echo "warpbeam: $here is not in a checkout of the whole repository, whose C++ sources it needs" >&2
    exit 1
fi
cmake --build "$build" --target warpbeam_nif
mkdir -p "$here/priv"
# A node may have loaded the old file: it is replaced, not written to.
cp "$build/vm/erlang/warpbeam/priv/warpbeam_nif.so" "$here/priv/warpbeam_nif.so.new"
mv "$here/priv/warpbeam_nif.so.new" "$here/priv/warpbeam_nif.so"
