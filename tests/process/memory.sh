#!/bin/bash
# SPDX-License-Identifier: MIT
# Arguments and lists in memory that cannot be read or written: over the fake kernel a program gets
# the same results with the shim as without it, in every mode; memory.c makes the calls. Also: how
# few descriptors a map needs.
set -u
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_EXPORT
fail=0

[ -e "$fake" ] || exit 77

# run HOW FILE VARIABLE=VALUE...: what the program says, all or quick
run() {
	local how=$1
	env "${@:3}" ${EMULATOR:+"$EMULATOR"} "$build/tests/process/memory" "$how" >"$2" \
		2>"$tmp/err"
}

# same TEXT HOW VARIABLE=VALUE...: each line is the same as natively, or tells of a call that the
# shim may make succeed and has
same() {
	local text=$1 how=$2 more lines
	shift 2
	[ -e "$tmp/$how" ] || run "$how" "$tmp/$how" LD_PRELOAD="$fake" ||
		{ echo 'not ok - it runs natively'; exit 1; }
	lines=$(wc -l <"$tmp/$how")
	run "$how" "$tmp/shim" LD_PRELOAD="$shim:$fake" "$@"
	more=$(paste -d '\n' "$tmp/$how" "$tmp/shim" | awk '
		NR % 2 { native = $0; next }
		native == $0 { next }
		{ what = $0; sub(/: [^:]*$/, "", what) }
		/: worked.*\(may be rescued\)$/ && index(native, what ": ") == 1 { next }
		{ print "# natively " native ", now " $0 }')
	if [ "$(wc -l <"$tmp/shim")" = "$lines" ] && [ "$lines" -gt 1000 ] && [ -z "$more" ]; then
		echo "ok - $text: $lines calls end as they do natively"
	else
		echo "not ok - $text: calls do not end as they do natively"
		head -n 20 <<<"$more"
		fail=1
	fi
}

same 'mode redirect' all PRIMESHIM_MODE=redirect
same 'mode rescue' quick PRIMESHIM_MODE=rescue
same 'mode observe' quick PRIMESHIM_MODE=observe
same 'mode deny' quick PRIMESHIM_MODE=deny
same 'trap' quick PRIMESHIM_SYNC=trap
: >"$tmp/log"
same 'with a status file and a log' quick PRIMESHIM_DIR="$tmp/status" PRIMESHIM_LOG="$tmp/log"

# Natively a map needs the descriptor of its device and no more.
for mode in redirect rescue; do
	for free in 1 2 3; do
		if LD_PRELOAD=$shim:$fake PRIMESHIM_MODE=$mode \
			${EMULATOR:+"$EMULATOR"} "$build/tests/process/memory" map $free \
			>"$tmp/out" 2>&1; then
			echo "ok - mode $mode: an import is mapped where $free descriptors are free"
		else
			echo "not ok - mode $mode: no map with $free free descriptors:" \
				"$(cat "$tmp/out")"
			fail=1
		fi
	done
done
exit $fail
