#!/bin/bash
# SPDX-License-Identifier: MIT
# What is promised of imports into radeon, whose first touch raises SIGBUS natively, asked of the
# running kernel: as root, in a virtual machine made by scripts/vm.sh --gpu radeon; in the build
# directory. Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
shim=scripts/run-with-shim.sh lib=$PWD/.libs/libprimeshim.so

# with MODE COMMAND...: what the launcher does, whose checks take seconds without hardware
with() {
	PRIMESHIM_MODE=$1 LD_PRELOAD=$lib "${@:2}"
}

# ends STATUS COMMAND...: it has that status; bash says nothing about its death
ends() {
	{ "${@:2}"; } >/dev/null 2>&1
	[ $? = "$1" ]
}

[ -x "$shim" ] || { echo "not ok - $PWD is no build directory"; exit 1; }
[ -x tests/kernel/radeon ] ||
	{ echo 'not ok - tests/kernel/radeon is not built: libdrm_radeon was missing'; exit 1; }
card=$(tests/kernel/matrix card radeon)
promise 'there is a device with the driver radeon' [ -n "$card" ]
[ -n "$card" ] || exit 1

exporters=(udmabuf heap vgem)
bus_error=135 # 128 + SIGBUS
for exporter in "${exporters[@]}"; do
	tests/kernel/radeon native "$exporter"
	promise "radeon <- $exporter: natively a program that reads it dies by SIGBUS" \
		ends $bus_error tests/kernel/radeon touch "$exporter"
	for mode in observe off; do
		with $mode tests/kernel/radeon native "$exporter" | sed "s/natively/in mode $mode/"
		promise "radeon <- $exporter: in mode $mode that run ended well" \
			[ "${PIPESTATUS[0]}" = 0 ]
	done
	for mode in redirect rescue; do
		with $mode tests/kernel/radeon shim "$exporter" | sed "s/: /: in mode $mode: /"
		promise "radeon <- $exporter: in mode $mode the whole run ended well" \
			[ "${PIPESTATUS[0]}" = 0 ]
		with $mode tests/kernel/matrix shim radeon "$exporter" |
			sed "s/: /: in mode $mode, dumb: /"
		promise "radeon <- $exporter: in mode $mode that run ended well, too" \
			[ "${PIPESTATUS[0]}" = 0 ]
	done
	with deny tests/kernel/radeon deny "$exporter" 2>/dev/null # where libdrm_radeon says so
	promise "radeon <- $exporter: denied, the whole run ended well" [ $? = 0 ]
done

tests/kernel/radeon own | sed 's/: /: natively: /'
# What a user sees: the status of a program that reads an import.
while read -r mode status what; do
	with "$mode" tests/kernel/radeon own | sed "s/: /: in mode $mode: /"
	promise "radeon: in mode $mode its own buffers' run ended well" [ "${PIPESTATUS[0]}" = 0 ]
	promise "radeon <- udmabuf: with --mode $mode a program that reads it $what" \
		ends "$status" $shim --mode "$mode" tests/kernel/radeon touch udmabuf
done <<-EOF
	redirect 0 ends well
	rescue 0 ends well
	observe $bus_error dies by SIGBUS
	deny 3 is told that it cannot be mapped
	off $bus_error dies by SIGBUS
EOF

# What a status file says of a process that SIGBUS has ended, and of one that it would have.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PRIMESHIM_DIR=$tmp/status
promise 'radeon: SIGBUS with a status file' \
	ends $bus_error $shim --mode observe tests/kernel/radeon touch udmabuf
tools/primeshim report --status $bus_error "$PRIMESHIM_DIR" >"$tmp/told"
promise 'radeon: the status file says what was mapped, and that it was killed' \
	[ "$(grep -c '^radeon\[[0-9]*\], killed\|^    mmap: 1 by the driver$' "$tmp/told")" = 2 ]
promise 'radeon: the verdict names it' \
	grep -q '^verdict: SIGBUS with an import mapped natively$' "$tmp/told"
promise 'radeon: the mapping is there after its death' \
	grep -q ' radeon handle [0-9]* <- udmabuf inode [0-9]* .* native -$' \
	<(tools/primeshim maps "$PRIMESHIM_DIR")
rm -r "$PRIMESHIM_DIR"
$shim --mode redirect tests/kernel/radeon touch udmabuf
tools/primeshim report "$PRIMESHIM_DIR" >"$tmp/told"
promise 'radeon: with redirect it is of the dma-buf' \
	grep -q '^    mmap: 1 of the dma-buf$' "$tmp/told"
unset PRIMESHIM_DIR

# A process may do the same as on other drivers, but for what needs an import that was not seen to
# be told from a buffer of the device: the driver gives both an offset.
with redirect tests/kernel/matrix threads radeon
promise 'radeon: threads ended well' [ $? = 0 ]
tracing=/sys/kernel/tracing
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
echo 1 >$tracing/events/kprobes/enable
# The counts of descriptors and mappings at the end are those without kept pages.
PRIMESHIM_KEEP=off with redirect timeout "$hang" tests/kernel/process radeon udmabuf ranges \
	mappings moves places private
promise 'radeon <- udmabuf: the process ended well' [ $? = 0 ]

# What the driver is told, counted: a bracket for each of 60 rounds, and 61 of the device's.
for sync in driver trap; do
	echo >$tracing/trace
	with redirect env PRIMESHIM_SYNC=$sync tests/kernel/sync domains radeon 60 2>/dev/null |
		sed "s/: /: --sync $sync: /"
	counted="$(grep -c ' begin: ' $tracing/trace) $(grep -c ' end: ' $tracing/trace)"
	promise "radeon: --sync $sync: 60 turns told by SET_DOMAIN and WAIT_IDLE: $counted" \
		[ "$counted" = '121 121' ]
done
