#!/bin/bash
# SPDX-License-Identifier: MIT
# Mesa's Vulkan drivers take turns with another device on an import, on a kernel whose DMA is not
# coherent: root, in a virtual machine made by scripts/vm.sh --release trixie --append swiotlb=force
# --gpu NAME, which is v3d or panfrost. Run in the build directory. No work is ever done there: each
# job hangs for half a second or two until the kernel's driver gives it up, and then is done.
# Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
#
#   kernel-vulkan.sh NAME [TURNS]
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
case ${1-} in
v3d) gpu=V3D icd=broadcom ;;
panfrost) gpu=Mali icd=panfrost ;;
*) echo 'usage: kernel-vulkan.sh v3d|panfrost [TURNS]' >&2; exit 2 ;;
esac
at=$1 many=${2:-5} lib=$PWD/.libs/libprimeshim.so tracing=/sys/kernel/tracing
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/${icd}_icd.json PAN_I_WANT_A_BROKEN_VULKAN_DRIVER=1

# v3dv gives up at a render node that is listed after its own.
rmmod vivid vgem

# shellcheck disable=SC2016 # the arguments are the kernel's
echo 'p:e dma_buf_ioctl request=$arg2:x32 flags=+u0($arg3):u64' >$tracing/kprobe_events
echo 'request == 0x40086200' >$tracing/events/kprobes/e/filter

# turns MODE TURNS OPTION...: leaves in $tmp/out what the program says, in $tmp/err what the shim
# says, and in $counted how many STARTs and ENDs the kernel got. MODE: native, trap, or one of
# redirection
turns() {
	local preload=$lib mode=$1 sync=driver program
	case $mode in
	native) preload='' ;;
	trap) mode=redirect sync=trap ;;
	esac
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	LD_PRELOAD=$preload PRIMESHIM_MODE=${mode/native/off} PRIMESHIM_SYNC=$sync \
		timeout $((300 + $2 * 10)) examples/dmabuf-vulkan --gpu $gpu --turns "$2" "${@:3}" \
		>"$tmp/out" 2>"$tmp/err" &
	program=$!
	progress $program
	wait $program
	status=$?
	echo 0 >$tracing/events/kprobes/enable
	counted=$(awk '/ e: / { sub(/.* flags=/, ""); int($0 / 4) % 2 ? ends++ : starts++ }
		END { print starts + 0, ends + 0 }' $tracing/trace)
}

# progress PID: says how far it is, as long as it gets on
progress() {
	local before=0 n seconds=0
	while sleep 1 && kill -0 "$1" 2>/dev/null; do
		[ $((seconds += 1)) -ge 60 ] || continue
		n=$(grep -c ' e: ' $tracing/trace)
		[ "$n" = "$before" ] || echo "# $n STARTs and ENDs so far"
		before=$n seconds=0
	done
}

# wrong: prints the two counts of bytes that were wrong
wrong() {
	sed -n 's/.* wrong are \([0-9]*\) of .* and \([0-9]*\) of .*/\1 \2/p' "$tmp/out"
}

turns native 3 --lasting
promise "$at: natively every byte is wrong in both directions: $(wrong)" \
	[ "$(wrong)" = "$((3 * 32768)) $((3 * 32768))" ]

for mode in redirect rescue trap; do
	for options in '' '--lasting' '--lasting --thread' '--lasting --timeline --thread'; do
		n=3
		[ "$options" != '--lasting --thread' ] || n=$many
		# The other device has one bracket a turn and one at the start. Ours: one for each
		# map, and one for each turn that a map stays.
		want=$((2 * n + 2))
		[[ $options = *lasting* ]] || want=$((3 * n + 1))
		# shellcheck disable=SC2086 # some options, or none
		turns $mode "$n" $options
		promise "$at: $mode: $n turns ${options:-of two maps}: no byte is wrong: $(wrong)" \
			[ "$status $(wrong)" = '0 0 0' ]
		promise "$at: $mode: and every turn is one bracket: $counted" \
			[ "$counted" = "$want $want" ]
		promise "$at: $mode: and nobody is accused" \
			[ "$(grep -c 'which is the device' "$tmp/err")" = 0 ]
	done
done

# Mesa's lavapipe maps the dma-buf by its own descriptor, which is no import, and tells nobody when
# it reads or writes it.
for direct in observe sync; do
	VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json LD_PRELOAD=$lib PRIMESHIM_LOG=1 \
		PRIMESHIM_DIRECT=$direct timeout 300 examples/dmabuf-vulkan --gpu llvmpipe \
		--turns 3 >"$tmp/out" 2>"$tmp/err"
	got=$(sed -n 's/.* exit: mapped by their own descriptors: //p' "$tmp/err")
	promise "lavapipe, $direct: maps one dma-buf once, and never syncs: ${got:-nothing}" \
		[ "${got%, 0 times}" = \
		'1 dma-bufs, 1 times, 0 refused; of these 0 synced by the program' ]
	promise "lavapipe, $direct: no byte arrives at the other device: $(wrong)" \
		[ "$(wrong | cut -d ' ' -f 1)" = $((3 * 32768)) ]
done
# shellcheck disable=SC2154 # of promise.sh
exit $fail
