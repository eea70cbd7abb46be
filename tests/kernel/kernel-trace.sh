#!/bin/bash
# SPDX-License-Identifier: MIT
# The shim's USDT probes among the kernel's own events, as perf and trace-cmd set them; as root, in
# a virtual machine made by scripts/vm.sh. Run in the build directory. Prints "ok - ..." and "not
# ok - ..." lines.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
tool=$PWD/tools/primeshim lib=$PWD/.libs/libprimeshim.so tracing=/sys/kernel/tracing
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# in_file ADDRESS: prints where the library's file has what is loaded there
in_file() {
	local offset address size
	while read -r offset address size; do
		(($1 >= address && $1 < address + size)) &&
			printf '0x%x\n' $(($1 - address + offset))
	done < <(readelf -lW "$lib" | awk '$1 == "LOAD" { print $2, $3, $6 }')
}

# fetched ARGUMENT: prints it as tracefs has it: 4@%r12d, 8@16(%rbx), -4@$2
fetched() {
	local what=${1#*@} register
	register=$(sed -E 's/.*%([a-z0-9]+).*/\1/; s/^[re]([a-z])/\1/; s/^(r[0-9]+)[dwb]$/\1/' \
		<<<"$what")
	case $what in
	\$*) echo "\\${what#\$}" ;;
	%*) echo "%$register" ;;
	*) echo "+${what%(*}(%$register)" | sed -E 's/^\+(-|\()/\1/; s/^\(/+0(/' ;;
	esac
}

# probe NAME WORD...: prints an event of each place of that probe, with its arguments by these words
# (NAME:TYPE)
probe() {
	local name=$1 place semaphore all word n=0 arguments
	while read -r place semaphore all; do
		read -ra arguments <<<"$all"
		printf 'p:primeshim/%s%s %s:%s(%s)' "$name" "${n#0}" "$lib" "$(in_file "$place")" \
			"$(in_file "$semaphore")"
		for ((word = 2; word <= $#; word++)); do
			printf ' %s=%s:%s' "${!word%:*}" \
				"$(fetched "${arguments[word - 2]}")" "${!word#*:}"
		done
		echo
		((n++))
	done < <(readelf -nW "$lib" | awk -v name="$name" '$1 == "Name:" { on = $2 == name }
		on && $1 == "Location:" { sub(/,$/, "", $2); place = $2 " " $NF }
		on && $1 == "Arguments:" { $1 = ""; print place $0 }')
}

if ! readelf -nW "$lib" | grep -q stapsdt; then
	echo 'ok - probes # SKIP the library is built without sys/sdt.h'
	exit
fi
# On one clock, so that the two can be compared.
echo mono >$tracing/trace_clock
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
{ probe begin ino:u64 direction:u32 took:u64 && probe end ino:u64 direction:u32; } >"$tmp/events"
cat "$tmp/events" >$tracing/uprobe_events
promise 'the probes are events of the kernel' [ "$(wc -l <"$tmp/events")" = \
	"$(find $tracing/events/primeshim -mindepth 1 -type d | wc -l)" ]
# Room for all of the lines.
echo 16384 >$tracing/buffer_size_kb

traced() {
	echo >$tracing/trace
	for group in primeshim kprobes dma_fence; do
		echo 1 >$tracing/events/$group/enable
	done
	"$@"
	for group in primeshim kprobes dma_fence; do
		echo 0 >$tracing/events/$group/enable
	done
	cp $tracing/trace "$tmp/trace"
}

traced env PRIMESHIM_DIR="$tmp/live" LD_PRELOAD="$lib" \
	tests/kernel/sync turns vgem 15000 >"$tmp/out" 2>&1
promise 'brackets are in the trace' \
	[ "$(grep -cE ' begin[0-9]*: .* direction=3 took=[1-9]' "$tmp/trace")" -gt 500 ]
promise "between the kernel's own" awk '
	/ begin: \(begin_cpu/ { n = NR }
	/ begin[0-9]*: .*took=/ && n { m = NR }
	/ end: \(end_cpu/ && m { ok = 1 }
	END { exit !ok }' "$tmp/trace"
# begun DIRECTORY: prints how many brackets its status files count
begun() {
	"$tool" report --json "$1" | jq .total.begins
}
promise 'each one that the status file counts' \
	[ "$(grep -cE ' begin[0-9]*: .* took=' "$tmp/trace")" = "$(begun "$tmp/live")" ]
# Before each begin there is a begin_cpu_access of the kernel's, and the time in START holds it. The
# probe's own trap comes after the time was taken, and takes longer on a busy machine: so the stamps
# are compared with 100 us to spare, and one in ten may be later.
holds() {
	awk '
		{
			for (i = 1; i <= NF && $i !~ /^[0-9]+\.[0-9]+:$/; i++)
				;
			if (i <= NF)
				stamp = $i + 0
		}
		/ begin: \(begin_cpu/ { begin = stamp; since++ }
		/ begin[0-9]*: .* took=/ {
			n++
			match($0, / took=[0-9]+/)
			took = substr($0, RSTART + 6, RLENGTH - 6) / 1e9
			ordered += since > 0
			good += since > 0 && begin >= stamp - took - 0.0001
			since = 0
		}
		END {
			print n, ordered + 0, good + 0
			exit !(n > 100 && ordered == n && good >= n * 0.9)
		}' "$tmp/trace"
}
promise "each START holds the kernel's begin_cpu_access" holds

traced env PRIMESHIM_DIR="$tmp/busy" LD_PRELOAD="$lib" tests/kernel/sync busy vgem >"$tmp/out" 2>&1
promise 'fences are there' grep -q dma_fence_signaled "$tmp/trace"
promise 'beside the brackets' grep -qE ' begin[0-9]*: .* took=' "$tmp/trace"
"$tool" trace "$tmp/busy" -o "$tmp/busy.json" && "$tool" plot "$tmp/busy" -o "$tmp/busy.svg"
promise 'what was left out for a fence is in the trace' \
	grep -q 'START left out: busy' "$tmp/busy.json"
promise 'and there is a picture' [ -s "$tmp/busy.svg" ]

# Another program's tracer records and reads them.
if command -v trace-cmd >/dev/null; then
	trace-cmd record -q -C mono -o "$tmp/trace.dat" -e primeshim -e kprobes \
		env PRIMESHIM_DIR="$tmp/recorded" LD_PRELOAD="$lib" \
		tests/kernel/sync turns vgem 2000 >"$tmp/out" 2>&1
	trace-cmd report -i "$tmp/trace.dat" >"$tmp/trace" 2>>"$tmp/out"
	n=$(grep -cE ' begin[0-9]*: .* took=' "$tmp/trace")
	promise "trace-cmd reports each begin that the status file counts: $n" \
		[ "$n" = "$(begun "$tmp/recorded")" ]
	promise 'and there are many' [ "$n" -gt 100 ]
	# The report has the kernel's function as a number.
	promise 'each of them behind a begin_cpu_access of the kernel' awk '
		/ begin: +\(f[0-9a-f]*\)$/ { since++ }
		/ begin[0-9]*: .* took=/ {
			n++
			ordered += since > 0
			since = 0
		}
		END { exit !(n && ordered == n) }' "$tmp/trace"
else
	echo 'skipped - there is no trace-cmd'
fi
echo >$tracing/uprobe_events
[ -z "${1-}" ] || cp -r "$tmp"/. "$1"
