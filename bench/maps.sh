#!/bin/bash
# SPDX-License-Identifier: MIT
# Times maps of imports under the shim and lists the system calls of one, on the running kernel;
# root, in a virtual machine made by scripts/vm.sh. Run in the build directory. Prints facts for
# maps.awk, which says how they are written and what CLOCK may be.
set -u
set -o pipefail
me=maps.sh
clock=${1-} rounds=${2-} importer=${3-vgem} cycles=4
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "Usage: $me CLOCK ROUNDS [IMPORTER]" >&2; exit 2; }
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

# tests/kernel/kernel-warm.sh has the cycle in which the shim keeps the pages.
for sync in map off; do
	shim=(scripts/run-with-shim.sh --mode redirect --sync "$sync" --keep off)
	"${shim[@]}" bench/maps time "$importer" "$rounds" | sed -u "s/^/map $clock $sync /" ||
		exit 2
	strace -y -o "$tmp/trace" "${shim[@]}" bench/maps calls "$importer" $cycles || exit 2
	calls $sync <"$tmp/trace"
done
echo "guest $importer, Linux $(uname -r | sed 's/-.*//')"
