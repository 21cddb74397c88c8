#!/bin/sh
# Every call of the scripts begins in one build and ends in another: cross_snapshots.sh CHECK_A CHECK_B [OPTION...] FILE...
# Both are `warpbeam_snapshot_check`.
a=$1 b=$2
shift 2
"$a" save "$@" | "$b" finish
