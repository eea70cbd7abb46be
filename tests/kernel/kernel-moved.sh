#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory that moves, or goes, while the shim keeps a mapping of it: buffers in the VRAM of amdgpu,
# and a GPU that is unplugged. As root, in a virtual machine made by scripts/vm.sh --gpu amdgpu
# --gpu xe; in the build directory. Prints "ok - ..." and "not ok - ..." lines; the caller counts
# them.
#
# While a driver like vgem has an import, amdgpu pins the buffer to system memory. It does not while
# a driver has it that bears a move, which are amdgpu and xe.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
lib=$PWD/.libs/libprimeshim.so gone=tests/kernel/gone
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if [ ! -x $gone ] || [ ! -e "$lib" ]; then
	echo "not ok - $PWD is no build directory"
	exit 1
fi

# with KEEP SYNC COMMAND...: under the shim
with() {
	PRIMESHIM_KEEP=$1 PRIMESHIM_SYNC=$2 LD_PRELOAD=$lib "${@:3}"
}

for sync in driver map off; do
	for keep in off 128M; do
		with $keep $sync $gone moved xe $keep | sed "s/: /: --sync $sync, KEEP=$keep: /"
		promise "--sync $sync, KEEP=$keep: that run ended well" [ "${PIPESTATUS[0]}" = 0 ]
	done
done
for keep in off 128M; do
	with $keep driver $gone pinned vgem
	promise "KEEP=$keep: an import that pins ended well" [ $? = 0 ]
done

# unplugged EXPORTER WHICH KEEP WANT: xe has the import, and WHICH of the two goes
unplugged() {
	local said what="xe <- $1: the $2 is unplugged, KEEP=$3"
	with "$3" driver $gone unplugged xe "$1" "$3" "$2" >"$tmp/said"
	promise "$what: the program ended well" [ $? = 0 ]
	grep -v '^#' "$tmp/said"
	said=$(sed -n 's/^#[^|]*//p' "$tmp/said")
	promise "$what: $said" [ "$said" = "$4" ]
}
closed='mmap EINVAL ioctl ENOENT mmap EINVAL ioctl ENOENT'
gone_too='mmap ENODEV ioctl ENODEV mmap ENODEV ioctl ENODEV'
for keep in off 128M; do
	# The memory is the exporter's: it goes on with it.
	for exporter in udmabuf amdgpu; do
		want='| between ENODEV | own 15 byte 16'
		unplugged $exporter importer $keep \
			"$want $gone_too export ENODEV GEM_CLOSE ENODEV $gone_too own 17"
	done
	# The exporter takes its memory away. TTM gives each mapping a page of zeros of its own,
	# which a kept mapping keeps.
	case $keep in
	off) want='byte 1 ioctl 0 byte 1 byte 1 ioctl 0 byte 1' ;;
	*) want='byte 1 ioctl 0 byte 2 byte 3 ioctl 0 byte 4' ;;
	esac
	unplugged amdgpu exporter $keep \
		"| between 0 | own 1 byte 1 $want export 0 GEM_CLOSE 0 $closed own 2"
done
