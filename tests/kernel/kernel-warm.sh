#!/bin/bash
# SPDX-License-Identifier: MIT
# Mappings that the shim keeps after their munmap(), on a real kernel: as root, in a virtual machine
# made by scripts/vm.sh; in the build directory. Which system calls a cycle of map, touch and unmap
# makes, that no dma-buf is held longer than its handle, and what becomes of it when a device is
# unplugged, for which --device cirrus-vga has to be there. With --icount, whose clock counts
# instructions, and a kernel that has udmabuf also what a cycle takes. Prints "ok - ..." and
# "not ok - ..." lines; the caller counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
lib=$PWD/.libs/libprimeshim.so client=tests/kernel/warm gone=tests/kernel/gone
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if [ ! -x $client ] || [ ! -e "$lib" ]; then
	echo "not ok - $PWD is no build directory"
	exit 1
fi
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug || exit 99
# 6.1 has neither udmabuf nor a heap.
exporter=udmabuf
[ -e /dev/udmabuf ] || exporter=vivid
echo "# exporter $exporter"

# with KEEP SYNC COMMAND...: under the shim, without the launcher's checks, which take seconds here
with() {
	PRIMESHIM_KEEP=$1 PRIMESHIM_SYNC=$2 LD_PRELOAD=$lib "${@:3}"
}

# calls KEEP SYNC: the system calls of the second cycle, in a line
calls() {
	with "$1" "$2" strace -o "$tmp/trace" $client calls vgem $exporter || return
	awk '
	/^access\("cycle:MAP_DUMB"/ { cycle++ }
	/^access\("cycle:/ { on = !/cycle:end/; printf "%s", cycle == 2 && on ? " |" : ""; next }
	on && cycle == 2 {
		name = $0
		sub(/\(.*/, "", name)
		sub(/^newfstatat$/, "fstat", name)
		# Can the argument be written? It is not asked where that is on the stack. And some
		# machines ask the kernel for the time.
		if (name ~ /^(futex|clock_gettime)$/)
			next
		if (name == "ioctl")
			name = /PRIME_HANDLE_TO_FD/ ? "export" : /MAP_DUMB/ ? "map" : \
			       /DMA_BUF_IOCTL_SYNC|_IOC\(_IOC_WRITE, 0x62, 0,/ ? "sync" : "ioctl"
		printf " %s", name
	}' "$tmp/trace"
}

# As before there were kept mappings: which calls, and why, is in bench/RESULTS.md.
said=$(calls off driver)
want=' | map export fstat close | export fstat mmap fcntl close poll sync |'
want+=' | fstat sync close munmap'
promise "off: the calls of a cycle are as ever:$said" [ "$said" = "$want" ]
said=$(calls off off)
promise "off, without brackets:$said" [ "$said" = \
	' | map export fstat close | export fstat mmap close | | munmap' ]
# One look at the handle, one at the place, two at the descriptor.
said=$(calls 128M driver)
promise "warm: ten calls, of which one is the program's own:$said" [ "$said" = \
	' | map export fstat close | fstat readlink poll sync | | fstat sync' ]
said=$(calls 128M off)
promise "warm, without brackets: five:$said" [ "$said" = \
	' | map export fstat close | readlink | |' ]

# ratio PAGES MOST
ratio() {
	local percent
	percent=$(with 128M driver $client time vgem $exporter "$1")
	promise "a warm cycle of $1 pages takes $percent % of the exporter's own, at most $2" \
		[ "${percent:-1000}" -le "$2" ]
}
if [ $exporter = udmabuf ]; then
	ratio 16 50
	ratio 256 25
	ratio 2048 15
	cold=$(with off driver $client time vgem $exporter 1)
	warm=$(with 128M driver $client time vgem $exporter 1)
	promise "one of a page $warm %, and $cold % without keeping: no more" \
		[ "$warm" -le "$cold" ]
fi

faults=$(with 128M driver $client faults vgem $exporter)
promise "100 warm cycles have $faults page faults, not 1600" [ "$faults" -lt 100 ]

for sync in driver map off; do
	said=$(with 128M $sync $client held vgem $exporter)
	promise "$sync: dma-bufs after unmap, GEM_CLOSE, DESTROY_DUMB, close(): $said" \
		[ "$said" = '1 0 0 0' ]
done
said=$(with off driver $client held vgem $exporter)
promise "off: the same: $said" [ "$said" = '1 0 0 0' ]
with 128M driver $client raw vgem $exporter
promise 'raw system calls ended well' [ $? = 0 ]

# unplugged IMPORTER EXPORTER WHICH BETWEEN WANT: WHICH of the two devices goes. BETWEEN: what comes
# of an mmap() whose map ioctl was before, without kept pages and with them. WANT: what comes of all
# else, either way.
unplugged() {
	local keep between said what="$1 <- $2: the $3 is unplugged"
	for keep in off 128M; do
		between=${4#* }
		[ $keep != off ] || between=${4% *}
		with $keep driver $gone unplugged "$1" "$2" $keep "$3" >"$tmp/said"
		promise "$what, KEEP=$keep: the program ended well" [ $? = 0 ]
		grep -v '^#' "$tmp/said"
		said=$(sed -n 's/^#.*| //p' "$tmp/said")
		promise "$what, KEEP=$keep: $said" [ "$said" = "$5" ]
		said=$(sed -n 's/^#.*| between \([^ ]*\) .*/\1/p' "$tmp/said")
		promise "$what after the map ioctl, KEEP=$keep: mmap $said" [ "$said" = "$between" ]
	done
}
# The memory is the exporter's: it goes on with it, and with a mapping of the dma-buf.
gone_too='mmap ENODEV ioctl ENODEV mmap ENODEV ioctl ENODEV'
unplugged cirrus $exporter importer 'ENODEV 0' \
	"own 15 byte 16 $gone_too export ENODEV GEM_CLOSE ENODEV $gone_too own 17"
# vivid's memory stays as long as the dma-buf.
closed='mmap EINVAL ioctl ENOENT mmap EINVAL ioctl ENOENT'
want='own 15 byte 16 byte 17 ioctl 0 byte 18 byte 19 ioctl 0 byte 20 export 0 GEM_CLOSE 0'
unplugged vgem vivid exporter '0 0' "$want $closed own 21"
