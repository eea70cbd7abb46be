#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests that need no device, for another machine than the one that built them; in the directory
# that scripts/build-for.sh made. Prints "ok - ..." and "not ok - ..." lines; the caller counts
# them.
#
#   machine.sh                         on that machine: in a guest of scripts/vm.sh --arch
#   machine.sh ARCHITECTURE [--long]   here, by QEMU's user mode
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd -P)
export top_srcdir=$top top_builddir=$PWD CPPFLAGS=${CPPFLAGS-}
LONG_BITS=$(sed -n 's/^LONG_BITS = //p' Makefile)
CC=gcc LIBDRM_CFLAGS=-I/usr/include/libdrm
machine=$(uname -m) short=(unit/unit)
tests=(source/exports source/layers process/hooked process/brackets process/trap process/drivers
	process/direct)
if [ $# -gt 0 ]; then
	# shellcheck source=scripts/lib/debian.sh
	. "$top/scripts/lib/debian.sh" || exit
	machine=$1 triplet=${triplet_of[$1]}
	QEMU_LD_PREFIX=$(debian_root "$1") || exit
	# Linked statically it does not take LD_PRELOAD for its own.
	EMULATOR=${triplet%%-*} EMULATOR=qemu-${EMULATOR/i6/i3}-static
	CC="$triplet-gcc --sysroot=$QEMU_LD_PREFIX" NM=$triplet-nm OBJDUMP=$triplet-objdump
	LIBDRM_CFLAGS=-I$QEMU_LD_PREFIX/usr/include/libdrm
	export EMULATOR QEMU_LD_PREFIX NM OBJDUMP
	[ "${2-}" != --long ] || short+=(fuzz/faults)
	# After a handler QEMU 7.2 blocks SIGSEGV there. i386's own is run by amd64 anyway.
	[ "$1" != i386 ] ||
		tests=(source/exports source/layers process/hooked process/brackets process/drivers
			process/direct)
fi
export CC LIBDRM_CFLAGS LONG_BITS

# goes_on: what a test promises, while it runs, as comments: a guest that is silent is given up
goes_on() {
	sed -un 's/^ok - /# /p'
}

log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
for test in "${short[@]}"; do
	${EMULATOR:+"$EMULATOR"} "tests/$test" >"$log" 2>&1
	status=$?
	promise "$machine: $test: $(grep -v '^primeshim' "$log" | tail -n 1)" [ $status = 0 ]
done
# QEMU's user mode has an mremap() of its own, with other answers.
for mode in redirect rescue; do
	[ -z "${EMULATOR-}" ] || continue
	PRIMESHIM_MODE=$mode tests/fuzz/fuzz --progress --threads 1 --seed 1 --steps 20000
	promise "$machine: 20,000 steps of the fuzzer in mode $mode" [ $? = 0 ]
	PRIMESHIM_MODE=$mode tests/fuzz/fuzz --progress --clean --threads 4 --seed 2 --steps 20000
	promise "$machine: and of four threads" [ $? = 0 ]
done
[ -n "${EMULATOR-}" ] || tests+=(cli/settings)
for test in "${tests[@]}"; do
	"$top/tests/$test.sh" 2>&1 | tee "$log" | goes_on
	status=${PIPESTATUS[0]}
	n=$(grep -c "^ok" "$log" | grep -v "^0")
	promise "$machine: $test.sh${n:+: $n promises}" [ "$status" = 0 ]
	[ "$status" = 0 ] || grep -v '^ok' "$log" | tail -n 20 | sed 's/^/# /'
done
