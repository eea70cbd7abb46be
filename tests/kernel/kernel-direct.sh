#!/bin/bash
# SPDX-License-Identifier: MIT
# Dma-bufs that a program maps by their own descriptors, on a kernel whose DMA is not coherent: as
# root, in a virtual machine made by scripts/vm.sh --append swiotlb=force, and with --device
# virtio-gpu-pci for ffmpeg; in the build directory. Prints "ok - ..." and "not ok - ..." lines; the
# caller counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
lib=$PWD/.libs/libprimeshim.so
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PRIMESHIM_DIR=

# with SETTING WORD...: under the shim, without the launcher's checks, which take seconds here
with() {
	PRIMESHIM_DIRECT=$1 LD_PRELOAD=$lib tests/kernel/direct "${@:2}"
}

promise 'this machine bounces all DMA (swiotlb=force)' grep -q swiotlb=force /proc/cmdline
for what in reader writer; do
	stale=$(tests/kernel/direct $what 400)
	promise "natively a $what that never syncs has $stale wrong frames of 400" \
		[ "$stale" -gt 390 ]
	for how in off observe; do
		promise "--direct $how changes nothing for a $what" \
			[ "$(with $how $what 400)" = "$stale" ]
	done
	promise "--direct sync: of 400 frames of a $what none is wrong" \
		[ "$(with sync $what 400)" = 0 ]
done
for how in off observe sync; do
	promise "--direct $how: a program that syncs itself has none of 400 wrong" \
		[ "$(with $how syncer 400)" = 0 ]
done
lost=$(tests/kernel/direct imported 100)
promise "natively what is written before an export is lost, $lost times of 100" [ "$lost" -gt 90 ]
promise '--direct sync: nothing is, as an export is a hand-over' [ "$(with sync imported 100)" = 0 ]
for how in off observe sync; do
	promise "--direct $how: a read-only dma-buf says EACCES, as natively" \
		[ "$(with $how readonly)" = EACCES ]
done

# Counted in the kernel: the device's brackets (one at the start; one a frame, or two with syncer),
# the program's own, and the shim's.
tracing=/sys/kernel/tracing
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
# counted BEGINS ENDS SETTING WORD...: how many there are
counted() {
	local n
	echo >$tracing/trace
	echo 1 >$tracing/events/kprobes/enable
	with "${@:3}" >/dev/null 2>&1
	echo 0 >$tracing/events/kprobes/enable
	n="$(grep -c ' begin: ' $tracing/trace) $(grep -c ' end: ' $tracing/trace)"
	promise "--direct $3: ${*:4} is $1 begins and $2 ends in the kernel: $n" [ "$n" = "$1 $2" ]
}
counted 51 51 off reader 50
counted 51 51 observe reader 50
counted 101 101 sync reader 50
counted 101 101 sync writer 50
counted 151 151 observe syncer 50
counted 152 152 sync syncer 50
# One START at the map. Each export is an END, as the program writes without a word.
counted 52 101 sync imported 50

# report SETTING COMMAND...: the report's counters of what runs under the launcher
report() {
	scripts/run-with-shim.sh --direct "$1" --report --json --out "$tmp/json" "${@:2}"
}
number() {
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$tmp/json" | tail -n 1
}
numbers() {
	echo "# $(number direct_mmaps) mmaps of $(number direct_dmabufs) dma-bufs," \
		"$(number direct_dmabufs_synced) of them synced $(number direct_own_syncs) times;" \
		"the shim: $(number begins) begins, $(number ends) ends"
}
report observe tests/kernel/direct reader 20 >/dev/null
promise 'the report has 20 mappings of one dma-buf' \
	[ "$(number direct_mmaps)-$(number direct_dmabufs)" = 20-1 ]
promise 'and says that the program never syncs' \
	grep -q '"verdict": *"it maps 1 dma-buf itself and never syncs"' "$tmp/json"
report observe tests/kernel/direct readonly >/dev/null
promise 'it names who has exported for reading only' \
	grep -q 'a dma-buf that videobuf2_[a-z]* exported for reading only' "$tmp/json"
promise 'and what the exporter has to do' grep -q '"advice": *"[^"]*O_RDWR for V4L2' "$tmp/json"
promise '--direct sync and mode redirect change nothing about that' \
	[ "$(PRIMESHIM_MODE=redirect with sync readonly)" = EACCES ]

# ffmpeg's kmsgrab exports what the display shows, and hwdownload maps that dma-buf. The console's
# frame buffer is shown where the machine has a display (vm.sh --device virtio-gpu-pci).
card=$(for dir in /sys/class/drm/card?; do
	case $(readlink "$dir/device/driver") in */virtio*) echo "/dev/dri/${dir##*/}" ;; esac
done)
# shellcheck disable=SC2317
grab() {
	ffmpeg -v error -device "$card" -f kmsgrab -i - -vf hwdownload,format=bgr0 -frames:v 3 \
		-f rawvideo -y "$1" </dev/null
}
if [ -n "$card" ] && command -v ffmpeg >/dev/null; then
	promise 'natively ffmpeg grabs the display' grab "$tmp/native"
	for how in observe sync; do
		promise "--direct $how: so it does" report $how bash -c "$(declare -f grab)
			card=$card; grab $tmp/grabbed"
		promise "--direct $how: three frames of the same size" \
			[ "$(stat -c %s "$tmp/grabbed")" = "$(stat -c %s "$tmp/native")" ]
		numbers
		promise "--direct $how: ffmpeg syncs what it maps itself" \
			[ "$(number direct_dmabufs)-$(number direct_dmabufs_synced)" = 1-1 ]
		promise "--direct $how: and each END has its START" \
			[ "$(number begins)" = "$(number ends)" ]
	done
else
	skip 'ffmpeg grabs the display' 'there is no ffmpeg, or no virtio-gpu'
fi

# GStreamer's v4l2src exports vivid's buffers, and videoconvert maps the dma-bufs.
pipeline=(gst-launch-1.0 -q v4l2src device=/dev/video0 num-buffers=8 io-mode=dmabuf '!'
	'video/x-raw,width=320,height=180' '!' videoconvert '!' 'video/x-raw,format=RGB' '!'
	filesink)
if ! command -v gst-launch-1.0 >/dev/null; then
	skip 'GStreamer' 'it is not installed'
	exit $fail
fi
export GST_REGISTRY=$tmp/registry GST_REGISTRY_FORK=no
promise 'natively GStreamer maps frames of vivid by their dma-bufs' \
	"${pipeline[@]}" location="$tmp/native"
size=$(stat -c %s "$tmp/native")
promise 'and writes 8 of them' [ "$size" = $((320 * 180 * 3 * 8)) ]
for how in observe sync; do
	promise "--direct $how: the pipeline ends well" \
		report $how "${pipeline[@]}" location="$tmp/$how"
	promise "--direct $how: with as many frames" [ "$(stat -c %s "$tmp/$how")" = "$size" ]
	numbers
	promise "--direct $how: the mappings are seen" [ "$(number direct_mmaps)" -gt 0 ]
done
promise '--direct sync: each END has its START' [ "$(number begins)" = "$(number ends)" ]
exit $fail
