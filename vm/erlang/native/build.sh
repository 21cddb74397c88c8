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
cmake --build "$build" --target warpbeam_nif warpbeam_sfv_nif warpbeam_guard warpbeam
mkdir -p "$here/priv"
# A node may use the old files: they are replaced, not written to.
for file in warpbeam_nif.so warpbeam_sfv_nif.so warpbeam_guard.so warpbeam; do
    cp "$build/vm/erlang/warpbeam/priv/$file" "$here/priv/$file.new"
    mv "$here/priv/$file.new" "$here/priv/$file"
done
