#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim trace --ftrace among the kernel's own events; root, in a virtual machine made by
# scripts/vm.sh. Run in the build directory. Prints "ok - ..." and "not ok - ..." lines.
set -u
tool=$PWD/tools/primeshim lib=$PWD/.libs/libprimeshim.so tracing=/sys/kernel/tracing
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# promise TEXT COMMAND...: it succeeds
promise() {
	if "${@:2}"; then echo "ok - $1"; else echo "not ok - $1"; fi
}

# On the clock of the events' own times, so that the two can be compared.
echo mono >$tracing/trace_clock
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
# Room for all of the lines.
echo 16384 >$tracing/buffer_size_kb

traced() {
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	echo 1 >$tracing/events/dma_fence/enable
	"$@"
	echo 0 >$tracing/events/kprobes/enable
	echo 0 >$tracing/events/dma_fence/enable
	cp $tracing/trace "$tmp/trace"
}

live() {
	local program follower
	PRIMESHIM_DIR=$tmp/live LD_PRELOAD=$lib tests/kernel/sync turns vgem 15000 >"$tmp/out" 2>&1 &
	program=$!
	while kill -0 $program && ! ls "$tmp/live"/*.primeshim; do :; done >/dev/null 2>&1
	"$tool" trace $program --ftrace 2>"$tmp/err" &
	follower=$!
	wait $program
	wait $follower
	echo $? >"$tmp/status"
}
traced live
promise 'a process that runs is followed to its end' [ "$(cat "$tmp/status")" = 0 ]
promise 'and nothing is said' [ ! -s "$tmp/err" ]
promise 'its lines are in the trace' \
	[ "$(grep -c 'tracing_mark_write: primeshim START: RW of vgem handle' "$tmp/trace")" -gt 500 ]
promise "between the kernel's own" awk '/ begin: / { n = NR } /tracing_mark_write: primeshim/ && n { m = NR }
	/ end: / && m { ok = 1 } END { exit !ok }' "$tmp/trace"

# Each START, by its own time and length, holds a begin_cpu_access of the kernel's.
holds() {
	awk '
		{ for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+:$/) { stamp = $i + 0; break } }
		/ begin: / { begin[++nbegin] = stamp }
		/primeshim START: / {
			match($0, / at=[0-9.]+/); at[++n] = substr($0, RSTART + 4, RLENGTH - 4) + 0
			match($0, /duration=[0-9.]+/); took[n] = substr($0, RSTART + 9, RLENGTH - 9) / 1000
		}
		END {
			for (i = 1; i <= n; i++) {
				found = 0
				# Both are in order.
				while (j < nbegin && begin[j] < at[i] - 0.0001)
					j++
				found = begin[j] >= at[i] - 0.0001 && begin[j] <= at[i] + took[i] + 0.0001
				good += found
			}
			print n, good + 0
			exit !(n > 100 && good >= n * 0.99)
		}' "$tmp/trace"
}
promise "each START holds the kernel's begin_cpu_access" holds
# What gpuvis does: the kernel's stamp of the line, moved by offset=, is the event's own time.
moved() {
	awk '/tracing_mark_write: primeshim/ {
			for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+:$/) { stamp = $i + 0; break }
			match($0, / at=[0-9.]+/); at = substr($0, RSTART + 4, RLENGTH - 4) + 0
			match($0, /offset=-?[0-9]+/); off = substr($0, RSTART + 7, RLENGTH - 7) / 1e9
			d = stamp + off - at; n++
			if (d > -0.001 && d < 0.001) good++
		} END { print n, good + 0; exit !(n > 100 && good >= n * 0.95) }' "$tmp/trace"
}
promise 'a line and its offset are where the event was' moved

traced env PRIMESHIM_DIR="$tmp/busy" LD_PRELOAD="$lib" tests/kernel/sync busy vgem >"$tmp/out" 2>&1
"$tool" trace "$tmp/busy" --ftrace
cp $tracing/trace "$tmp/trace"
promise 'fences are there' grep -q dma_fence_signaled "$tmp/trace"
promise 'and, written afterwards, what was left out for them' \
	grep -q 'tracing_mark_write: primeshim owed: .*START left out: busy' "$tmp/trace"
echo 0 >$tracing/tracing_on
"$tool" trace "$tmp/busy" --ftrace 2>"$tmp/err"
promise 'tracing that is off: status 2' [ $? = 2 ]
promise 'and one line that says so' grep -q 'tracing is off: write 1 to tracing_on' "$tmp/err"
setpriv --reuid 65534 --clear-groups "$tool" trace "$tmp/busy" --ftrace 2>"$tmp/err"
promise 'not for everybody: status 2' [ $? = 2 ]
promise 'and one line' [ "$(wc -l <"$tmp/err")" = 1 ]
"$tool" trace "$tmp/busy" -o "$tmp/busy.json" && "$tool" plot "$tmp/busy" -o "$tmp/busy.svg"
promise 'the same as a trace and a picture' [ -s "$tmp/busy.svg" ]
[ -z "${1-}" ] || cp -r "$tmp"/. "$1"
