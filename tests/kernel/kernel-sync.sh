#!/bin/bash
# SPDX-License-Identifier: MIT
# Who syncs the CPU's accesses, asked of a kernel whose DMA is not coherent: as root, in a virtual
# machine made by scripts/vm.sh --append swiotlb=force with cirrus-vga; in the build directory.
# Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
lib=$PWD/.libs/libprimeshim.so
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# with SYNC COMMAND...: under the shim, without the launcher's checks, which take seconds here
with() {
	PRIMESHIM_SYNC=$1 LD_PRELOAD=$lib "${@:2}"
}

promise 'this machine bounces all DMA (swiotlb=force)' grep -q swiotlb=force /proc/cmdline
for importer in vgem cirrus; do
	with off tests/kernel/sync lost $importer
	for sync in map driver trap; do
		with $sync tests/kernel/sync kept $importer 10000 | sed "s/: /: --sync $sync: /"
		promise "$importer: --sync $sync: 10,000 rounds ended well" \
			[ "${PIPESTATUS[0]}" = 0 ]
	done
	with driver tests/kernel/sync turns $importer 2000 | sed "s/: /: --sync driver: /"
	promise "$importer: --sync driver: the turns ended well" [ "${PIPESTATUS[0]}" = 0 ]
	lost=$(with driver tests/kernel/sync silent $importer 200)
	promise "$importer: --sync driver: a silent write arrives: $lost of 200 lost" \
		[ "$lost" = 0 ]
	lost=$(with trap tests/kernel/sync silent $importer 2000 2>"$tmp/told")
	promise "$importer: --sync trap: they are caught, and of 2000 none is lost" [ "$lost" = 0 ]
	promise "$importer: --sync trap: the place is told" \
		grep -q 'which is the device.s: no begin$' "$tmp/told"
	promise "$importer: --sync trap: and that there were 1999 such touches" \
		grep -q 'trap: 1999 touches without a begin or a wait, at 1 places$' "$tmp/told"
	with driver tests/kernel/sync busy $importer
	promise "$importer: fences ended well" [ $? = 0 ]
done

# udmabuf says EINVAL to an END without a START.
with driver strace -f -e trace=ioctl -o "$tmp/trace" tests/kernel/sync turns cirrus 20 >/dev/null
# strace 6.1 does not know the ioctl.
grep -E 'DMA_BUF_IOCTL_SYNC|_IOC\(_IOC_WRITE, 0x62, 0,' "$tmp/trace" >"$tmp/brackets"
promise 'cirrus: all 124 calls of DMA_BUF_IOCTL_SYNC are there' \
	[ "$(wc -l <"$tmp/brackets")" = 124 ]
promise 'cirrus: and none was refused' [ "$(grep -vc ' = 0$' "$tmp/brackets")" = 0 ]

# Counted in the kernel: those of the program itself (2 at the start, 2 a round) and ours: one for
# the mapping that stays, and one for each round's other mapping. Each END by what happened.
tracing=/sys/kernel/tracing
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
# counted SYNC ARGUMENT...: runs tests/kernel/sync, and prints how many begins and ends there were
counted() {
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	with "$1" tests/kernel/sync "${@:2}" >/dev/null 2>&1
	echo 0 >$tracing/events/kprobes/enable
	echo "$(grep -c ' begin: ' $tracing/trace) $(grep -c ' end: ' $tracing/trace)"
}
for importer in vgem cirrus; do
	counted=$(counted driver turns $importer 50)
	promise "$importer: 50 turns are 50 + 1 brackets and the device's 101: $counted" \
		[ "$counted" = '152 152' ]
	for sync in map driver trap; do
		counted=$(counted $sync left $importer)
		promise "$importer: --sync $sync: what is mapped at the end has its END: $counted" \
			[ "$counted" = '2 2' ]
	done
done
