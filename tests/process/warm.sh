#!/bin/bash
# SPDX-License-Identifier: MIT
# Mappings that the shim keeps after their munmap(), over the fake kernel; warm.c says what is
# expected.
set -u
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
fail=0

[ -e "$fake" ] || exit 77
# warm KEEP SYNC on|off
warm() {
	LD_PRELOAD=$shim:$fake PRIMESHIM_KEEP=$1 PRIMESHIM_SYNC=$2 \
		${EMULATOR:+"$EMULATOR"} "$build/tests/process/warm" "$3" || fail=1
}
# In QEMU's user mode the kernel has other addresses than the program: nothing is kept.
[ -n "${EMULATOR-}" ] || warm 64M driver on
warm off driver off
warm 64M trap off
warm 12K driver off
exit $fail
