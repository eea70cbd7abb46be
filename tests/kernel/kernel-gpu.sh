#!/bin/bash
# SPDX-License-Identifier: MIT
# What is promised of imports into a GPU in name only, asked of its real driver: as root, in a
# virtual machine made by scripts/vm.sh --gpu NAME, and with --append swiotlb=force on a machine
# whose DMA is not coherent. scripts/vm/NAME.conf says what comes of an import natively. Run in the
# build directory. Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
#
#   kernel-gpu.sh NAME
set -u
[ $# = 1 ] || { echo 'usage: kernel-gpu.sh NAME' >&2; exit 2; }
gpu=$1 conf=$(dirname "$0")/../../scripts/vm/$1.conf
lib=$PWD/.libs/libprimeshim.so tracing=/sys/kernel/tracing

# promise TEXT COMMAND...: it succeeds
promise() {
	if "${@:2}"; then echo "ok - $1"; else echo "not ok - $1"; fi
}

# conf KEY: what the file says of it
conf() {
	sed -n "/^nodes\$/q; s/^$1 //p" "$conf"
}

# with MODE COMMAND...: MODE native is without the shim
with() {
	local preload=$lib
	[ "$1" != native ] || preload=
	env LD_PRELOAD="$preload" PRIMESHIM_MODE="${1/native/off}" "${@:2}"
}

# traced EVENT COMMAND...: runs it, and leaves in the trace what the kprobe event saw
traced() {
	echo "$1" >$tracing/kprobe_events || return
	[[ $1 != *dma_buf_ioctl* ]] ||
		echo 'request == 0x40086200' >$tracing/events/kprobes/e/filter
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	"${@:2}" >/dev/null 2>&1
	echo 0 >$tracing/events/kprobes/enable
	cat $tracing/trace
	echo >$tracing/kprobe_events
}

# brackets MODE: prints how many STARTs and ENDs the kernel got in 20 rounds of two maps and of two
# accesses by "the device", which has one bracket more at the start
brackets() {
	local event
	# shellcheck disable=SC2016 # the arguments are the kernel's
	case $(uname -m) in
	armv7*) event='p:e dma_buf_ioctl request=%r1:x32 flags=+u0(%r2):u64' ;;
	*) event='p:e dma_buf_ioctl request=$arg2:x32 flags=+u0($arg3):u64' ;;
	esac
	traced "$event" with "$1" tests/kernel/sync kept "$driver" 20 |
		awk '/ e: / { sub(/.* flags=/, ""); int($0 / 4) % 2 ? ends++ : starts++ }
			END { print starts + 0, ends + 0 }'
}

[ -e "$conf" ] || { echo "not ok - there is no $conf"; exit 1; }
for program in probe sync; do
	[ -x tests/kernel/$program ] ||
		{ echo "not ok - $PWD has no tests/kernel/$program"; exit 1; }
done
driver=$(conf driver) natively=$(conf natively) deny=$(conf deny) pages=$(conf pages)
bounced=$(grep -o swiotlb=force /proc/cmdline)
[ -z "$bounced" ] || [ -z "$(conf swiotlb)" ] || natively=$(conf swiotlb)
at="$gpu${bounced:+, $bounced}"

for exporter in udmabuf heap vgem i915; do
	case $exporter in
	# The thread's pair. On one machine with it: --gpu NAME --gpu i915
	i915) tests/kernel/probe drivers | grep -vx "$driver" | grep -qx i915 || continue ;;
	udmabuf) [ -e /dev/udmabuf ] || continue ;;
	# Natively munmap of this one breaks the kernel: docs/etnaviv-system-heap.md.
	heap) [ "$gpu" != etnaviv ] || continue ;;&
	heap) [ -e /dev/dma_heap/system ] || continue ;;
	esac
	for mode in native redirect rescue observe deny; do
		case $mode in
		native | observe) want=$natively ;;
		deny) want=$deny ;;
		*) want=right ;;
		esac
		# What hangs is over before vm.sh gives the guest up.
		got=$(with $mode timeout 150 \
			tests/kernel/probe "$driver" $exporter "${pages:-16}" 2>&1)
		promise "$at <- $exporter: $mode: ${got:-nothing}; expected: $want" \
			[ "$got" = "$want" ]
	done
done

# The same by the driver's library of libdrm, if it has one: of i915's, ENXIO is a map for the CPU.
[ ! -x tests/kernel/libdrm ] || for mode in native redirect rescue observe deny; do
	case $mode-$driver in
	native-i915 | observe-i915 | deny-i915) want='map ENXIO' ;;
	native-* | observe-*) want=$natively ;;
	deny-*) want=${deny/mmap/map} ;;
	*) want=right ;;
	esac
	# The libraries say on stderr what fails.
	got=$(with $mode timeout 150 tests/kernel/libdrm "$driver" vgem 2>/dev/null)
	[ $? != 77 ] || break
	promise "$at <- vgem, by libdrm: $mode: ${got:-nothing}; expected: $want" \
		[ "$got" = "$want" ]
done

