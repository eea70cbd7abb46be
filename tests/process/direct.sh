#!/bin/bash
# SPDX-License-Identifier: MIT
# Dma-bufs that a program maps by their own descriptors, over the fake kernel. direct.c checks what
# the program sees and which brackets there are; this script checks what it costs, and what the log
# and the report say.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
primeshim=$build/tools/primeshim
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_DIRECT PRIMESHIM_DIR PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG

[ -e "$fake" ] || exit 77

# direct VARIABLE=VALUE... -- WORD...: the program with these settings
direct() {
	local settings=()
	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	env "${settings[@]}" LD_PRELOAD="$shim:$fake" \
		${EMULATOR:+"$EMULATOR"} "$build/tests/process/direct" "$@"
}

direct -- off || fail=1
direct PRIMESHIM_DIRECT=observe -- observe || fail=1
direct PRIMESHIM_DIRECT=sync -- sync || fail=1
direct PRIMESHIM_DIRECT=sync PRIMESHIM_SYNC=trap -- sync trap 2>/dev/null || fail=1
direct PRIMESHIM_DIRECT=sync PRIMESHIM_MODE=rescue -- sync | sed 's/, sync: /, rescue: /'
[ "${PIPESTATUS[0]}" = 0 ] || fail=1
# A status file has records of these mappings, and brackets of imports do not heed them.
mkdir "$tmp/observe" "$tmp/off"
direct PRIMESHIM_DIR="$tmp/observe" -- observe | sed 's/, observe: /, with a status file: /'
[ "${PIPESTATUS[0]}" = 0 ] || fail=1
# The mode off leaves all alone, whatever else is set.
direct PRIMESHIM_DIRECT=sync PRIMESHIM_MODE=off -- reader 2>"$tmp/err" || fail=1
promise 'with the mode off nothing happens' [ ! -s "$tmp/err" ]

# logged WORD: the counters at the exit
logged() {
	direct PRIMESHIM_DIRECT=sync PRIMESHIM_LOG=1 -- "$1" 2>&1 >/dev/null |
		sed -n 's/.*sync: \([0-9]*\) begins .*, \([0-9]*\) ends.*/\1 \2/p'
}
promise 'what is mapped at the end has its END' [ "$(logged left)" = '1 1' ]

direct PRIMESHIM_DIRECT=sync PRIMESHIM_LOG=1 -- syncer 2>"$tmp/err" >/dev/null
promise 'the log counts what the program maps and syncs itself' grep -q "exit: mapped by their own\
 descriptors: 2 dma-bufs, 20 times, 0 refused; of these 1 synced by the program, 10 times\$" \
	"$tmp/err"

# counted N WAY: how many system calls N rounds make, natively or with a setting
counted() {
	local preload=$fake settings=()
	case $2 in
	native) ;;
	*) preload=$shim:$fake settings=(-E "PRIMESHIM_DIRECT=$2") ;;
	esac
	strace -f -o "$tmp/calls" -E LD_PRELOAD="$preload" "${settings[@]}" \
		"$build/tests/process/direct" calls "$1" || return
	# Without what the fake kernel's threads happen to do, and what strace prints in two lines.
	grep -cvE ' resumed>|futex|sendmsg|recvmsg|poll' "$tmp/calls"
}
if [ -z "${EMULATOR-}" ] && strace -o /dev/null true 2>/dev/null; then
	native=$(($(counted 110 native) - $(counted 10 native)))
	off=$(($(counted 110 off) - $(counted 10 off)))
	observe=$(($(counted 110 observe) - $(counted 10 observe)))
	echo "# 100 rounds: $native system calls natively, $off with off, $observe with observe"
	promise 'off makes no system call more' [ "$native-$((native >= 600))" = "$off-1" ]
	promise 'observe does' [ "$observe" -gt "$native" ]
else
	skip 'off makes no system call more' 'there is no strace, or it may not'
fi

# reported SETTING WORD: what the report says of that program
reported() {
	rm -rf "$tmp/status"
	mkdir "$tmp/status"
	direct ${1:+PRIMESHIM_DIRECT=$1} PRIMESHIM_DIR="$tmp/status" -- "$2" >/dev/null
	${EMULATOR:+"$EMULATOR"} "$primeshim" report "$tmp/status" >"$tmp/report"
	${EMULATOR:+"$EMULATOR"} "$primeshim" report --json "$tmp/status" >"$tmp/json"
}
says() {
	promise "$1" grep -qxF "$2" "$tmp/report" || cat "$tmp/report"
}
number() {
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$tmp/json" | tail -n 1
}
if [ -x "$primeshim" ]; then
	reported '' reader
	says 'a status file is a reason to observe, and the verdict is told' \
		'verdict: it maps 2 dma-bufs itself and never syncs'
	says 'and what to do' "advice: wrong where caches are not coherent: try --direct sync; the\
 cure is DMA_BUF_IOCTL_SYNC in the program"
	says 'with the numbers' \
		'  mapped itself: 20 mmaps of 2 dma-bufs; synced itself: 0 of them, 0 times'
	promise 'and in JSON' [ "$(number direct_mmaps)-$(number direct_dmabufs)" = 20-2 ]
	reported sync reader
	says 'so is what the shim does' "verdict: it maps 2 dma-bufs itself and does not sync each\
 of them; the shim syncs at map and unmap"
	promise 'with as many ENDs as STARTs' [ "$(number begins)-$(number ends)" = 20-20 ]
	reported sync syncer
	says 'a program that syncs one of two' \
		'  mapped itself: 20 mmaps of 2 dma-bufs; synced itself: 1 of them, 10 times'
	promise 'its own STARTs are counted' [ "$(number direct_own_syncs)" = 10 ]
	promise 'the first one ended the only bracket of the shim' [ "$(number begins)" = 11 ]
	reported '' readonly
	says 'a read-only dma-buf, and who has to change' \
		"verdict: it is refused (EACCES) to write a dma-buf that fake exported for reading\
 only"
	says 'and how' "advice: the exporter has to add DRM_RDWR (O_RDWR for V4L2 and dma-heaps):\
 patch it; in a DRM program --mode redirect and rescue do so"
	reported off reader
	promise 'off leaves no status file' [ -z "$(ls "$tmp/status")" ]
	reported '' left
	says 'a mapping that stays' "advice: wrong where caches are not coherent: the cure is\
 DMA_BUF_IOCTL_SYNC in the program; --direct sync begins a mapping that stays only once"
	${EMULATOR:+"$EMULATOR"} "$primeshim" maps "$tmp/status" >"$tmp/maps"
	promise 'maps shows it' grep -qE \
		' r-- itself handle - <- fake inode [0-9]+ 16 KiB direct -$' "$tmp/maps"
else
	skip 'the report' 'there is no primeshim'
fi
exit $fail
