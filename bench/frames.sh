#!/bin/bash
# SPDX-License-Identifier: MIT
# Times frames (frame.c) under the shim, by PRIMESHIM_SYNC, and counts the system calls of one, on
# the running kernel; root, in a virtual machine made by scripts/vm.sh --device cirrus-vga. Run in
# the build directory. Prints facts for frames.awk, which says how they are written.
set -u
set -o pipefail
clock=${1-} rounds=${2-} importer=${3-cirrus}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "Usage: frames.sh CLOCK ROUNDS [IMPORTER]" >&2; exit 2; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# under SYNC COMMAND...: without the launcher's checks, which take seconds here. "status" is driver
# with a status file. What brackets cost is compared with a frame that maps its pages anew: the shim
# keeps none with trap.
under() {
	local settings=(PRIMESHIM_SYNC="$1" PRIMESHIM_KEEP=off)
	[ "$1" != status ] || settings+=(PRIMESHIM_SYNC=driver PRIMESHIM_DIR="$tmp/status")
	env LD_PRELOAD="$PWD/.libs/libprimeshim.so" "${settings[@]}" "${@:2}" 2>>"$tmp/err" ||
		{ cat "$tmp/err" >&2; exit 2; }
}

for ((round = 1; round <= rounds; round++)); do
	for sync in off map driver status trap; do
		ns=$(under $sync bench/frame time "$importer" 8) || exit 2
		echo "frame $clock $sync $round $ns"
	done
done
for sync in off map driver status trap; do
	under $sync strace -y -o "$tmp/trace" bench/frame calls "$importer" 4
	# strace 6.1 does not know the ioctl on every file.
	awk -v sync=$sync '
	/^access\("(frame|end)"/ { frames++; next }
	frames && frames < 5 {
		name = $0
		sub(/\(.*/, "", name)
		if (name == "ioctl") {
			name = $2
			sub(/,$/, "", name)
		}
		if ($0 ~ /_IOC\(_IOC_WRITE, 0x62, 0,/)
			name = "DMA_BUF_IOCTL_SYNC"
		sub(/^(newfstatat|fstat64|statx)$/, "fstat", name)
		n[name, frames]++
		names[name]
	}
	END {
		for (name in names)
			print "frame-call", sync, name, n[name, 4] + 0, n[name, 3] + 0
	}' "$tmp/trace"
done
echo "frames-guest $importer, Linux $(uname -r | sed 's/-.*//')"
