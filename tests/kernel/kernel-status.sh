#!/bin/bash
# SPDX-License-Identifier: MIT
# The status file and primeshim on a real kernel: as root, in a virtual machine made by
# scripts/vm.sh; in the build directory. Prints "ok - ..." and "not ok - ..." lines; the caller
# counts them.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
shim=scripts/run-with-shim.sh tool=tools/primeshim client=tests/kernel/status-real
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PRIMESHIM_DIR=$tmp/status

if [ ! -x $client ] || [ ! -x $tool ]; then
	echo "not ok - $PWD is no build directory, or has no primeshim"
	exit 1
fi

# answered N: the program has said so many words by now
answered() {
	wait_until lines "$tmp/out" "$1"
}

# A running program whose map is refused natively maps again, and is healed.
mkfifo "$tmp/in"
$shim --mode observe $client vgem=udmabuf import map wait map write read wait unmap kill \
	<"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
pid=$!
exec 3>"$tmp/in"
promise 'observe: vgem refuses the map' answered 2
promise 'with EINVAL' [ "$(head -n 1 "$tmp/out")" = 'refused: EINVAL' ]
$tool report $pid >"$tmp/told"
promise 'the report of the running process says so' \
	grep -q 'map ioctl: 1 refused by the driver (EINVAL), 0 rescued' "$tmp/told"
promise 'and advises redirect' \
	grep -q '^verdict: it maps imports and is refused' "$tmp/told"
$tool set $pid mode=redirect >"$tmp/told"
promise 'set: observe -> redirect' grep -q 'mode observe -> redirect' "$tmp/told"
echo >&3
promise 'the running program maps now' answered 5
promise 'and reads what is in the dma-buf' grep -qx 'read 0' "$tmp/out"
$tool maps $pid >"$tmp/maps"
read -r range _ _ _ _ _ _ _ ino _ <"$tmp/maps"
promise "the kernel has that mapping, of that inode" \
	grep -q "^$range .* $ino " /proc/$pid/maps
promise 'it is of the dma-buf, and the CPU has it' grep -q ' 16 KiB dma-buf cpu-rw$' "$tmp/maps"
$tool top -n 1 $pid >"$tmp/told"
promise 'top counts it' grep -q ' 1 running, 1 imports, 16 KiB mapped' "$tmp/told"
echo >&3
exec 3>&-
wait $pid 2>/dev/null
promise 'it is killed' [ $? = 137 ]
promise 'and the report still says what it did' \
	grep -q 'mmap: 1 of the dma-buf$' <($tool report "$PRIMESHIM_DIR")

# What the status file counts is what the kernel counts.
rm -rf "$PRIMESHIM_DIR"
tracing=/sys/kernel/tracing
echo 'p:begin begin_cpu_udmabuf' >$tracing/kprobe_events
echo 'p:end end_cpu_udmabuf' >>$tracing/kprobe_events
echo 1 >$tracing/events/kprobes/enable
$shim $client vgem=udmabuf many 50 threads 4
promise 'threads that import and map' [ $? = 0 ]
echo 0 >$tracing/events/kprobes/enable
begins=$(grep -c ' begin: ' $tracing/trace) ends=$(grep -c ' end: ' $tracing/trace)
echo >$tracing/kprobe_events
promise "the kernel's begins and ends ($begins, $ends) are the status file's" \
	grep -q "brackets: $begins begun, $ends ended" <($tool report "$PRIMESHIM_DIR")
promise 'which are those of 250 mappings' [ "$begins-$ends" = 250-250 ]
promise 'all were refused natively, and rescued' \
	grep -q 'map ioctl: 250 refused by the driver (EINVAL), 250 rescued' \
	<($tool report "$PRIMESHIM_DIR")

# The devices' own answers.
if [ -w /dev/udmabuf ]; then
	promise 'primeshim probe: what vgem does, and the shim' \
		[ "$($tool probe vgem | head -n 1)" = \
		'vgem <- udmabuf: natively: map ioctl EINVAL; with the shim: right' ]
	$tool probe vgem >"$tmp/told"
	promise 'it succeeds' [ $? = 0 ]
	$tool probe >"$tmp/told"
	promise 'without a name it asks each device' \
		[ "$(grep -c ' <- udmabuf: natively: ' "$tmp/told")" = \
		"$(tests/kernel/probe drivers | sort -u | wc -l)" ]
fi

# The program that crashes natively: what the status file has survives SIGSEGV.
rm -rf "$PRIMESHIM_DIR"
[ -x examples/dmabuf-texture ] || exit 0
# In a shell that says what it was, as bash would say it here.
GBM_ALWAYS_SOFTWARE=1 $shim --mode observe sh -c '"$@"; exit' sh \
	examples/dmabuf-texture --driver vgem "$tmp/out.png" "$tmp/in.png" >"$tmp/out" 2>&1
status=$?
promise "dmabuf-texture ends by SIGSEGV natively" [ $status = 139 ]
promise 'its status file says that its map was refused' \
	grep -q 'refused by the driver (EINVAL), 0 rescued' <($tool report "$PRIMESHIM_DIR")
