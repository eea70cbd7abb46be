#!/bin/bash
# SPDX-License-Identifier: MIT
# Who syncs the CPU's accesses: every driver's begins, ends, waits and submits, over the fake
# kernel, which counts the brackets. brackets.c and waits.c say what is expected.
set -u
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
fail=0

[ -e "$fake" ] || exit 77
# brackets MODE SYNC: the program, with these settings
brackets() {
	LD_PRELOAD=$shim:$fake PRIMESHIM_MODE=$1 PRIMESHIM_SYNC=$2 \
		${EMULATOR:+"$EMULATOR"} "$build/tests/process/brackets" "$2"
}
for sync in driver map off trap; do
	brackets redirect $sync || fail=1
done
# What a wait may begin; the program does not know of any policy.
LD_PRELOAD=$shim:$fake PRIMESHIM_MODE=redirect \
	${EMULATOR:+"$EMULATOR"} "$build/tests/process/waits" || fail=1
# Each driver has one map of what is busy.
PRIMESHIM_LOG=1 brackets redirect driver >"$tmp/out" 2>"$tmp/log"
owed=$(sed -n 's/.* exit: .* \([0-9]*\) owed.*/\1/p' "$tmp/log" | tail -n 1)
if [ "${owed:-0}" -gt 0 ]; then
	echo "ok - a START that was left out is counted: $owed are"
else
	echo 'not ok - a START that was left out is counted'
	fail=1
fi
# Native mappings, where they work, get brackets as well.
brackets rescue driver | sed 's/, driver: /, rescue: /'
[ "${PIPESTATUS[0]}" = 0 ] || fail=1
exit $fail
