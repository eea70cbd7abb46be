#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim ab on a real kernel: an EGL program that imports udmabuf's buffers into vgem. As root,
# in a virtual machine made by scripts/vm.sh; in the build directory. Prints "ok - ..." and "not ok
# - ..." lines; the caller counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# is FILTER: the JSON is so
# shellcheck disable=SC2317
is() {
	jq -e "$1" "$tmp/out" >/dev/null
}

# As for scripts/demo.sh: software rendering, without its path for plain 2D drawing.
export GBM_ALWAYS_SOFTWARE=1 LP_PERF=no_linear
tools/primeshim ab -n 2 --json --keep "$tmp/kept" --output "$tmp/out.png" --output "$tmp/in.png" \
	-- \
	examples/dmabuf-texture --driver vgem "$tmp/out.png" "$tmp/in.png" >"$tmp/out"
promise 'vgem: ab runs dmabuf-texture four times' [ $? = 0 ]
promise 'vgem: natively it dies' is '.a.ended == { "SIGSEGV": 2 }'
promise 'vgem: with the shim it does not' is '.b.ended == { "exit 0": 2 }'
promise 'vgem: its times are not compared' is '(.alike | not) and .ratio.wall_seconds == null'
promise 'vgem: it imports once each time' is '[.a, .b] | all(.imports.values == [1, 1])'
promise 'vgem: maps are refused, and rescued' is '.a.maps_refused.median > 0 and
	.a.maps_rescued.median == 0 and .b.maps_rescued.values == .b.maps_refused.values'
promise 'vgem: the dma-buf is mapped and synced' is '.b.maps_of_dmabuf.median > 0 and
	.b.sync_begins.median > 0 and .b.sync_blocked_ns.median > 0 and .a.sync_begins.median == 0'
promise 'vgem: only B draws a picture' is '.outputs[1] | .verdict == "missing" and .a.found == 0 and
	.b.found == 2 and (.b.varies | not)'
promise 'vgem: what was put in is the same' is '.outputs[2].verdict == "equal"'
promise 'vgem: the picture is right' \
	tests/kernel/pictures same "$tmp/kept/b1.2.in.png" "$tmp/kept/b1.1.out.png"