# Where the driver's own page fault or mapping goes wrong, the kernel is asked what it does there.
[ ! -e /dev/udmabuf ] || case $natively in
SIGBUS)
	# shellcheck disable=SC2016
	traced 'r:e ttm_bo_vm_reserve ret=$retval:x32' \
		tests/kernel/probe "$driver" udmabuf >/tmp/trace
	promise "$at: natively TTM refuses the fault: VM_FAULT_SIGBUS" \
		grep -q 'ttm_bo_vm_reserve) ret=0x2$' /tmp/trace
	;;
'other bytes')
	# shellcheck disable=SC2016
	traced 'p:e remap_pfn_range pfn=$arg3:x64' \
		tests/kernel/probe "$driver" udmabuf "${pages:-16}" >/tmp/trace
	pfn=$(sed -n 's/.* e: (remap_pfn_range[^)]*) pfn=//p' /tmp/trace | head -n 1)
	promise "$at: natively the driver maps page frame ${pfn:-none}, none of the dma-buf's" \
		[ -n "$pfn" ]
	# tegra has no address of an import's memory.
	[ "$driver" != tegra ] ||
		promise "$at: it is the first one of the machine" [ "$((pfn))" = 0 ]
	;;
esac

# shown MODE EXPORTER: does a monitor show what the program draws into a buffer of EXPORTER's?
shown() {
	local preload=$lib
	[ "$1" != native ] || preload=
	rm -f /tmp/shown /tmp/drawn
	timeout 150 tests/kernel/dock /tmp/shown env LD_PRELOAD="$preload" \
		PRIMESHIM_MODE="${1/native/off}" tests/kernel/show "$driver" "$2" /tmp/drawn &&
		cmp /tmp/shown /tmp/drawn
}

if [ -n "$(conf monitor)" ]; then
	promise "$at: natively the monitor shows a picture in an own buffer" shown native own
	case $natively in
	right) promise "$at <- vgem: natively the monitor shows the picture" shown native vgem ;;
	*)
		got=$(shown native vgem 2>&1)
		promise "$at <- vgem: natively no picture can be drawn: $got" \
			[ "$got" = 'show: map: Invalid argument' ]
		;;
	esac
	for mode in redirect rescue; do
		promise "$at <- vgem: $mode: the monitor shows the picture" shown $mode vgem
	done
fi

# Natively the fault handler says SIGBUS to the second of two threads that touch a page at once.
if [ -n "$(conf races)" ]; then
	for exporter in vgem vkms; do
		# On one machine with it: --gpu NAME --gpu vkms
		tests/kernel/probe drivers | grep -qx $exporter || continue
		for mode in redirect rescue; do
			got=$(with $mode timeout 150 tests/kernel/race "$driver" $exporter 200 2>&1)
			promise "$at <- $exporter: $mode: two threads touch a fresh map: SIGBUS in \
$got" [ "$got" = '0 of 200 runs' ]
		done
		got=$(with native timeout 150 tests/kernel/race "$driver" $exporter 200 2>&1)
		promise "$at <- $exporter: natively two threads touch a fresh map: SIGBUS in $got" \
			[ "${got%% *}" -gt 60 ]
	done
	# The driver keeps the memory of buffers that died so, for ever.
	got=$(with native timeout 150 tests/kernel/race "$driver" own 20 2>&1)
	promise "$at: natively two threads touch an own buffer: SIGBUS in $got" \
		[ "${got%% *}" -gt 0 ]
fi

# pictured MODE: does what the program draws by GBM arrive? By Mesa's driver, unmodified.
pictured() {
	local card
	card=$(with native tests/kernel/probe card "$driver")
	rm -f /tmp/out.png /tmp/in.png
	with "$1" timeout 150 examples/gbm-map "$card" /tmp/out.png /tmp/in.png >/dev/null 2>&1 &&
		cmp -s /tmp/out.png /tmp/in.png
}

if [ -n "$bounced" ] && [ -n "$(conf gbm)" ] && [ -x examples/gbm-map ]; then
	promise "$at: natively what Mesa's gbm_bo_map() maps does not reach the other side" \
		eval '! pictured native'
	for mode in redirect rescue; do
		promise "$at: $mode: what Mesa's gbm_bo_map() maps reaches the other side" \
			pictured $mode
	done
fi

# A device that takes one page alone cannot import the two of tests/kernel/sync.
[ -e /dev/udmabuf ] && { [ -z "$pages" ] || [ -n "$bounced" ]; } || exit 0
for mode in redirect rescue; do
	counted=$(brackets $mode)
	promise "$at: $mode: 40 maps are 40 brackets, and the device's 41: $counted" \
		[ "$counted" = '81 81' ]
	with $mode tests/kernel/sync kept "$driver" 500 | sed "s/: /: $mode: /"
	promise "$at: $mode: 500 rounds of map, write, unmap ended well" [ "${PIPESTATUS[0]}" = 0 ]
done
[ "$natively" = right ] || exit 0
counted=$(brackets native)
promise "$at: natively nobody syncs: $counted" [ "$counted" = '41 41' ]
[ -z "$bounced" ] || with native tests/kernel/sync lost "$driver" 500 | sed "s/: /: natively: /"
