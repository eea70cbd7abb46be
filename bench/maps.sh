#!/bin/bash
# SPDX-License-Identifier: MIT
# Times maps of imports under the shim and lists the system calls of one, on the running kernel;
# root, in a virtual machine made by scripts/vm.sh. Run in the build directory. Prints facts for
# maps.awk, which says how they are written and what CLOCK may be.
set -u
set -o pipefail
me=maps.sh
clock=${1-} rounds=${2-} quick=${3-} cycles=4 sizes=5
shim=(scripts/run-with-shim.sh --mode redirect)
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "Usage: $me CLOCK ROUNDS [quick]" >&2; exit 2; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# calls SYNC <TRACE: a fact for each system call of a cycle, but for those that mark it
calls() {
	awk -v sync="$1" '
	/^access\("cycle:/ {
		phase = $1
		gsub(/^access\("cycle:|",$/, "", phase)
		cycle += phase == "MAP_DUMB"
		next
	}
	phase && phase != "end" {
		name = $0
		sub(/\(.*/, "", name)
		if (name == "ioctl") {
			name = $2
			sub(/,$/, "", name)
		}
		sub(/^(newfstatat|fstat64|statx)$/, "fstat", name)
		on = "-"
		if ($0 ~ /^[a-z_0-9]+\([0-9]+<\/dmabuf:/)
			on = "dma-buf"
		else if ($0 ~ /^[a-z_0-9]+\([0-9]+<\/dev\/dri\// )
			on = "device"
		else if (name ~ /^(poll|mmap)$/ && $0 ~ /[ =][0-9]+<\/dmabuf:/)
			on = "dma-buf"
		print "call", sync, cycle, phase, name, on
	}'
}

# The largest size takes as long as all the others.
[ -z "$quick" ] || sizes=4

# time_maps SYNC KEEP IMPORTER EXPORTER SIZES. KEEP is off, or on for the default.
time_maps() {
	local keep=("--keep" off)
	[ "$2" = off ] || keep=()
	"${shim[@]}" --sync "$1" "${keep[@]}" bench/maps time "$3" "$4" "$rounds" "$5" |
		sed -u "s/^/map $clock $1 $2 $4 /" || exit 2
}

for sync in map off; do
	for keep in off on; do
		time_maps $sync $keep vgem udmabuf $sizes
	done
done
# Other exporters; vgem's own buffer is an import of cirrus.
[ ! -e /dev/dma_heap/system ] || time_maps map on vgem heap 0
! grep -q vivid /sys/class/video4linux/video0/name 2>/dev/null || time_maps map on vgem vivid 0
[ ! -e /sys/bus/pci/drivers/cirrus ] || time_maps map on cirrus vgem 0
# tests/kernel/kernel-warm.sh has the system calls of a cycle whose pages the shim keeps.
for sync in map off; do
	strace -y -o "$tmp/trace" "${shim[@]}" --sync $sync --keep off \
		bench/maps calls vgem udmabuf $cycles || exit 2
	calls $sync <"$tmp/trace"
done
echo "guest vgem, Linux $(uname -r | sed 's/-.*//')"
