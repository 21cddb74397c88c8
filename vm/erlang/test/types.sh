#!/bin/sh
# Checks the types of the application with dialyzer: types.sh EBIN_FOLDER PLT SOURCE...
# What it knows of the runtime system is made once, which takes a minute.
set -eu
ebin=$1
plt=$2
shift 2
[ -f "$plt" ] || dialyzer --build_plt --output_plt "$plt" --apps erts kernel stdlib >/dev/null || [ -f "$plt" ]
beams=
for source in "$@"; do
    name=${source##*/}
    beams="$beams $ebin/${name%.erl}.beam"
done
# shellcheck disable=SC2086
exec dialyzer --plt "$plt" -Wunmatched_returns $beams
