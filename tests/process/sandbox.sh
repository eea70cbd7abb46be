#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs under seccomp filters, without /proc, and without descriptors, over the fake kernel.
# sandbox.c compares the programs; this script looks at the log and the report.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so \
	sandbox=$build/tests/process/sandbox
tool=${STATUS_TOOL:-$build/tools/primeshim}
[ -x "$sandbox" ] && [ -e "$fake" ] && [ -z "${EMULATOR-}" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR
mkdir -m 700 "$tmp/empty"

"$sandbox" "$tmp/empty" "$shim" "$fake" || fail=$?
[ $fail != 77 ] || exit 77

# client CARD HOW WHEN HABITS CALL ACTION: its output goes to out, the log to log, the status file
# to status; sets $status, the exit status, and $pid
client() {
	local filter

	rm -rf "$tmp/status"
	filter=$("$sandbox" filter "$5" "$6")
	(
		export LD_PRELOAD=$shim:$fake FAKE_SEEN=1 PRIMESHIM_LOG=1 PRIMESHIM_DIR=$tmp/status
		exec "$sandbox" client "/dev/dri/card$1" "${@:2:3}" "$filter"
	) >"$tmp/out" 2>"$tmp/log" </dev/null &
	pid=$!
	wait $pid
	status=$?
}

# shellcheck disable=SC2317
logged() {
	grep -q "^primeshim: sandbox\[$1\]: $2" "$tmp/log"
}

# The report: one process, and it says that.
# shellcheck disable=SC2317
reported() {
	[ ! -x "$tool" ] || "$tool" report "$tmp/status" 2>&1 | grep -q -- "$1"
}

# EPERM is 1.
client 0 prctl start 0 getpid 1
promise 'getpid() forbidden: the log has the right number' logged $pid 'import: vgem handle 1'
promise 'and no other, in a child only "?"' \
	[ -z "$(grep -v "^primeshim: sandbox\[\($pid\|?\)\]: " "$tmp/log")" ]
promise 'and its exit is one' reported "^sandbox\[$pid\], exited after"
promise 'what is not asked is told' logged $pid 'a seccomp filter: without getpid from here on$'
client 0 raw start 1 kcmp 1
promise 'a filter that is not seen: the log has the right number' \
	logged $pid 'import: vgem handle 1'
promise 'and says what is done without' logged $pid \
	'a seccomp filter may come: without files, /proc, getpid, kcmp, msync from here on$'
promise 'and that there is no status file, once' \
	[ "$(grep -c 'a seccomp filter may forbid it: no report of this process$' "$tmp/log")" = 1 ]
promise 'and there is none' [ ! -e "$tmp/status" ]
client 0 raw mapped 1 kcmp 1
promise 'a status file that was there before is written on' \
	reported "^sandbox\[$pid\], exited after"
promise 'and has what came later' reported 'mmaps*: [2-9] of the dma-buf'
if grep -q '^Seccomp:.0' /proc/self/status; then
	client 0 exec start 0 kcmp 1
	promise 'no filter, and nothing is said of one' \
		[ "$status-$(grep -c seccomp "$tmp/log")" = 0-0 ]
fi
client 0 prctl start 0 munmap kill
promise 'what records need is forbidden: that is told, and nothing done' \
	logged $pid 'a seccomp filter: imports are left as they are from here on$'
promise 'natively the map is refused then, too' grep -q ' map=22 ' "$tmp/out"
client 0 prctl start 0 'F_DUPFD_CLOEXEC' 1
promise 'no private descriptor: no bracket, and a map all the same' \
	logged $pid 'exit: [1-3] imports .* 0 begins'
client 0 prctl start 0 openat 1
promise 'no /proc: the exporter is not known' logged $pid 'import: vgem handle 1 <- ?'

# None of our own calls is the reason for which a map is refused.
for call in kcmp getpid futex openat poll F_DUPFD_CLOEXEC madvise DMA_BUF_IOCTL_SYNC; do
	client 0 prctl start 0 $call 1
	promise "$call is EPERM: no map falls back" \
		[ "$status-$(grep -c 'fallback:\|map refused:' "$tmp/log")" = 0-0 ]
done
exit $fail
