#!/bin/bash
# SPDX-License-Identifier: MIT
# What is promised of imports, asked of the running kernel: as root, in a virtual machine made by
# scripts/vm.sh with cirrus-vga and virtio-gpu-pci; in the build directory. Prints "ok - ..." and
# "not ok - ..." lines; the caller counts them.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
shim=scripts/run-with-shim.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

exporters=()
! grep -q vivid /sys/class/video4linux/video0/name 2>/dev/null || exporters+=(vivid)
[ ! -e /dev/udmabuf ] || exporters+=(udmabuf)
[ ! -e /dev/dma_heap/system ] || exporters+=(heap)
[ -x "$shim" ] || { echo "not ok - $PWD is no build directory"; exit 1; }
echo "# kernel $(uname -r), exporters ${exporters[*]} and dumb buffers"

importers=()
for driver in vgem cirrus; do
	if tests/kernel/matrix card $driver >"$tmp/card"; then
		importers+=("$driver")
	else
		echo "# no device with the driver $driver: its part is left out"
	fi
done
promise 'there is an importer to ask' [ ${#importers[@]} -gt 0 ]
for importer in "${importers[@]}"; do
	other=()
	for driver in "${importers[@]}"; do
		[ "$driver" = "$importer" ] || other+=("$driver")
	done
	for exporter in "${exporters[@]}" "${other[@]}"; do
		tests/kernel/matrix native "$importer" "$exporter"
		for mode in observe deny off; do
			$shim --mode $mode tests/kernel/matrix native "$importer" "$exporter" |
				sed "s/natively/in mode $mode/"
		done
		for mode in redirect rescue; do
			$shim --mode $mode tests/kernel/matrix shim "$importer" "$exporter"
			promise "$importer <- $exporter: all of mode $mode ended well" [ $? = 0 ]
		done
	done
	# Of dumb buffers, whose pages are counted from where a mapping begins.
	for exporter in "${other[@]}"; do
		for keep in off 128M; do
			timeout "$hang" $shim --keep $keep tests/kernel/process "$importer" \
				"$exporter" files ranges handles mappings moves places private
			promise "$importer <- $exporter: keep $keep: the process ended well" \
				[ $? = 0 ]
		done
	done
done
for importer in "${importers[@]}"; do
	$shim --survey --out "$tmp/told" tests/kernel/matrix native "$importer" \
		"${exporters[0]}" >"$tmp/out"
	promise "$importer <- ${exporters[0]}: a survey tells of the import" \
		grep -q "^  ${importer}[^ ]* <- [^ ]*: [12] imports\? of " "$tmp/told"
	promise "$importer <- ${exporters[0]}: and of the refusal" \
		grep -q '^    map ioctl: [12] refused by the driver (EINVAL), 0 rescued' "$tmp/told"
	promise "$importer <- ${exporters[0]}: and its verdict is to redirect" \
		grep -q '^verdict: it maps imports and is refused' "$tmp/told"
done
# The rest is asked with udmabuf.
[ -e /dev/udmabuf ] || exit 0

for importer in "${importers[@]}"; do
	for what in misuse threads; do
		$shim tests/kernel/matrix $what "$importer"
		promise "$importer: $what ended well" [ $? = 0 ]
	done
done

# What the kernel alone decides is the same in every mode; virtio-gpu refuses the import itself.
! tests/kernel/matrix card virtio_gpu >"$tmp/card" || refusing=virtio_gpu
for importer in "${importers[@]}" ${refusing-}; do
	tests/kernel/matrix answers "$importer" >"$tmp/native"
	promise "$importer: the answers are there" [ "$(wc -l <"$tmp/native")" -gt 20 ]
	for mode in redirect rescue observe deny off; do
		$shim --mode $mode tests/kernel/matrix answers "$importer" >"$tmp/shim"
		promise "$importer: the kernel's answers are the same with --mode $mode" \
			diff "$tmp/native" "$tmp/shim"
	done
done
[ -z "${refusing-}" ] ||
	promise 'virtio-gpu still refuses the import (ENODEV)' grep -qx 'import: 19' "$tmp/shim"

# The brackets, counted in the kernel: one begin and one end a mapping, and none where not asked.
# (In the exporter, as dma_buf_ioctl() has dma_buf_end_cpu_access() inlined.)
tracing=/sys/kernel/tracing
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
counted() {
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	"$@" || echo "not ok - $* failed"
	echo 0 >$tracing/events/kprobes/enable
	echo "$(grep -c ' begin: ' $tracing/trace) $(grep -c ' end: ' $tracing/trace)"
}
for importer in "${importers[@]}"; do
	promise "$importer: 20 mappings are 20 begins and 20 ends" \
		[ "$(counted $shim tests/kernel/matrix brackets "$importer" 20)" = '20 20' ]
	promise "$importer: with --sync off they are none" \
		[ "$(counted $shim --sync off tests/kernel/matrix brackets "$importer" 20)" = \
			'0 0' ]
done
# What a process may do while it has imports. It reads the counts itself.
echo 1 >$tracing/events/kprobes/enable
for importer in "${importers[@]}"; do
	timeout "$hang" $shim --keep off tests/kernel/process "$importer" udmabuf
	promise "$importer <- udmabuf: the process ended well" [ $? = 0 ]
done
timeout "$hang" $shim tests/kernel/process "${importers[0]}" udmabuf
promise "${importers[0]} <- udmabuf: with pages kept: the process ended well" [ $? = 0 ]
# What is just behind a mapping there is the shim's: only what the test owns may go.
for importer in "${importers[@]}"; do
	PRIMESHIM_KEEP=off timeout "$hang" env \
		LD_PRELOAD="$PWD/.libs/libprimeshim.so:$PWD/tests/lib/.libs/libneighbour.so" \
		tests/kernel/process "$importer" udmabuf mappings moves |
		sed 's/: /: beside a table: /'
	promise "$importer <- udmabuf: beside a table: the process ended well" \
		[ "${PIPESTATUS[0]}" = 0 ]
done
echo 0 >$tracing/events/kprobes/enable
echo >$tracing/kprobe_events

# A program on one device makes the very same ioctls. kmscube draws with Mesa's kms_swrast.
tests/kernel/matrix card cirrus >"$tmp/card" || exit 0
card=$(cat "$tmp/card")
cube() {
	GBM_ALWAYS_SOFTWARE=1 strace -f -e trace=ioctl -o "$tmp/trace" "${@:2}" \
		kmscube -D "$card" --count=3 >"$tmp/out" 2>&1
	echo "status $?" >"$1"
	grep -o 'ioctl([0-9]*, DRM_IOCTL[A-Z0-9_]*' "$tmp/trace" | grep -v WAIT >>"$1"
}
cube "$tmp/native"
cube "$tmp/shim" env LD_PRELOAD="$PWD/.libs/libprimeshim.so"
promise 'kmscube runs on cirrus alone' grep -qx 'status 0' "$tmp/native"
promise 'it maps dumb buffers' grep -q MODE_MAP_DUMB "$tmp/native"
promise 'under the shim it makes the same ioctls' diff "$tmp/native" "$tmp/shim"
