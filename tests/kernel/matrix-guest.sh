#!/bin/bash
# SPDX-License-Identifier: MIT
# The part of scripts/docs/matrix.sh that runs on the kernel in question, as root, in the build
# directory. Asks all importers, or those whose names are given, and prints lines "KERNEL MACHINE
# IMPORTER EXPORTER NATIVE REDIRECT RESCUE OBSERVE DENY", with tabs. With --lost before the names:
# how many bytes are lost where DMA is bounced, as "lost KERNEL MACHINE IMPORTER NATIVE REDIRECT
# RESCUE".
set -u
lost=''
[ "${1-}" != --lost ] || { lost=yes && shift; }
[ -x tests/kernel/probe ] || { echo "matrix-guest.sh: $PWD has no tests/kernel/probe" >&2; exit 2; }

mapfile -t drivers < <(tests/kernel/probe drivers)
exporters=()
[ ! -e /dev/udmabuf ] || exporters+=(udmabuf)
[ ! -e /dev/dma_heap/system ] || exporters+=(heap)
! grep -qs vivid /sys/class/video4linux/video0/name || exporters+=(vivid)
for driver in "${drivers[@]}"; do
	# What these export is none that can be mapped there, or hangs.
	case $driver in
	amdgpu | etnaviv | i915 | lima | msm | nouveau) continue ;;
	panfrost | radeon | tegra | v3d | vc4 | xe) continue ;;
	esac
	exporters+=("$driver")
done

# came_of MODE IMPORTER EXPORTER: what came of it; MODE native is without the shim
came_of() {
	local preload=$PWD/.libs/libprimeshim.so out
	local pages=16
	[ "$1" != native ] || preload=''
	# It imports what is of one piece.
	[ "$2" != vc4 ] || pages=1
	# What hangs is over before vm.sh gives the guest up; others take a second.
	out=$(PRIMESHIM_MODE=${1/native/off} LD_PRELOAD=$preload timeout 150 \
		tests/kernel/probe "$2" "$3" $pages 2>&1)
	echo "${out:-nothing}"
}

# lost_of MODE IMPORTER: prints how many of the 400 checks of 200 rounds found lost bytes, or what
# came of the map
lost_of() {
	local preload=$PWD/.libs/libprimeshim.so lost
	[ "$1" != native ] || preload=''
	lost=$(PRIMESHIM_MODE=${1/native/off} LD_PRELOAD=$preload timeout 150 \
		tests/kernel/sync lost "$2" 200 2>/dev/null |
		sed -n 's/^# in 200 rounds \([0-9]*\) .*/\1/p')
	if [ -n "$lost" ]; then
		echo "$lost of 400"
	else
		came_of "$1" "$2" udmabuf
	fi
}

if [ -n "$lost" ]; then
	for importer in "${drivers[@]}"; do
		[ $# = 0 ] || [[ " $* " = *" $importer "* ]] || continue
		printf 'lost\t%s\t%s\t%s' "$(uname -r)" "$(uname -m)" "$importer"
		for mode in native redirect rescue; do
			printf '\t%s' "$(lost_of $mode "$importer")"
		done
		echo
	done
	exit
fi

for importer in "${drivers[@]}"; do
	[ $# = 0 ] || [[ " $* " = *" $importer "* ]] || continue
	name=$importer
	[ "$importer" != virtio_gpu ] || ! dmesg | grep -q '[+]resource_blob' ||
		name='virtio_gpu, blobs'
	for exporter in "${exporters[@]}"; do
		[ "$importer" != "$exporter" ] || continue
		# Natively munmap of this one breaks the kernel: docs/etnaviv-system-heap.md.
		[ "$importer-$exporter" != etnaviv-heap ] || continue
		printf '%s\t%s\t%s\t%s' "$(uname -r)" "$(uname -m)" "$name" "$exporter"
		for mode in native redirect rescue observe deny; do
			printf '\t%s' "$(came_of $mode "$importer" "$exporter")"
		done
		echo
	done
done
