#!/bin/bash
# SPDX-License-Identifier: MIT
# What is promised of imports into etnaviv, asked of the real driver: as root, in a virtual machine
# made by scripts/vm.sh --gpu etnaviv, with --system-heap for docs/etnaviv-system-heap.md. Run in
# the build directory that scripts/build-for.sh made. Prints "ok - ..." and "not ok - ..." lines;
# the caller counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
lib=$PWD/.libs/libprimeshim.so

# with MODE SYNC COMMAND...: MODE native is without the shim
with() {
	local preload=$lib
	[ "$1" != native ] || preload=
	env LD_PRELOAD="$preload" PRIMESHIM_MODE="${1/native/off}" PRIMESHIM_SYNC="$2" "${@:3}"
}

# The brackets that programs ask for by the ioctl. 32-bit ARM knows its registers only.
tracing=/sys/kernel/tracing
# shellcheck disable=SC2016 # the arguments are the kernel's
case $(uname -m) in
armv7*) echo 'p:sync dma_buf_ioctl request=%r1:x32 flags=+u0(%r2):u64' ;;
*) echo 'p:sync dma_buf_ioctl request=$arg2:x32 flags=+u0($arg3):u64' ;;
esac >$tracing/kprobe_events
echo 'request == 0x40086200' >$tracing/events/kprobes/sync/filter

# counted MODE SYNC COMMAND...: runs it, and prints how many STARTs and ENDs there were
counted() {
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	with "$@" >/dev/null 2>&1
	echo 0 >$tracing/events/kprobes/enable
	awk '/ sync: / { sub(/.* flags=/, ""); int($0 / 4) % 2 ? ends++ : starts++ }
		END { print starts + 0, ends + 0 }' $tracing/trace
}

[ -x tests/kernel/etnaviv ] || { echo 'not ok - tests/kernel/etnaviv is not built'; exit 1; }
for exporter in udmabuf vgem virtio_gpu; do
	# Only 6.12 on arm64 has it, and --device virtio-gpu-pci makes it.
	[ $exporter != udmabuf ] || [ -e /dev/udmabuf ] || continue
	[ $exporter != virtio_gpu ] || [ -e /sys/bus/virtio/drivers/virtio_gpu ] || continue
	for mode in native redirect rescue observe off; do
		for sync in driver map trap off; do
			[[ $mode = re* || $sync = driver ]] || continue
			with $mode $sync tests/kernel/etnaviv matrix $exporter 2>/dev/null |
				sed "s/: /: $mode, --sync $sync: /"
			promise "etnaviv <- $exporter: $mode, --sync $sync: the run ended well" \
				[ "${PIPESTATUS[0]}" = 0 ]
		done
	done
	with deny driver tests/kernel/etnaviv refused $exporter 2>/dev/null
	promise "etnaviv <- $exporter: deny: the run ended well" [ $? = 0 ]

	counted=$(counted native driver tests/kernel/etnaviv turns $exporter 20)
	promise "etnaviv <- $exporter: natively nobody syncs: $counted" [ "$counted" = '0 0' ]
	for mode in redirect rescue; do
		counted=$(counted $mode driver tests/kernel/etnaviv turns $exporter 20)
		promise "etnaviv <- $exporter: $mode: 20 turns are 20 brackets: $counted" \
			[ "$counted" = '20 20' ]
		counted=$(counted $mode map tests/kernel/etnaviv turns $exporter 20)
		promise "etnaviv <- $exporter: $mode, --sync map: they are one: $counted" \
			[ "$counted" = '1 1' ]
	done
	: >/tmp/observed
	PRIMESHIM_LOG=/tmp/observed with observe driver tests/kernel/etnaviv turns $exporter 20
	promise "etnaviv <- $exporter: observe counts what the driver is told" \
		grep -q "the program's: 20 told, 0 own begins$" /tmp/observed
	for mode in native redirect; do
		with $mode driver tests/kernel/etnaviv busy $exporter | sed "s/: /: $mode: /"
		promise "etnaviv <- $exporter: $mode: work that is pending: the run ended well" \
			[ "${PIPESTATUS[0]}" = 0 ]
	done
	# At the map, after the wait, and after the question that finds it idle; none while it was
	# busy.
	counted=$(counted redirect driver tests/kernel/etnaviv busy $exporter)
	promise "etnaviv <- $exporter: no bracket is begun early: $counted" [ "$counted" = '3 3' ]

	# The map by GBM, and two times glReadPixels
	[ -x tests/kernel/etnaviv-mesa ] || continue
	for mode in native redirect rescue; do
		with $mode driver tests/kernel/etnaviv-mesa $exporter | sed "s/: /: $mode: /"
		promise "etnaviv <- $exporter: $mode: Mesa ended well" [ "${PIPESTATUS[0]}" = 0 ]
		turns='3 3'
		[ $mode != native ] || turns='0 0'
		counted=$(counted $mode driver tests/kernel/etnaviv-mesa $exporter)
		promise "etnaviv <- $exporter: $mode: the brackets of Mesa's turns: $counted" \
			[ "$counted" = "$turns" ]
	done
	with deny driver tests/kernel/etnaviv-mesa $exporter 2>/dev/null >/tmp/denied
	promise "etnaviv <- $exporter: deny: Mesa is told that it cannot be mapped" [ $? = 1 ]
	promise "etnaviv <- $exporter: deny: and maps nothing of it" \
		grep -q '^not ok - .*gbm_bo_map maps it' /tmp/denied
done

# Of vivid's, whose exporter gives a read-only dma-buf to whoever asks for one.
if grep -q vivid /sys/class/video4linux/video0/name 2>/dev/null; then
	for mode in native redirect rescue observe off; do
		with $mode driver tests/kernel/etnaviv protect vivid 2>/dev/null |
			sed "s/: /: $mode: /"
		promise "etnaviv <- vivid: $mode: read-only: the run ended well" \
			[ "${PIPESTATUS[0]}" = 0 ]
	done
else
	echo '# there is no vivid: a read-only dma-buf of its is left out'
fi

# The kernel's own bug, last as it is no good afterwards.
[ -e /dev/dma_heap/system ] || exit 0
dmesg -C
for sync in driver map trap off; do
	with redirect $sync tests/kernel/etnaviv matrix heap 2>/dev/null |
		sed "s/: /: redirect, --sync $sync: /"
	promise "etnaviv <- heap: redirect, --sync $sync: the run ended well" \
		[ "${PIPESTATUS[0]}" = 0 ]
done
counted=$(counted redirect driver tests/kernel/etnaviv turns heap 20)
promise "etnaviv <- heap: redirect: 20 turns are 20 brackets: $counted" [ "$counted" = '20 20' ]
promise 'etnaviv <- heap: redirect: the kernel has nothing to complain of' [ -z "$(dmesg)" ]
with native driver tests/kernel/etnaviv matrix heap >/dev/null
dmesg | sed 's/^/# /'
promise 'etnaviv <- heap: natively munmap frees the object of a live handle' \
	grep -q 'refcount_t: underflow; use-after-free' <(dmesg)
promise 'etnaviv <- heap: from drm_gem_vm_close()' grep -q ' drm_gem_vm_close' <(dmesg)
